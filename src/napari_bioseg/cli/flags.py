"""Command-line flags made from the settings, and settings made from the flags."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from napari_bioseg.settings import FieldSpec, Settings, Workflow, describe, explain


@dataclass(frozen=True)
class Flag:
    """One setting as a flag."""

    path: tuple[str, ...]
    """Where the setting lies in the workflow: ``("train", "epochs")``."""
    spec: FieldSpec
    """What it is."""
    chooser: tuple[str, ...] = ()
    """Setting that must have one of ``words``, if it belongs to some alternatives only:
    ``("task", "kind")``."""
    words: tuple[str, ...] = ()
    """Those words: ``("semantic",)``."""
    chooses: bool = False
    """Whether it chooses between alternatives itself."""

    @property
    def dotted(self) -> str:
        """Where it lies, as one text: ``train.learning_rate``."""
        return ".".join(self.path)

    @property
    def name(self) -> str:
        """How it is written: ``--train.learning-rate``."""
        return flag_name(self.path)


def flag_name(path: Sequence[str]) -> str:
    """Return the flag of a setting.

    Parameters
    ----------
    path : sequence of str
        Names from the workflow down.

    Returns
    -------
    str

    Examples
    --------
    >>> flag_name(["instances", "seed_binary"])
    '--instances.seed-binary'
    """
    return "--" + ".".join(path).replace("_", "-")


def setting_flags(sections: Iterable[str]) -> list[Flag]:
    """List the flags of some sections of a workflow.

    Parameters
    ----------
    sections : iterable of str
        Names such as ``"train"``.

    Returns
    -------
    list of Flag
        One per setting, nested ones included. Settings of alternatives have one flag
        each, and one more chooses the alternative.
    """
    known = {spec.name: spec for spec in describe(Workflow)}
    return [flag for name in sections for flag in _flags_of(known[name], (name,))]


def _flags_of(spec: FieldSpec, path: tuple[str, ...]) -> Iterator[Flag]:
    if spec.kind == "model":
        for inner in describe(spec.models[0]):
            yield from _flags_of(inner, (*path, inner.name))
    elif spec.kind == "union":
        tag = _tag_of(spec.models[0])
        all_words = tuple(_word_of(model, tag) for model in spec.models)
        yield Flag((*path, tag), _choice(tag, spec, all_words), chooses=True)
        found: dict[tuple[str, ...], Flag] = {}
        for model, word in zip(spec.models, all_words, strict=True):
            for inner in describe(model):
                for flag in _flags_of(inner, (*path, inner.name)):
                    words = (*found.get(flag.path, flag).words, word)
                    found[flag.path] = replace(flag, chooser=(*path, tag), words=words)
        for flag in found.values():
            shared = flag.words == all_words
            yield replace(flag, chooser=(), words=()) if shared else flag
    else:
        yield Flag(path, spec)


def _choice(tag: str, spec: FieldSpec, words: tuple[str, ...]) -> FieldSpec:
    return FieldSpec(
        name=tag,
        kind="choice",
        default=getattr(spec.default, tag),
        title=tag,
        help=spec.help,
        choices=words,
    )


def _tag_of(model: type[Settings]) -> str:
    """Return the field whose only word tells a model from its alternatives."""
    described = {spec.name for spec in describe(model)}
    return next(name for name in model.model_fields if name not in described)


def _word_of(model: type[Settings], tag: str) -> str:
    return str(model.model_fields[tag].default)


def add_setting_flags(parser: argparse.ArgumentParser, sections: Iterable[str]) -> None:
    """Give a parser the flags of some sections of a workflow.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser; each section becomes a group of its help.
    sections : iterable of str
        Names such as ``"train"``.
    """
    titles = {spec.name: spec.help for spec in describe(Workflow)}
    for section in sections:
        group = parser.add_argument_group(f"{section} ({titles[section].rstrip('.')})")
        for flag in setting_flags([section]):
            # the kind is a setting's value in YAML and Python too: optimizer: sgd
            short = (flag_name(flag.path[:-1]),) if flag.chooses else ()
            group.add_argument(
                *short,
                flag.name,
                dest=flag.dotted,
                default=argparse.SUPPRESS,
                metavar=_metavar(flag.spec),
                help=_help(flag).replace("%", "%%"),
            )


def _metavar(spec: FieldSpec) -> str:
    if spec.kind == "choice":
        return "{" + ",".join(spec.choices) + "}"
    words = {
        "bool": "{true,false}",
        "int": "N",
        "float": "NUMBER",
        "number or word": "|".join(["NUMBER", *spec.choices]),
        "sizes": "|".join(["Y,X", *spec.choices]),
        "numbers": ",".join(["NUMBER", *spec.choices, "..."]),
        "list": "LIST",
    }
    return words.get(spec.kind, "TEXT")


def _help(flag: Flag) -> str:
    spec = flag.spec
    allowed = "" if spec.kind in ("choice", "bool") else spec.allowed
    if spec.kind == "list":
        allowed = _steps_help(spec)
    facts = [
        f"only for {' or '.join(flag.words)}" if flag.words else "",
        allowed,
        f"in {spec.unit}" if spec.unit else "",
        f"default: {_shown(spec.default)}",
    ]
    return f"{spec.help} [{'; '.join(fact for fact in facts if fact)}]"


def _steps_help(spec: FieldSpec) -> str:
    """Say how a list of steps is written; channels explain themselves."""
    tag = _tag_of(spec.models[0])
    if tag != "step":
        return ""
    steps = []
    for model in spec.models:
        inner = [field for field in describe(model) if not field.switch]
        values = [f"{field.name}={_typed(field.default)}" for field in inner]
        steps.append(" ".join([_word_of(model, tag), *values]))
    return f"none, or of these, separated by commas: {', '.join(steps)}"


def _typed(value: Any) -> str:
    """Write a value as it is typed behind a step."""
    if isinstance(value, tuple):
        return "&".join(str(item).replace(" ", "") for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "".join(str(getattr(item, "name", item)) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def given_settings(args: argparse.Namespace) -> dict[str, str]:
    """Return the settings that were typed.

    Parameters
    ----------
    args : argparse.Namespace
        From a parser that `add_setting_flags` prepared.

    Returns
    -------
    dict of str to str
        Text by dotted name.
    """
    return {name: text for name, text in vars(args).items() if "." in name}


def changed(base: Workflow, given: dict[str, str]) -> Workflow:
    """Return a workflow with the settings that were typed.

    Parameters
    ----------
    base : Workflow
        Everything else.
    given : dict of str to str
        From `given_settings`.

    Returns
    -------
    Workflow

    Raises
    ------
    ValueError
        Naming the flag, the value and what is allowed, one line per fault.

    Examples
    --------
    >>> changed(Workflow(), {"task.kind": "semantic", "task.classes": "3"}).outputs
    ('class 0', 'class 1', 'class 2')
    """
    if not given:
        return base
    sections = dict.fromkeys(name.split(".")[0] for name in given)
    flags = {flag.dotted: flag for flag in setting_flags(sections)}
    values = base.model_dump()
    for chooser, word in _alternatives([flags[name] for name in given], values, given):
        *parents, tag = chooser
        part = _part(values, parents)
        if part[tag] != word:  # another alternative has other settings
            part.clear()
            part[tag] = word
    for name, text in given.items():
        _check_alternative(flags[name], text, values)
        *parents, last = name.split(".")
        _part(values, parents)[last] = parse_value(flags[name].spec, text)
    try:
        return Workflow(**values)
    except ValidationError as error:
        raise ValueError(_as_flags(explain(error, Workflow))) from error


def _alternatives(
    flags: Sequence[Flag], values: dict[str, Any], given: dict[str, str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find which alternatives are meant: by name, or by a setting only one has."""
    for chooser in dict.fromkeys(flag.chooser for flag in flags if flag.chooser):
        *parents, tag = chooser
        now = _part(values, parents)[tag]
        fitting = {now}
        for flag in flags:
            if flag.chooser == chooser:
                fitting = fitting & set(flag.words) or set(flag.words)
        if ".".join(chooser) not in given and now not in fitting and len(fitting) == 1:
            yield chooser, fitting.pop()
    for flag in flags:
        if flag.chooses and given[flag.dotted] in flag.spec.choices:
            yield flag.path, given[flag.dotted]


