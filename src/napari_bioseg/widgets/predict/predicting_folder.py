"""Predict all images of a folder, to files."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.counted import counted
from napari_bioseg.settings import PredictSettings, Workflow
from napari_bioseg.widgets.train.training import Doing

from .events import Filled, Step, Told, Written
from .keeping import Earlier
from .running import lively, opened

if TYPE_CHECKING:
    from napari_bioseg.engine import Model
    from napari_bioseg.io.results import Format

MOST_SHOWN = 5
"""Images that failed which are named; there may be thousands."""


@dataclass(frozen=True)
class Folders:
    """What is read and what is written."""

    images: Path
    results: Path
    format: Format = "tif"
    axes: str | None = None
    """One letter per stored axis, where files do not say or say it wrong."""
    earlier: Earlier = "refuse"
    """What becomes of results that are there already."""

    def path(self, kind: Literal["predictions", "labels"], name: str) -> Path:
        """Return where a result goes."""
        from napari_bioseg.io import result_path

        return result_path(self.results, kind, name, self.format)


def predicting_folder(
    folders: Folders, models: Sequence[Model | Path], settings: PredictSettings
) -> Generator[Any, Any, None]:
    """Predict all images of a folder, and write channels and labels.

    Parameters
    ----------
    folders : Folders
        Images, and where results go.
    models : sequence of Model or Path
        The models whose mean is taken, or their folders.
    settings : PredictSettings
        Tiles, device, and what is stored.

    Yields
    ------
    Doing, Filled, ClusterWaits, Step, Told, Written

    Raises
    ------
    ValueError
        At the end, naming the images that could not be read or do not suit the model;
        the others are done. At the start, if a result is there already.
    OSError
        If the disk is full or cannot be written to.
    """
    yield Doing("Opening the model")
    known, _ = opened(models, settings)
    from napari_bioseg.io import by_stem, image_files
    from napari_bioseg.io.results import kept_workflow

    workflow = known[0].workflow.replace(predict=settings)
    files = by_stem(image_files(folders.images))
    left = _left(files, folders, workflow)
    failed: dict[Path, str] = {}
    # looked at before anything is computed
    for path in left.values():
        with _noted(failed, path):
            _check(path, folders, known[0])
            _check_labels(path, folders, workflow)
    if len(failed) == len(left):
        _end(failed, len(left))
    replaces = folders.earlier == "replace"
    with kept_workflow(folders.results, workflow, overwrite=replaces):
        if len(left) < len(files):
            yield Told(f"{len(files) - len(left)} of {len(files)} were done before")
        done = 0
        for number, (name, path) in enumerate(left.items(), start=1):
            if path in failed:
                continue
            count = (number, len(left))
            with _noted(failed, path):
                objects = yield from _one(folders, name, path, known, workflow, count)
                done += 1
                yield Written(name, objects, number / len(left), done, len(left))
        _end(failed, len(left))


@contextmanager
def _noted(failed: dict[Path, str], path: Path) -> Iterator[None]:
    """Note what is wrong with an image, so that the others are done all the same."""
    from napari_bioseg.io.disk_errors import ends_all

    try:
        yield
    except OSError as error:
        if ends_all(error):
            raise
        failed[path] = str(error)
    except (ValueError, MemoryError) as error:
        failed[path] = str(error) or type(error).__name__


def _end(failed: dict[Path, str], images: int) -> None:
    """Say at the end which images could not be done, and why."""
    if not failed:
        return
    lines = [
        text if path.name in text else f"{path.name}: {text}"
        for path, text in failed.items()
    ]
    if images == 1:
        raise ValueError(lines[0])
    if len(lines) > MOST_SHOWN:
        lines = [*lines[:MOST_SHOWN], f"and {len(lines) - MOST_SHOWN} more"]
    raise ValueError(
        "\n".join([f"{len(failed)} of {counted(images, 'image')} failed:", *lines])
    )


def _one(
    folders: Folders,
    name: str,
    path: Path,
    models: Sequence[Model],
    workflow: Workflow,
    count: tuple[int, int],
) -> Generator[Any, Any, int]:
    """Write the results of one image, and return how many objects there are."""
    from napari_bioseg.io import image_info

    info = image_info(path, axes=folders.axes)
    data = yield from _predict(folders, name, path, info, models, workflow, count)
    if workflow.predict.output != "probabilities":
        return 0
    return (yield from _label(folders, name, path, data, workflow))


def _left(
    files: dict[str, Path], folders: Folders, workflow: Workflow
) -> dict[str, Path]:
    """Return the images still to be done; refuse to replace results."""
    from napari_bioseg.io.results import Expected, Kind

    kinds: tuple[Kind, ...] = ("predictions", "labels")
    if workflow.predict.output == "classes":
        kinds = ("predictions",)
    wanted = Expected.of(folders.results, kinds, folders.format, workflow)
    if folders.earlier == "refuse":
        wanted.check_free(files)
    if folders.earlier != "resume":
        return files
    return {name: files[name] for name in wanted.left(files)}


def _check(path: Path, folders: Folders, model: Model) -> None:
    from napari_bioseg.io import image_info

    try:
        model.check_image(image_info(path, axes=folders.axes).shape)
    except ValueError as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(
            f"{path}: {error}; if axes were mistaken, name them under Axes"
        ) from error


def _check_labels(path: Path, folders: Folders, workflow: Workflow) -> None:
    """Refuse what cannot be done block by block, where blocks are needed."""
    from napari_bioseg.io import image_info
    from napari_bioseg.io.block_notes import check_blocks
    from napari_bioseg.io.segment_volume import fits_size

    if folders.format == "tif" or workflow.predict.output == "classes":
        return
    size = image_info(path, axes=folders.axes).size
    if fits_size(size, len(workflow.outputs), workflow):
        return
    try:
        check_blocks(workflow.outputs, workflow)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _predict(
    folders: Folders,
    name: str,
    path: Path,
    info: Any,
    models: Sequence[Model],
    workflow: Workflow,
    count: tuple[int, int],
) -> Generator[Any, Any, Any]:
    """Write the channels of one image; return them, or None if they are on disk."""
    from napari_bioseg.engine import Predicted, TileDone
    from napari_bioseg.io import read_image
    from napari_bioseg.io.predict_file import FilePredicted, predict_file
    from napari_bioseg.io.unfinished import PyramidGrown

    place = folders.path("predictions", name)
    if folders.earlier == "resume" and place.exists():
        return None  # only the labels are missing
    number, images = count
    settings = lively(workflow.predict, info.size, models)
    events = predict_file(
        place,
        read_image(path, axes=folders.axes),
        info,
        name,
        models,
        workflow.replace(predict=settings),
        resume=folders.earlier != "replace",
        overwrite=folders.earlier == "replace",
    )
    data = None
    with closing(events):
        for event in events:
            if isinstance(event, TileDone):
                share = (number - 1 + event.index / event.tiles) / images
                yield Filled(share, event.index, event.tiles, number, images)
            elif isinstance(event, ClusterWaits):
                yield event
            elif isinstance(event, PyramidGrown):
                yield Step(event.done / event.total, "Writing smaller copies")
            elif isinstance(event, Predicted) and event.notes:
                yield Told(f"{name}: {' '.join(event.notes)}")
            elif isinstance(event, FilePredicted):
                data = event.data
    return data if isinstance(data, np.ndarray) else None


def _label(
    folders: Folders, name: str, path: Path, data: Any, workflow: Workflow
) -> Generator[Any, Any, int]:
    """Write the labels of one image, and return how many objects there are."""
    from napari_bioseg.channels.blockwise.room import room_for
    from napari_bioseg.cleanup import find_classes, find_labels
    from napari_bioseg.io import (
        image_info,
        read_image,
        read_prediction,
        write_object_classes,
        write_results,
    )
    from napari_bioseg.io.predictions import in_memory
    from napari_bioseg.io.segment_volume import fits_memory

    info = image_info(path, axes=folders.axes)
    needed = math.prod(info.size) * (4 * len(workflow.outputs) + 32)
    if folders.format == "tif" and needed > room_for(workflow.predict.memory):
        yield Told(
            f"{name}: its labels need {needed / 1e9:.1f} GB of memory, so only its "
            "channels were written; choose OME-Zarr to have them found block by block"
        )
        return 0
    if data is None:
        stored = read_prediction(folders.path("predictions", name))
        lazy = hasattr(stored.data, "dask")
        if lazy and not fits_memory(stored, workflow):
            return (yield from _segment(folders, name, stored, workflow))
        prediction = stored.load(workflow.outputs)
    else:
        prediction = in_memory(data, workflow, info.spacing)
    looks = workflow.cleanup.looks_at_image
    image = read_image(path, axes=folders.axes) if looks else None
    labels, found = find_labels(prediction, workflow, image=image)
    facts: dict[str, Any] = {
        "spacing": info.spacing,
        "unit": info.unit,
        "format": folders.format,
        "overwrite": True,  # looked at before
    }
    write_results(folders.results, name, workflow, labels=labels, **facts)
    classes = find_classes(labels, found, workflow)
    if classes is not None:
        write_object_classes(folders.results, name, labels, classes, **facts)
    return len(np.unique(labels)) - int(not labels.all())


def _segment(
    folders: Folders, name: str, stored: Any, workflow: Workflow
) -> Generator[Any, Any, int]:
    """Find the objects of an image that is larger than memory."""
    from napari_bioseg.io import class_paths
    from napari_bioseg.io.object_classes import write_class_table
    from napari_bioseg.io.segment_volume import BlockDone, Segmented, segment_volume

    path = folders.path("labels", name)
    objects = 0
    resume = folders.earlier != "replace"
    for event in segment_volume(stored, path, workflow, resume=resume, overwrite=True):
        if isinstance(event, BlockDone):
            part = (event.step - 1 + event.done / event.blocks) / event.steps
            yield Step(part, f"{name}: finding the objects")
        elif isinstance(event, ClusterWaits):
            yield event
        elif isinstance(event, Segmented):
            objects = event.objects
            if event.classes is not None:
                table = class_paths(folders.results, name)[1]
                write_class_table(table, event.classes)
            for note in event.notes:
                yield Told(f"{name}: {note}")
    return objects
