"""``napari-bioseg measure``: sizes, shapes and brightness of labelled objects."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.counted import counted

from .options import Parser, input_files
from .progress import print_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from napari_bioseg.io import ImageInfo
    from napari_bioseg.settings import Condition


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "measure",
        "Measure the objects of label images: size, place, shape, and brightness if "
        "images are given. Objects can be taken out by conditions.",
        "LABELS... --output DIR [--images PATH] [--remove CONDITIONS]",
        (),
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="LABELS",
        help="label images, folders of them, or folders of results",
    )
    parser.add_argument(
        "--output", metavar="DIR", required=True, help="folder for tables and charts"
    )
    parser.add_argument(
        "--images",
        metavar="PATH",
        help="images to measure brightness in: a folder, or a file for one label image",
    )
    parser.add_argument(
        "--remove",
        action="append",
        default=[],
        metavar="CONDITIONS",
        help="take out objects that meet all of these, such as 'npixels < 30' or "
        "'area > 900 and circularity < 0.5 or sphericity < 0.2'; may be given several "
        "times. Labels without them are written too",
    )
    parser.add_argument(
        "--spacing",
        metavar="Z,Y,X",
        help="size of a pixel per axis [default: what the files say, or 1]",
    )
    parser.add_argument(
        "--time",
        action="store_true",
        help="the first axis is time: measure every time point on its own",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace earlier results"
    )
    parser.add_argument(
        "--axes", metavar="AXES", help="axes of the labels, if the guess is wrong"
    )
    parser.add_argument(
        "--image-axes", metavar="AXES", help="axes of the images, if the guess is wrong"
    )
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Measure labels.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    ValueError
        If options or files are wrong.
    """
    from napari_bioseg.io import check_free, label_info, result_path, write_labels
    from napari_bioseg.io.measurements import measurement_files, write_measurements
    from napari_bioseg.settings import conditions, groups_of

    groups = [group for text in args.remove for group in groups_of(conditions(text))]
    if args.time and not args.axes:
        args.axes = args.image_axes = "ZYX"
    files = input_files([_labels_in(text) for text in args.inputs])
    images = _images(args.images, files)
    infos = {name: label_info(path, axes=args.axes) for name, path in files.items()}
    kept_files = [result_path(args.output, "labels", n) for n in files if groups]
    if not args.overwrite:
        check_free([*kept_files, *measurement_files(args.output, files)])
    tables: dict[str, pd.DataFrame] = {}
    sizes = {name: _spacing(args, infos[name], images.get(name)) for name in files}
    _note_pixels([files[name] for name in files if sizes[name][0] is None], args)
    for name, path in files.items():
        spacing, unit = sizes[name]
        kept, tables[name] = _one(args, path, images.get(name), spacing, groups)
        if groups:
            about = _about(spacing, kept.ndim)
            write_labels(
                result_path(args.output, "labels", name), kept, spacing=about, unit=unit
            )
    units = {unit for _, unit in sizes.values()}
    unit = units.pop() if len(units) == 1 else ""
    write_measurements(args.output, tables, unit=unit)
    _print(tables, args)


def _labels_in(text: str) -> str:
    """Look into the folder of labels where a folder of results is named."""
    inside = Path(text) / "labels"
    return str(inside) if inside.is_dir() else text


def _images(text: str | None, files: dict[str, Path]) -> dict[str, Path]:
    """Find the image of each label file."""
    from napari_bioseg.io import stem_of
    from napari_bioseg.io.folders import find_partners

    if text is None:
        return {}
    place = Path(text)
    folders = {path.parent for path in files.values()}
    if not place.exists():
        raise ValueError(f"there is no file or folder {place}")
    if not place.is_dir() or place.suffix.lower() == ".zarr":
        if len(files) != 1:
            raise ValueError(
                f"{place} is one image for {len(files)} label images; give a folder"
            )
        return dict.fromkeys(files, place)
    if len(folders) == 1:
        pairs = find_partners(place, folders.pop())
        found = {stem_of(labels): image for image, labels in pairs}
        if set(files) <= set(found):
            return found
    raise ValueError(f"the images in {place} do not match the label images by name")


def _spacing(
    args: argparse.Namespace, info: ImageInfo, image: Path | None
) -> tuple[tuple[float, ...] | None, str]:
    """Return the pixel size per axis of space and its unit, from wherever known."""
    from napari_bioseg.io import image_info

    axes = len(info.shape) - args.time
    if args.spacing:
        try:
            steps = tuple(float(word) for word in re.split(r"[\s,]+", args.spacing))
        except ValueError:
            raise ValueError(
                f"--spacing {args.spacing!r}: write numbers, such as 2,0.5,0.5"
            ) from None
        if len(steps) != axes:
            raise ValueError(
                f"--spacing {args.spacing!r} has {len(steps)} numbers, but {info.path} "
                f"has {axes} axes of space"
            )
        return steps, info.unit
    sources = [info]
    if info.spacing is None and image is not None:
        sources.append(image_info(image, axes=args.image_axes))
    for source in sources:
        if source.spacing is not None:
            return source.spacing[-axes:], source.unit
    return None, ""


def _note_pixels(unknown: Sequence[Path], args: argparse.Namespace) -> None:
    """Say once which label images are measured in pixels."""
    if not unknown or args.quiet:
        return
    more = f" and {len(unknown) - 1} more do" if unknown[1:] else " does"
    print(
        f"note: {unknown[0]}{more} not say how large a pixel is; measured in pixels "
        "(--spacing tells it)",
        file=sys.stderr,
    )


def _one(
    args: argparse.Namespace,
    path: Path,
    image: Path | None,
    spacing: tuple[float, ...] | None,
    groups: Sequence[Sequence[Condition]],
) -> tuple[NDArray[Any], pd.DataFrame]:
    import numpy as np

    from napari_bioseg.io import read_image, read_labels
    from napari_bioseg.io.measurements import measured

    labels = read_labels(path, axes=args.axes)
    if args.time and labels.ndim != 3:
        raise ValueError(
            f"{path} has shape {labels.shape}, so there is no axis of time before Y "
            "and X; leave out --time"
        )
    under = None
    if image is not None:
        under = np.asarray(read_image(image, axes=args.image_axes))
    try:
        return measured(
            labels, spacing=spacing, image=under, groups=groups, frames=args.time
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _about(spacing: tuple[float, ...] | None, axes: int) -> tuple[float, ...] | None:
    """Return a pixel size for all axes of a file, time included."""
    return None if spacing is None else (1.0,) * (axes - len(spacing)) + spacing


def _print(tables: dict[str, pd.DataFrame], args: argparse.Namespace) -> None:
    header = ("image", "objects", "removed", "mean size", "median diameter")
    rows = []
    for name, table in tables.items():
        gone = table["comment"] == "Removed" if "comment" in table else table.index < 0
        stays = table[~gone]
        size = stays["volume" if "volume" in table else "area"]
        figures = (size.mean(), stays["diameter_units"].median())
        shown = [f"{value:.4g}" if len(stays) else "–" for value in figures]
        rows.append((name, str(len(stays)), str(int(gone.sum())), *shown))
    print_table(header, rows, quiet=args.quiet)
    if not args.quiet:
        print(f"{counted(len(tables), 'image')}: {args.output}/measurements.csv")
