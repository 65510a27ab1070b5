"""``napari-bioseg init``: look at a folder and write a workflow that suits it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml

from napari_bioseg.settings import (
    FieldSpec,
    PresetName,
    Settings,
    Workflow,
    describe,
)

from .flags import changed, given_settings
from .options import SETTINGS_OF_LABELS, SETTINGS_OF_TRAINING, Parser

IMAGES = ("images", "image", "raw", "input", "inputs", "img", "x")
LABELS = ("labels", "label", "masks", "mask", "annotations", "gt", "ground_truth", "y")
"""Names of folders, in any case, that are looked for."""


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "init",
        "Look at a folder of images and labels, print what is there, and write a "
        "workflow.yaml that suits it, with every setting explained.",
        "FOLDER [--output FILE]",
        (*SETTINGS_OF_TRAINING, *SETTINGS_OF_LABELS),
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="folder that holds images/ and labels/, itself or in train/",
    )
    parser.add_argument("--images", metavar="DIR", help="folder of images, if it is")
    parser.add_argument("--labels", metavar="DIR", help="called something else")
    parser.add_argument(
        "--preset",
        choices=get_args(PresetName),
        default="fast",
        help="how much patience to assume: minutes on a CPU (fast) to hours on a GPU",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="file to write; FOLDER/workflow.yaml if not given",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier file"
    )
    parser.add_argument("--axes", metavar="AXES", help="axes of the images")
    parser.add_argument("--label-axes", metavar="AXES", help="axes of the labels")
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Write a workflow for a folder.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    ValueError
        If folders are missing, files are wrong, or the workflow exists.
    """
    from napari_bioseg.engine.proposal import propose_workflow
    from napari_bioseg.io import read_pairs

    folder = Path(args.folder)
    path = Path(args.output) if args.output else folder / "workflow.yaml"
    if path.exists() and not args.overwrite:
        raise ValueError(f"{path} exists; replace it with --overwrite")
    images = Path(args.images) if args.images else find_folder(folder, IMAGES, "images")
    labels = Path(args.labels) if args.labels else find_folder(folder, LABELS, "labels")
    pairs = read_pairs(images, labels, axes=args.axes, label_axes=args.label_axes)
    preset = Workflow.preset(args.preset, dimensions=pairs[0].dimensions)
    found = propose_workflow(pairs, preset)
    workflow = changed(found.workflow, given_settings(args))
    command = f"napari-bioseg train --images {images} --labels {labels} --model MODEL"
    notes = [*found.facts, f"Train with: {command} --workflow {path}"]
    path.write_text(commented_yaml(workflow, notes), encoding="utf-8")
    if not args.quiet:
        print("\n".join(f"- {fact}" for fact in found.facts))
        print(f"wrote {path}; train with\n  {command} --workflow {path}")


def find_folder(folder: Path, names: Sequence[str], what: str) -> Path:
    """Find the folder of images or labels inside a folder.

    Parameters
    ----------
    folder : Path
        Where to look: in it, then in its ``train`` or ``training``.
    names : sequence of str
        Usual names, in order of preference.
    what : str
        What is looked for, to name in an error.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is none.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    inner = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    places = [inner, *(_folders(inner[n]) for n in ("train", "training") if n in inner)]
    for place in places:
        for name in names:
            if name in place:
                return place[name]
    there = ", ".join(sorted(inner)) or "no folder"
    raise ValueError(
        f"{folder} holds {there}, but no folder of {what} ({', '.join(names)}); "
        f"name it with --{what}"
    )


def _folders(folder: Path) -> dict[str, Path]:
    return {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}


def commented_yaml(workflow: Workflow, notes: Sequence[str] = ()) -> str:
    """Write a workflow as YAML with a sentence above every setting.

    Parameters
    ----------
    workflow : Workflow
        The settings.
    notes : sequence of str
        Lines for the top.

    Returns
    -------
    str
        What `Workflow.from_yaml` reads back as the same workflow.
    """
    lines = [line for note in notes for line in _comment(note, "")]
    lines += ["", f"format: {workflow.format}"]
    for spec in describe(Workflow):
        lines += ["", *_section(spec, getattr(workflow, spec.name), "")]
    return "\n".join(lines).strip() + "\n"


def _section(spec: FieldSpec, value: Any, indent: str) -> Iterator[str]:
    """Write one setting, and those inside it."""
    about = spec.help
    if not isinstance(value, Settings) and spec.allowed:
        about = f"{about} [{spec.allowed}]"
    yield from _comment(about, indent)
    if not isinstance(value, Settings):
        plain = _plain(value)
        short = isinstance(plain, list) and not any(isinstance(v, dict) for v in plain)
        text = yaml.safe_dump(
            {spec.name: plain},
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=None if short else False,
        )
        yield from (indent + line for line in text.rstrip().splitlines())
        return
    yield f"{indent}{spec.name}:"
    inner = indent + "  "
    known = {field.name: field for field in describe(type(value))}
    for name in type(value).model_fields:
        if name in known:
            yield from _section(known[name], getattr(value, name), inner)
        else:  # the tag that tells alternatives apart
            words = [
                str(model.model_fields[name].default)
                for model in spec.models
                if name in model.model_fields
            ]
            yield from _comment(f"One of {', '.join(words)}.", inner)
            yield f"{inner}{name}: {getattr(value, name)}"


def _plain(value: Any) -> Any:
    """Return a value as YAML knows it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.model_dump(mode="json") if isinstance(value, Settings) else value


def _comment(text: str, indent: str) -> Iterator[str]:
    width = 88 - len(indent) - 2
    yield from (f"{indent}# {line}" for line in textwrap.wrap(text, width))
