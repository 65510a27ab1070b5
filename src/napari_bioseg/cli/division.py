"""Options that say which images judge the training, and what follows for pairs."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_bioseg.engine import Pair


def add_division(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "--validation-images",
        metavar="DIR",
        help="folder of images to judge by, instead of a share of --images",
    )
    parser.add_argument(
        "--validation-labels", metavar="DIR", help="folder of the labels of those"
    )
    parser.add_argument(
        "--validation-classes",
        metavar="DIR",
        help="folder of the classes of their objects, as for --classes",
    )
    parser.add_argument(
        "--split",
        metavar="FILE",
        help="file that says which images are for training and which for validation, "
        "from 'napari-bioseg split'",
    )
    parser.add_argument(
        "--fold",
        type=int,
        metavar="N",
        help="which fold of --split is for validation, from 1",
    )


def check_folds_alone(args: argparse.Namespace) -> None:
    """Refuse other choices of what judges where there are folds.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_division`.

    Raises
    ------
    ValueError
        Naming the option.
    """
    for name in (
        "fold",
        "validation_images",
        "validation_labels",
        "validation_classes",
    ):
        if getattr(args, name) is not None:
            raise ValueError(
                f"--folds trains every fold, each judged by its own part of --images, "
                f"so --{name.replace('_', '-')} has no place; leave one of them out"
            )


def divided(pairs: Sequence[Pair], args: argparse.Namespace) -> list[Pair]:
    """Tell pairs whether they are for training or for validation.

    Parameters
    ----------
    pairs : sequence of Pair
        From ``--images`` and ``--labels``.
    args : argparse.Namespace
        With the options of `add_division`.

    Returns
    -------
    list of Pair
        With those of the validation folders, or without those that a split leaves out.

    Raises
    ------
    ValueError
        If options contradict each other or files do not fit.
    """
    from napari_bioseg.io import apply_split, read_pairs, read_split
    from napari_bioseg.io.learned_too import learned_too

    folders = args.validation_images, args.validation_labels
    if any(folders) and not all(folders):
        raise ValueError("give both --validation-images and --validation-labels")
    if args.validation_classes and not any(folders):
        raise ValueError("--validation-classes belong to --validation-images")
    if args.split and any(folders):
        raise ValueError("give --split or folders of validation images, not both")
    if args.fold is not None and not args.split:
        raise ValueError("--fold chooses a fold of --split FILE, which is missing")
    if args.split:
        return apply_split(pairs, read_split(args.split), args.fold)
    if not any(folders):
        return list(pairs)
    judged = read_pairs(
        args.validation_images,
        args.validation_labels,
        axes=args.axes,
        label_axes=args.label_axes,
        classes=args.validation_classes,
    )
    warning = learned_too([Path(args.images)], Path(args.validation_images))
    if warning:
        print(f"note: {warning}", file=sys.stderr)
    return [replace(pair, role="training") for pair in pairs] + [
        replace(pair, role="validation") for pair in judged
    ]
