"""What every settings model has in common, and how its fields are described once.

A setting is a field of a frozen pydantic model with a docstring under it. From that
one declaration come its YAML key, form row, tooltip, command-line flag and error.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.fields import FieldInfo

Switch = Literal["auto", "on", "off"]
"""What a setting is that the machine or the data can decide."""
Kind = Literal[
    "bool",
    "int",
    "float",
    "text",
    "choice",  # one of a few words
    "number or word",  # a number, or one of a few words such as "auto"
    "sizes",  # one whole number per axis, or "auto"
    "numbers",  # several numbers, each of which may be a word
    "model",  # nested settings
    "union",  # one of several settings models, told apart by a tag
    "list",  # several of such models, in order
]


class Settings(BaseModel):
    """Base of all settings: frozen, comparable, and strict about unknown names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, validated like a new one.

        Parameters
        ----------
        **changes
            New values by field name.

        Returns
        -------
        Self
            The changed copy; the original stays as it is.

        Raises
        ------
        pydantic.ValidationError
            If a name is unknown or a value is out of its range.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**values, **changes})


def setting(
    default: Any,
    *,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    advanced: bool = False,
    title: str | None = None,
    unit: str = "",
    group: str = "",
    suggestions: tuple[str, ...] = (),
    switch: bool = False,
    joins: bool = False,
) -> Any:
    """Declare one setting; its docstring is the sentence of help.

    Parameters
    ----------
    default
        Value when nothing is said.
    ge, le
        Smallest and largest value allowed.
    step
        How much one click of a spin box or one notch of a slider changes it.
    advanced
        Whether forms fold the row away at first.
    title
        Label of the form row, if the field's name in plain words will not do.
    unit
        Unit shown behind the value.
    group
        Heading that forms put above this and the other advanced settings of its group.
    suggestions
        Texts that forms offer; others may be typed.
    switch
        Whether it switches an entry of a list on and off; forms show it beside the
        entry's name.
    joins
        Whether it says how an entry of a list is joined to the one before; forms do
        not show it for the first.
    """
    extra: dict[str, JsonValue] = {
        "step": step,
        "advanced": advanced,
        "unit": unit,
        "group": group,
        "suggestions": list(suggestions),
        "switch": switch,
        "joins": joins,
    }
    return Field(default, ge=ge, le=le, title=title, json_schema_extra=extra)


@dataclass(frozen=True)
class FieldSpec:
    """One setting as forms and command lines need to know it."""

    name: str
    kind: Kind
    default: Any
    title: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    models: tuple[type[Settings], ...] = ()
    advanced: bool = False
    unit: str = ""
    group: str = ""
    suggestions: tuple[str, ...] = ()
    switch: bool = False
    joins: bool = False

    @property
    def allowed(self) -> str:
        """The values allowed, in words: ``0 to 1, or 'auto', 'off'``."""
        words = ", ".join(repr(word) for word in self.choices)
        if self.kind in ("choice",):
            return words
        if self.kind == "bool":
            return "true or false"
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            limits = f"{plain(low)} to {plain(high)}"
        elif low is not None:
            limits = f"{plain(low)} or more"
        elif high is not None:
            limits = f"{plain(high)} or less"
        else:
            limits = "a number" if self.kind == "number or word" else ""
        if self.kind == "sizes":
            limits = "whole numbers, one per axis"
        if self.kind == "numbers":
            limits = f"a list, each {limits}"
        return ", or ".join(part for part in (limits, words) if part)


def plain(number: float) -> str:
    """Write a limit the way people do.

    Examples
    --------
    >>> plain(1e6), plain(0.05), plain(1e-7)
    ('1,000,000', '0.05', '1e-07')
    """
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:g}"


def describe(model: type[Settings]) -> tuple[FieldSpec, ...]:
    """Describe every field of a settings model, in order of declaration.

    Parameters
    ----------
    model : type[Settings]
        The class to describe.

    Returns
    -------
    tuple of FieldSpec
        Tags of unions (fields with a single allowed word) are left out.

    Examples
    --------
    >>> from napari_bioseg.settings import TrainSettings
    >>> [f.kind for f in describe(TrainSettings) if f.name == "learning_rate"]
    ['float']
    """
    return tuple(_specs(model))


def _specs(model: type[Settings]) -> Iterator[FieldSpec]:
    for name, info in model.model_fields.items():
        spec = _spec(name, info)
        if spec is not None:
            yield spec


