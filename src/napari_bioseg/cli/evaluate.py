"""``napari-bioseg evaluate``: labels compared with the truth."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.counted import counted

from .options import Parser
from .progress import print_table

if TYPE_CHECKING:
    import pandas as pd

    from napari_bioseg.measure import Scored

_OBJECTS = ("precision", "recall", "f1", "accuracy", "panoptic_quality")
_CLASSES = ("iou", "dice", "mean_iou", "pixel_accuracy")


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "evaluate",
        "Compare labels with the truth: how many objects were found at which overlap, "
        "or how well classes agree. Figures are given over all images together and as "
        "mean of the images, which differ.",
        "--truth PATH --predicted PATH [--output DIR]",
        (),
    )
    for name, what in (("truth", "true"), ("predicted", "predicted")):
        parser.add_argument(
            f"--{name}",
            metavar="PATH",
            required=True,
            help=f"{what} labels: a file, a folder of files, or a folder of results",
        )
    parser.add_argument(
        "--iou",
        metavar="LIST",
        default="0.3,0.5,0.75",
        help="overlaps (intersection over union) from which on an object counts as "
        "found: numbers, or 'range' for 0.5 to 0.95 and their average precision "
        "[default: 0.3,0.5,0.75]",
    )
    parser.add_argument(
        "--semantic", action="store_true", help="the labels are classes, not objects"
    )
    parser.add_argument(
        "--classes",
        metavar="LIST",
        help="classes to score, such as 1,2; the background (0) counts only if named "
        "[default: all that occur]",
    )
    parser.add_argument(
        "--ignore", type=int, metavar="N", help="true label of pixels that do not count"
    )
    parser.add_argument(
        "--patch",
        metavar="Y,X",
        help="compare patches of this size, each on its own, instead of whole images",
    )
    parser.add_argument(
        "--output", metavar="DIR", help="folder for tables, charts and pictures"
    )
    parser.add_argument(
        "--associations",
        action="store_true",
        help="write which object was found, missed, invented, merged or split, at the "
        "overlap nearest to 0.5",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace earlier results"
    )
    parser.add_argument(
        "--axes", metavar="AXES", help="axes of the labels, if the guess is wrong"
    )
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Compare labels with the truth.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    ValueError
        If options or files are wrong.
    """
    from napari_bioseg.io import check_free
    from napari_bioseg.io.evaluation import (
        association_files,
        score_files,
        write_scores,
    )

    pairs = _pairs(args.truth, args.predicted)
    thresholds = _thresholds(args.iou)
    _check_options(args)
    for truth, predicted in pairs.values():
        _check_sizes(args, truth, predicted)
    if args.output and not args.overwrite:
        taken = score_files(
            args.output, semantic=args.semantic, thresholds=len(thresholds)
        )
        if args.associations:
            taken += association_files(args.output, pairs)
        check_free(taken)
    images: list[Scored] = []
    for name, (truth, predicted) in pairs.items():
        images += _one(args, name, truth, predicted, thresholds)
    if args.output:
        write_scores(args.output, images)
    _print(images, len(pairs), args)


def _pairs(truth: str, predicted: str) -> dict[str, tuple[Path, Path]]:
    """Find which files are compared, by the name of the predicted one."""
    from napari_bioseg.io import stem_of
    from napari_bioseg.io.folders import find_partners

    places = []
    for text in (truth, predicted):
        place = Path(text)
        inside = place / "labels"  # a folder of results was named
        places.append(inside if inside.is_dir() else place)
        if not place.exists():
            raise ValueError(f"there is no file or folder {place}")
    kinds = [place.is_dir() and place.suffix.lower() != ".zarr" for place in places]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"{places[0]} and {places[1]}: give two files or two folders to compare"
        )
    if not kinds[0]:
        return {stem_of(places[1]): (places[0], places[1])}
    return {stem_of(b): (b_truth, b) for b, b_truth in find_partners(*places[::-1])}


