"""``napari-bioseg split``: which images train and which judge, as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_bioseg.settings import Workflow

from .flags import changed, given_settings
from .options import Parser, add_workflow
from .progress import print_table


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "split",
        "Choose images for training and validation, or for folds, balanced by their "
        "objects, and write their names into a file for 'train --split'.",
        "--images DIR --labels DIR --output FILE [--folds N]",
        ("task", "data", "train"),
    )
    parser.add_argument(
        "--images", metavar="DIR", required=True, help="folder of training images"
    )
    parser.add_argument(
        "--labels", metavar="DIR", required=True, help="folder of their labels"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        required=True,
        help="file to write: split.yaml, or split.csv for a table",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="split into so many folds instead of training and validation",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier file"
    )
    parser.add_argument("--axes", metavar="AXES", help="axes of the images")
    parser.add_argument("--label-axes", metavar="AXES", help="axes of the labels")
    add_workflow(parser, ["task", "data", "train"])
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Write a split.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    ValueError
        If files are wrong, there are too few images, or the file exists.
    """
    from napari_bioseg.engine.split import make_folds, split_by_share
    from napari_bioseg.io import read_pairs, write_split

    path = Path(args.output)
    if path.exists() and not args.overwrite:
        raise ValueError(f"{path} exists; replace it with --overwrite")
    base = Workflow.from_yaml(args.workflow) if args.workflow else Workflow()
    workflow = changed(base, given_settings(args))
    pairs = read_pairs(
        args.images, args.labels, axes=args.axes, label_axes=args.label_axes
    )
    if args.folds is not None:
        folds = make_folds(pairs, args.folds, workflow)
        parts = {
            f"fold_{number}": [pair.name for pair in fold if pair.role == "validation"]
            for number, fold in enumerate(folds, start=1)
        }
    else:
        marked = split_by_share(pairs, workflow)
        parts = {
            role: [pair.name for pair in marked if pair.role == role]
            for role in ("training", "validation")
        }
    write_split(path, parts)
    rows = [
        (part, str(len(names)), ", ".join(names[:4]) + (" ..." if names[4:] else ""))
        for part, names in parts.items()
    ]
    print_table(("part", "images", "names"), rows, quiet=args.quiet)