def _spec(name: str, info: FieldInfo) -> FieldSpec | None:
    kind, choices, models, numbers = _classify(info.annotation)
    if kind is None:
        return None
    low, high = _limits([*info.metadata, *numbers])
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    step = extra.get("step")
    return FieldSpec(
        name=name,
        kind=kind,
        default=info.get_default(call_default_factory=True),
        title=info.title or name.replace("_", " "),
        help=" ".join((info.description or "").split()),
        minimum=low,
        maximum=high,
        step=float(step) if isinstance(step, int | float) else None,
        choices=choices,
        models=models,
        advanced=bool(extra.get("advanced", False)),
        unit=str(extra.get("unit", "")),
        group=str(extra.get("group", "")),
        suggestions=tuple(extra.get("suggestions") or ()),  # type: ignore[arg-type]
        switch=bool(extra.get("switch", False)),
        joins=bool(extra.get("joins", False)),
    )


def _limits(metadata: list[Any]) -> tuple[float | None, float | None]:
    low: Any = None
    high: Any = None
    for item in metadata:
        if isinstance(item, annotated_types.Ge):
            low = item.ge
        elif isinstance(item, annotated_types.Le):
            high = item.le
    return low, high


_Classified = tuple[Kind | None, tuple[str, ...], tuple[type[Settings], ...], list[Any]]


def _classify(annotation: Any) -> _Classified:
    """Sort a type annotation into one of the kinds that forms can draw."""
    plain: dict[Any, Kind] = {bool: "bool", int: "int", float: "float", str: "text"}
    if annotation in plain:
        return plain[annotation], (), (), []
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        kind, choices, models, numbers = _classify(args[0])
        for item in args[1:]:
            numbers = [*numbers, *getattr(item, "metadata", [item])]
        return kind, choices, models, numbers
    if origin is Literal:
        if len(args) == 1:
            return None, (), (), []  # the tag of a union
        return "choice", tuple(str(a) for a in args), (), []
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "model", (), (annotation,), []
    if origin is tuple:
        if args[0] is int:
            return "sizes", (), (), []
        kind, choices, models, numbers = _classify(args[0])
        if kind == "number or word":
            return "numbers", choices, (), numbers
        return "list", (), models, []
    if origin in (Union, types.UnionType):
        return _classify_union(args)
    return None, (), (), []


def _classify_union(args: tuple[Any, ...]) -> _Classified:
    members = [a for a in args if a is not type(None)]
    if len(members) < len(args) and len(members) == 1:
        return None, (), (), []  # an optional record, not something a user sets
    parts = [_classify(member) for member in members]
    models = tuple(model for part in parts for model in part[2])
    if models:
        return "union", (), models, []
    words = tuple(
        str(word)
        for member in members
        if get_origin(member) is Literal
        for word in get_args(member)
    )
    numbers = [item for part in parts for item in part[3]]
    if any(part[0] == "sizes" for part in parts):
        return "sizes", words, (), numbers
    return "number or word", words, (), numbers


def explain(error: ValidationError, model: type[Settings]) -> str:
    """Say in one line per fault which setting is wrong and what it allows.

    Parameters
    ----------
    error : pydantic.ValidationError
        What pydantic raised for ``model``.
    model : type[Settings]
        The model that was being made.

    Returns
    -------
    str
        For example ``train.epochs = 0: must be 1 to 100000``.
    """
    lines: dict[str, str] = {}
    for fault in error.errors():
        path = [str(part) for part in fault["loc"]]
        spec, known = _find(model, path)
        where = ".".join(known) or model.__name__
        if fault["type"] == "extra_forbidden":
            names = ", ".join(sorted(set(_names_beside(model, path))))
            where = ".".join(dict.fromkeys([*known, path[-1]]))
            line = f"{where}: no such setting; there are {names}"
        elif fault["type"] != "value_error" and spec is not None and spec.allowed:
            line = f"{where} = {fault['input']!r}: must be {spec.allowed}"
        else:
            line = f"{where}: {fault['msg'].removeprefix('Value error, ')}"
        lines.setdefault(where, line)  # a union complains once for each of its members
    return "\n".join(lines.values())


def _find(model: type[Settings], path: list[str]) -> tuple[FieldSpec | None, list[str]]:
    """Follow an error's path through nested models as far as it names settings."""
    spec: FieldSpec | None = None
    known: list[str] = []
    models: tuple[type[Settings], ...] = (model,)
    for part in path:
        found = [s for m in models for s in describe(m) if s.name == part]
        if found:
            spec = found[0]
            models = spec.models
            known.append(part)
        elif models and spec is not None and spec.models:
            # an index in a list or the tag of a union, which tells alternatives apart
            models = tuple(m for m in models if _is_tagged(m, part)) or models
        else:
            if spec is None:
                known.append(part)
            break
    return spec, known


def _is_tagged(model: type[Settings], word: str) -> bool:
    return any(info.default == word for info in model.model_fields.values())


def _names_beside(model: type[Settings], path: list[str]) -> list[str]:
    spec, known = _find(model, path[:-1])
    del known
    models = spec.models if spec is not None and spec.models else (model,)
    return [s.name for m in models for s in describe(m)]
