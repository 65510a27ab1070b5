"""``napari-bioseg segment``: channels to labels, without the network."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.counted import counted
from napari_bioseg.settings import SemanticTask, Workflow
from napari_bioseg.settings.patch_size import sized

from .flags import changed
from .options import (
    SETTINGS_OF_LABELS,
    Parser,
    add_output,
    add_workflow,
    input_files,
    settings_for,
)
from .progress import duration, print_table
from .reports import add_region, region_of
from .start import add_cluster, add_resume, each_image, end
from .steps import check_large, found, label_each, segment_to, write_labelled

if TYPE_CHECKING:
    from napari_bioseg.io import StoredPrediction


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "segment",
        "Turn channels into labels: those that 'predict' wrote, or files of other "
        "programs. The settings in the files are used unless flags say otherwise.",
        "INPUT... --output DIR",
        SETTINGS_OF_LABELS,
    )
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="files of channels, or folders of them",
    )
    parser.add_argument(
        "--predictions",
        action="append",
        default=[],
        metavar="DIR",
        help="the same as INPUT",
    )
    parser.add_argument(
        "--channels",
        metavar="NAMES",
        help="what the channels are, such as BC, for files of other programs",
    )
    add_output(parser)
    add_resume(parser)
    add_cluster(parser)
    parser.add_argument(
        "--memory",
        dest="predict.memory",
        default=argparse.SUPPRESS,
        metavar="GB",
        help="most memory to take; larger zarr volumes are segmented block by block",
    )
    add_region(parser)
    add_workflow(parser, SETTINGS_OF_LABELS)
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Segment predictions.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    Stopped
        If the user stopped it; finished images are on disk.
    ValueError
        If settings or files are wrong.
    """
    from napari_bioseg.io.results import Expected, kept_workflow

    inputs = [*args.inputs, *args.predictions]
    if not inputs:
        raise ValueError("name at least one file or folder of channels")
    files = input_files([_predictions_in(text) for text in inputs])
    folder = Path(args.output)
    stored = {name: _looked_at(path, args.axes) for name, path in files.items()}
    workflow = settings_for(
        _common_workflow(list(stored.values()), args.channels), args, SETTINGS_OF_LABELS
    )
    _check_channels(stored.values(), workflow)
    wanted = Expected.of(folder, ("labels",), args.format, workflow)
    if not args.overwrite and not args.resume:
        wanted.check_free(files)
    # The first labels may go beside the channels they are made from, whatever settings.
    beside = all(path.parent == folder / "predictions" for path in files.values())
    renews = args.overwrite or (beside and not (folder / "labels").exists())
    if args.resume:
        stored = {name: stored[name] for name in wanted.left(files)}

    def one(name: str, _: Path) -> tuple[str, ...]:
        return _one(args, name, stored[name], workflow)

    began = time.perf_counter()
    with kept_workflow(folder, workflow, overwrite=renews):
        rows, failed = each_image({n: files[n] for n in stored}, one, folder)
        if not rows:
            end(failed, len(stored))
    print_labels(rows, workflow, folder, time.perf_counter() - began, quiet=args.quiet)
    end(failed, len(stored))


def _looked_at(path: Path, axes: str | None) -> StoredPrediction:
    """Look at channels, without reading them; of a stack at its first time point."""
    from napari_bioseg.io import read_prediction

    file = read_prediction(path, axes=axes, frame=0, later=True)
    return (
        file
        if "T" in _letters(file, axes) and file.leading
        else read_prediction(path, axes=axes, later=True)
    )


def _letters(file: StoredPrediction, axes: str | None) -> str:
    """Return the axes along which images were predicted one by one."""
    from napari_bioseg.io.images import count_time_points

    times = count_time_points(file.path, axes=axes) > 1
    return "T" * times + "Z" * (file.leading > times)