def _check_alternative(flag: Flag, text: str, values: dict[str, Any]) -> None:
    if flag.chooses and text not in flag.spec.choices:
        raise ValueError(f"{flag.name} = {text!r}: must be {flag.spec.allowed}")
    if flag.words:
        *parents, tag = flag.chooser
        now = _part(values, parents)[tag]
        if now not in flag.words:
            raise ValueError(
                f"{flag.name} is only for {flag_name(flag.chooser)} "
                f"{' or '.join(flag.words)}, which is {now} here"
            )


def _part(values: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for name in path:
        values = values[name]
    return values


def parse_value(spec: FieldSpec, text: str) -> Any:
    """Turn what was typed into a value for a setting; its range is checked later.

    Parameters
    ----------
    spec : FieldSpec
        The setting.
    text : str
        What was typed.

    Returns
    -------
    Any

    Raises
    ------
    ValueError
        If a list cannot be read.

    Examples
    --------
    >>> from napari_bioseg.settings import CleanupSettings, DataSettings
    >>> parse_value(describe(DataSettings)[0], "16x64x64")
    [16, 64, 64]
    >>> parse_value(describe(CleanupSettings)[0], "remove_small size=20, fill_holes")
    [{'step': 'remove_small', 'size': 20}, {'step': 'fill_holes'}]
    """
    text = text.strip()
    if spec.kind == "list":
        return _parse_list(spec, text)
    if spec.kind == "sizes" and text not in spec.choices:
        return [_number(part) for part in re.split(r"[\s,x×]+", text)]
    if spec.kind == "numbers":
        parts = re.split(r"[\s,]+", "" if text.lower() == "none" else text)
        return [_number(part) for part in parts if part]
    if spec.kind in ("int", "float", "number or word"):
        return _number(text)
    return text.lower() if spec.kind == "bool" else text


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _parse_list(spec: FieldSpec, text: str) -> Any:
    """Read ``name key=value ..., name ...``; a text without that form is left alone."""
    if text.lower() in ("none", ""):
        return []
    tag = _tag_of(spec.models[0])
    words = {_word_of(model, tag) for model in spec.models}
    items = [item.split() for item in re.split("[,;]", text) if item.strip()]
    names = [item[0].replace("-", "_") for item in items]
    if tag == "name" and not set(names) <= words:
        return text  # channels may be run together: BCD
    for name in names:
        if name not in words:
            raise ValueError(
                f"there is no step {name!r}; there are {', '.join(sorted(words))}"
            )
    return [
        {tag: name, **dict(_assignment(word) for word in rest)}
        for name, (_, *rest) in zip(names, items, strict=True)
    ]


def _assignment(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise ValueError(f"{word!r} is no setting of a step; write it as size=20")
    return name.replace("-", "_"), _number(value)


def _as_flags(explained: str) -> str:
    """Write the names of settings the way they are typed."""
    lines = []
    for line in explained.splitlines():
        name, separator, rest = re.split("( = |: )", line, maxsplit=1)
        lines.append(flag_name(name.split(".")) + separator + rest)
    return "\n".join(lines)
