"""What ``run`` writes about its labels: measurements, scores, seeds, charts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .options import input_files
from .progress import print_table

if TYPE_CHECKING:
    import pandas as pd

    from napari_bioseg.io import ImageInfo
    from napari_bioseg.measure import Scored

IOU = (0.3, 0.5, 0.75)
SEEDS = ("seeds", "foreground")


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add what else is written.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "--truth",
        metavar="DIR",
        help="true labels of the images: scores and associations are written too",
    )
    parser.add_argument(
        "--seeds", action="store_true", help="write seeds and foreground too"
    )
    parser.add_argument(
        "--no-measurements",
        action="store_true",
        help="do not measure the objects",
    )


def add_region(parser: argparse.ArgumentParser) -> None:
    """Add the region of interest that the clean-up step ``roi`` looks at.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    """
    parser.add_argument(
        "--roi",
        metavar="PATH",
        help="region of interest for the clean-up step 'roi': an image that is 0 "
        "outside of it, or a folder of one per image, of the same name",
    )


def region_of(args: argparse.Namespace, name: str) -> NDArray[Any] | None:
    """Read the region of interest of one image.

    Parameters
    ----------
    args : argparse.Namespace
        With the option of `add_region`.
    name : str
        Name of the image.

    Returns
    -------
    ndarray, ([Z,] Y, X), or None
        None if no region was given.

    Raises
    ------
    ValueError
        If there is none for this image.
    """
    from napari_bioseg.io import image_files, read_labels, stem_of

    if not args.roi:
        return None
    place = Path(args.roi)
    if place.is_dir() and place.suffix.lower() != ".zarr":
        found = [path for path in image_files(place) if stem_of(path) == name]
        if not found:
            raise ValueError(f"there is no region of interest called {name} in {place}")
        place = found[0]
    return read_labels(place)


def check_reports(args: argparse.Namespace, workflow: Workflow) -> None:
    """Refuse reports that cannot be written, before anything is computed.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_reports`.
    workflow : Workflow
        The settings.

    Raises
    ------
    ValueError
        If options contradict each other, truth is missing, or a report is there.
    """
    from napari_bioseg.io import check_free
    from napari_bioseg.io.evaluation import association_files, score_files
    from napari_bioseg.io.measurements import measurement_files

    if args.seeds and args.labels_only:
        raise ValueError("--seeds needs the channels; leave out --labels-only")
    if args.seeds and workflow.is_semantic:
        raise ValueError("--seeds is about objects, but the model predicts classes")
    names = list(input_files(args.inputs))
    wanted: list[Path] = []
    if args.truth:
        truth_files(args.truth, names)
        semantic = workflow.is_semantic
        wanted += score_files(args.output, semantic=semantic, thresholds=len(IOU))
        wanted += [] if semantic else association_files(args.output, names)
    if _measures(args, workflow):
        wanted += measurement_files(args.output, names)
    if args.seeds:
        wanted += [_place(args, kind, name) for kind in SEEDS for name in names]
    if not (args.overwrite or args.resume):
        check_free(wanted)


def write_reports(args: argparse.Namespace, workflow: Workflow) -> None:
    """Write reports about all labels of a run, and print the scores.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_reports`; the labels are read from ``output``, so that
        a run which goes on reports on all images.
    workflow : Workflow
        The settings.

    Raises
    ------
    ValueError
        If true labels have another size.
    """
    from napari_bioseg.io import label_info, result_path

    files = {}
    for name, path in input_files(args.inputs).items():
        place = result_path(args.output, "labels", name, args.format)
        if not place.exists():
            continue
        if label_info(place, frame=0).notes.get("leading"):
            print(
                f"note: {name} holds several images, which are measured and scored "
                "only in files of their own",
                file=sys.stderr,
            )
            continue
        files[name] = path
    if args.seeds:
        for name in files:
            _write_seeds(args, name, workflow)
    if _measures(args, workflow):
        _write_measurements(args, files, workflow)
    if args.truth:
        _write_scores(args, files, workflow)


def truth_files(folder: str, names: list[str]) -> dict[str, Path]:
    """Find the true labels of images.

    Parameters
    ----------
    folder : str
        Folder of labels, or one file for one image.
    names : list of str
        Names of the images.

    Returns
    -------
    dict of str to Path

    Raises
    ------
    ValueError
        If an image has none.
    """
    from napari_bioseg.io import image_files, stem_of

    place = Path(folder)
    if place.is_file() and len(names) == 1:
        return {names[0]: place}
    there = {stem_of(path): path for path in image_files(place)}
    found = {}
    for name in names:
        # as it is called, or with something behind: cell_1_mask
        same = [stem for stem in there if stem == name or stem.startswith(f"{name}_")]
        if len(same) != 1 and name not in there:
            raise ValueError(
                f"there are no true labels for {name} in {folder}, which holds "
                f"{', '.join(sorted(there)[:5])}; they must be called the same"
            )
        found[name] = there[name if name in there else same[0]]
    return found


def _measures(args: argparse.Namespace, workflow: Workflow) -> bool:
    return not (args.no_measurements or workflow.is_semantic)


def _place(args: argparse.Namespace, kind: str, name: str) -> Path:
    return Path(args.output) / kind / f"{name}.{args.format}"


def _labelled(
    args: argparse.Namespace, files: Mapping[str, Path]
) -> Iterator[tuple[str, ImageInfo, NDArray[np.int32]]]:
    """Read the labels of one image after the other; too large ones are left out."""
    from napari_bioseg.channels.blockwise.room import free_main_memory
    from napari_bioseg.io import label_info, read_labels, result_path

    for name in files:
        path = result_path(args.output, "labels", name, args.format)
        info = label_info(path)
        if 12 * int(np.prod(info.size)) > free_main_memory():
            print(
                f"note: {name} is too large for this memory to be measured and scored",
                file=sys.stderr,
            )
            continue
        yield name, info, read_labels(path)


def _write_seeds(args: argparse.Namespace, name: str, workflow: Workflow) -> None:
    from napari_bioseg.channels import decode
    from napari_bioseg.cleanup import filter_channels
    from napari_bioseg.io import read_prediction, result_path, write_labels
    from napari_bioseg.io.segment_volume import fits_memory

    places = [_place(args, kind, name) for kind in SEEDS]
    if args.resume and all(place.exists() for place in places):
        return
    stored = read_prediction(result_path(args.output, "predictions", name, args.format))
    if not fits_memory(stored, workflow):
        print(f"note: {name} is too large to write seeds", file=sys.stderr)
        return
    prediction = stored.load(workflow.outputs)
    prediction = filter_channels(prediction, workflow.cleanup.filters)
    found = decode(prediction, workflow.instances)
    for place, labels in zip(places, (found.seeds, found.foreground), strict=True):
        whole = labels.astype(np.int32)
        write_labels(place, whole, spacing=stored.spacing, unit=stored.unit)


def _write_measurements(
    args: argparse.Namespace, files: Mapping[str, Path], workflow: Workflow
) -> None:
    from napari_bioseg.io import class_paths, read_class_table, read_image
    from napari_bioseg.io.measurements import measured, write_measurements

    tables: dict[str, pd.DataFrame] = {}
    units = set()
    for name, info, labels in _labelled(args, files):
        classes = None
        if workflow.task.has_classes:
            classes = read_class_table(class_paths(args.output, name, args.format)[1])
        image = np.asarray(read_image(files[name], axes=args.axes))
        _, tables[name] = measured(
            labels, spacing=info.spacing, image=image, classes=classes
        )
        units.add(info.unit)
    unit = units.pop() if len(units) == 1 else ""
    if tables:
        write_measurements(args.output, tables, unit=unit)


def _write_scores(
    args: argparse.Namespace, files: Mapping[str, Path], workflow: Workflow
) -> None:
    from napari_bioseg.io import read_labels
    from napari_bioseg.io.evaluation import write_association, write_scores
    from napari_bioseg.measure import associate, score, table_of_all

    from .evaluate import cells_of

    truths = truth_files(args.truth, list(files))
    images: list[Scored] = []
    semantic = workflow.is_semantic
    for name, info, labels in _labelled(args, files):
        truth = read_labels(truths[name])
        images += score(name, truth, labels, iou=IOU, semantic=semantic)
        if not semantic:
            about: dict[str, Any] = {"spacing": info.spacing, "unit": info.unit}
            found = associate(truth, labels, 0.5)
            write_association(args.output, name, truth, labels, found, **about)
    if images:
        write_scores(args.output, images)
        cells = cells_of(table_of_all(images), semantic=semantic)
        print_table(*cells, quiet=args.quiet)