def _one(
    args: argparse.Namespace, name: str, file: StoredPrediction, workflow: Workflow
) -> tuple[str, ...]:
    """Segment one prediction and return its row of the table."""
    from napari_bioseg.cleanup import find_labels
    from napari_bioseg.io import read_prediction, result_path
    from napari_bioseg.io.label_stack import one_by_one
    from napari_bioseg.io.segment_volume import fits_memory

    start = time.perf_counter()
    path = result_path(args.output, "labels", name, args.format)
    fits, lazy = fits_memory(file, workflow), hasattr(file.data, "dask")
    if file.leading and one_by_one(_letters(file, args.axes), workflow):
        count = label_each(path, name, file.path, workflow, args)
    elif lazy and not fits:
        check_large(name, file.channels or workflow.outputs, workflow)
        count = str(segment_to(path, name, file, workflow, args))
    else:
        if not fits:
            print(
                f"{name}: this may need more memory than there is, for such a file is "
                "read as a whole; a zarr folder is segmented block by block",
                file=sys.stderr,
            )
        file = read_prediction(file.path, axes=args.axes)
        prediction = file.load(workflow.outputs)
        region = region_of(args, name)
        labels, instances = find_labels(prediction, workflow, region=region)
        facts: dict[str, Any] = {"spacing": file.spacing, "unit": file.unit}
        write_labelled(args, name, labels, instances, workflow, **facts)
        count = found(labels, workflow)
    seconds = f"{time.perf_counter() - start:.1f}"
    return name, sized(file.data.shape[1:]), count, seconds


def print_labels(
    rows: Sequence[tuple[str, ...]],
    workflow: Workflow,
    folder: Path,
    seconds: float,
    *,
    quiet: bool,
) -> None:
    """Print the table of labelled images and one line that sums it up.

    Parameters
    ----------
    rows : sequence of tuple of str
        Name, size, what was found, and seconds of each image.
    workflow : Workflow
        Says whether objects were counted.
    folder : Path
        Where the results are.
    seconds : float
        How long all took.
    quiet : bool
        Whether to print nothing.
    """
    what = "foreground" if workflow.is_semantic else "objects"
    print_table(("image", "size", what, "seconds"), rows, quiet=quiet)
    if quiet:
        return
    objects = (
        ""
        if workflow.is_semantic
        else f", {counted(sum(int(r[2]) for r in rows), 'object')}"
    )
    took = duration(seconds)
    print(f"{counted(len(rows), 'image')}{objects} in {took}: {folder}/labels")


def _predictions_in(text: str) -> str:
    """Look into the folder of predictions where a folder of results is named."""
    inside = Path(text) / "predictions"
    return str(inside) if inside.is_dir() else text


def _common_workflow(
    stored: Sequence[StoredPrediction], channels: str | None
) -> Workflow:
    """Return the settings that all predictions were made with."""
    first = stored[0]
    for other in stored[1:]:
        if other.workflow != first.workflow and not channels:
            raise ValueError(
                f"{first.path} and {other.path} were predicted with different "
                "settings; segment them one after the other"
            )
    if first.workflow is not None and not channels:
        return first.workflow
    if channels is None:
        raise ValueError(
            f"{first.path} does not say what its {first.data.shape[0]} channels are; "
            "name them, for example --channels BC"
        )
    return _foreign_workflow(channels)


def _check_channels(stored: Iterable[StoredPrediction], workflow: Workflow) -> None:
    for file in stored:
        if file.data.shape[0] != len(workflow.outputs):
            raise ValueError(
                f"{file.path} has {counted(file.data.shape[0], 'channel')}, "
                "but the settings are "
                f"for {len(workflow.outputs)}: {', '.join(workflow.outputs)}"
            )


def _foreign_workflow(channels: str) -> Workflow:
    names = [name.strip() for name in channels.split(",")]
    if names == ["foreground"]:
        return Workflow(task=SemanticTask())
    if names[0].startswith("class"):
        return Workflow(task=SemanticTask(classes=max(2, len(names))))
    try:
        return changed(Workflow(), {"task.channels": channels})
    except ValueError as error:
        raise ValueError(str(error).replace("--task.channels", "--channels")) from error