def _check_sizes(args: argparse.Namespace, truth: Path, predicted: Path) -> None:
    """Refuse labels of different size before anything is computed."""
    from napari_bioseg.io import label_info

    a, b = (label_info(path, axes=args.axes) for path in (truth, predicted))
    if a.size != b.size:
        raise ValueError(
            f"the predicted labels {predicted} have the size {b.size}, the true labels "
            f"{truth} have {a.size}; only labels of one size can be compared"
        )
    if a.spacing and b.spacing and not args.quiet:
        ratios = [one / other for one, other in zip(a.spacing, b.spacing, strict=True)]
        if not all(0.99 < ratio < 1.01 for ratio in ratios):
            print(
                f"note: a pixel of {predicted} is {b.spacing} large, one of {truth} "
                f"{a.spacing}; compared pixel by pixel",
                file=sys.stderr,
            )


def _thresholds(text: str) -> tuple[float, ...]:
    from napari_bioseg.measure import IOU_RANGE

    if text.strip().lower() == "range":
        return IOU_RANGE
    try:
        found = tuple(float(word) for word in re.split(r"[\s,]+", text.strip()))
    except ValueError:
        raise ValueError(
            f"--iou {text!r}: write numbers above 0 up to 1, such as 0.5,0.75, or "
            "'range'"
        ) from None
    if not all(0 < value <= 1 for value in found):
        raise ValueError(f"--iou {text!r}: overlaps are above 0 up to 1")
    return tuple(sorted(set(found)))


def _whole_numbers(text: str | None, flag: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(word) for word in re.split(r"[\s,x×]+", text.strip()))
    except ValueError:
        raise ValueError(f"{flag} {text!r}: write whole numbers, such as 1,2") from None


def _check_options(args: argparse.Namespace) -> None:
    if args.classes and not args.semantic:
        raise ValueError("--classes is for classes; add --semantic")
    if args.associations and args.semantic:
        raise ValueError("--associations is about objects; leave out --semantic")
    if args.associations and not args.output:
        raise ValueError("--associations needs a folder to write to: --output DIR")


def _one(
    args: argparse.Namespace,
    name: str,
    truth_file: Path,
    predicted_file: Path,
    thresholds: Sequence[float],
) -> list[Scored]:
    import numpy as np

    from napari_bioseg.io import label_info, read_labels
    from napari_bioseg.io.evaluation import write_association
    from napari_bioseg.measure import associate, score

    truth = read_labels(truth_file, axes=args.axes)
    predicted = read_labels(predicted_file, axes=args.axes)
    if args.associations:
        info = label_info(predicted_file, axes=args.axes)
        nearest = min(thresholds, key=lambda value: abs(value - 0.5))
        counts = np.ones(truth.shape, bool)
        if args.ignore is not None:
            counts = truth != args.ignore
        both = np.where(counts, truth, 0), np.where(counts, predicted, 0)
        write_association(
            args.output,
            name,
            *both,
            associate(*both, nearest),
            spacing=info.spacing,
            unit=info.unit,
        )
    return score(
        name,
        truth,
        predicted,
        iou=thresholds,
        semantic=args.semantic,
        classes=_whole_numbers(args.classes, "--classes"),
        ignore=args.ignore,
        patch=_whole_numbers(args.patch, "--patch"),
    )


def _print(images: Sequence[Scored], files: int, args: argparse.Namespace) -> None:
    from napari_bioseg.measure import table_of_all

    if args.quiet:
        return
    table = table_of_all(images)
    print_table(*cells_of(table, semantic=args.semantic), quiet=False)
    what = counted(files, "image")
    if args.patch:
        what += f" in {counted(len(images), 'patch')}"
    print(what + (f": {args.output}/metrics.csv" if args.output else ""))


def cells_of(
    table: pd.DataFrame, *, semantic: bool
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return a header and rows for the screen.

    Parameters
    ----------
    table : pandas.DataFrame
        From `napari_bioseg.measure.table_of_all`.
    semantic : bool
        Whether it is about classes.

    Returns
    -------
    header : tuple of str
    rows : list of tuple of str
    """
    if semantic:
        header: tuple[str, ...] = ("over", "class", *_CLASSES)
        counts: tuple[str, ...] = ("class",)
        scores: tuple[str, ...] = _CLASSES
    else:
        header = ("over", "iou", "tp", "fp", "fn", *_OBJECTS)
        counts, scores = ("threshold", "tp", "fp", "fn"), _OBJECTS
    rows = [
        (
            str(row["over"]),
            *(f"{row[name]:g}" for name in counts),
            *("–" if row[name] != row[name] else f"{row[name]:.4f}" for name in scores),
        )
        for row in table.to_dict("records")
    ]
    return tuple(name.replace("_", " ") for name in header), rows
