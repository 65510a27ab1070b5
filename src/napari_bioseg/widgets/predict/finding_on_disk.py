"""From channels on disk to objects or classes on disk."""

from __future__ import annotations

import itertools
import math
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.disk_levels import disk_levels
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.train.training import Doing

from .complete_labels import Found, found_before, note_made
from .events import LabelledOnDisk, NothingFound, Step, Told
from .running import part_of

TEXT = "Finding the objects"
COPIES = "Writing smaller copies"
SEVERAL = (
    "one image does not fit into memory, and objects of several are found image by "
    "image; predict one time point or slice at a time"
)
BLOCK = 16_000_000
"""Pixels of a block of classes, about."""


@dataclass(frozen=True)
class Facts:
    """What is known about a prediction on disk."""

    target: Target
    workflow: Workflow
    where: str
    """Folder of the model."""
    spacing: tuple[float, ...]
    """Size of a pixel per axis out of Z, Y and X, slices that are looped over too."""
    unit: str

    def full(self, path: Path) -> float:
        """Return what a probability of 1 is stored as."""
        from napari_bioseg.io import image_info

        return float(image_info(path, frame=0).notes.get("full", 1.0))


def told_before(facts: Facts) -> Iterator[Told]:
    """Say what will be otherwise than in memory, before hours are spent on channels.

    Parameters
    ----------
    facts : Facts
        What is to be predicted, and how.

    Yields
    ------
    Told
        Nothing where objects are found in memory.
    """
    from napari_bioseg.io.block_notes import check_blocks, what_differs

    workflow = facts.workflow
    if _fits(facts):
        return
    if workflow.is_semantic:
        if workflow.cleanup.running or workflow.cleanup.running_filters:
            yield Told("clean-up needs the whole image at once and is left out")
        return
    problem = SEVERAL if facts.target.leading else ""
    try:
        check_blocks(workflow.outputs, workflow)
    except ValueError as error:
        problem = str(error)
    if problem:
        yield Told(f"channels only, no objects: {problem}")
        return
    for note in what_differs(workflow.outputs, workflow.instances):
        yield Told(note)


def _fits(facts: Facts) -> bool:
    from napari_bioseg.io.segment_volume import fits_size

    size = [part.stop - part.start for part in facts.target.spatial]
    return fits_size(size, len(facts.workflow.outputs), facts.workflow)


def finding_on_disk(
    path: Path, labels: Path, facts: Facts, *, go_on: bool
) -> Generator[Any, Any, None]:
    """Find the objects of a prediction, in as much memory as may be taken.

    Parameters
    ----------
    path : Path
        The prediction.
    labels : Path
        Where labels go; those that are there are replaced.
    facts : Facts
        What was predicted, and how.
    go_on : bool
        Whether what an interrupted call left belongs to this prediction; complete
        labels that were made from it stay.

    Yields
    ------
    Doing, Step, ClusterWaits, Told, LabelledOnDisk, NothingFound
    """
    from napari_bioseg.io.unfinished import unfinished

    yield Doing(TEXT)
    if not go_on:
        shutil.rmtree(unfinished(labels), ignore_errors=True)
    target, workflow = facts.target, facts.workflow
    before = found_before(labels, path) if go_on else None
    if before is not None:
        yield _labelled(labels, facts, before)
        return
    found = Found()
    try:
        if _fits(facts):
            yield from _write(labels, facts, _frames(path, facts, found), target.count)
        elif workflow.is_semantic:
            regions = list(_regions(target.shape))
            blocks = _classes(path, facts, regions, found)
            yield from _write(labels, facts, blocks, len(regions))
        elif target.leading:
            yield NothingFound(SEVERAL)
            return
        else:
            yield from _segment(path, labels, facts, found)
    except ValueError as error:
        yield NothingFound(str(error))
        return
    note_made(labels, path, found)
    yield _labelled(labels, facts, found)


def _labelled(labels: Path, facts: Facts, found: Found) -> LabelledOnDisk:
    levels, _ = disk_levels(labels)
    return LabelledOnDisk(
        facts.target,
        facts.workflow,
        facts.where,
        levels,
        found.thresholds,
        found.objects,
        found.class_of,
        labels,
    )


def _write(
    labels: Path, facts: Facts, blocks: Iterator[Any], count: int
) -> Generator[Step, None, None]:
    from napari_bioseg.io.label_blocks import write_label_blocks

    target = facts.target
    axes = target.letters + "ZYX"[-len(target.spatial) :]
    options: dict[str, Any] = {"spacing": facts.spacing, "unit": facts.unit}
    written = write_label_blocks(
        labels, blocks, target.shape, axes, source=target.name, **options
    )
    for event in written:
        if isinstance(event, int):
            yield Step(event / count, TEXT)
        else:
            yield Step(event.done / event.total, COPIES)


def _frames(path: Path, facts: Facts, found: Found) -> Iterator[Any]:
    """Decode one piece after the other in memory."""
    from napari_bioseg.channels import Prediction
    from napari_bioseg.cleanup import find_classes, find_labels

    target, workflow = facts.target, facts.workflow
    for place, piece in target.wanted():
        data = _read(path, facts, place)
        prediction = Prediction(data, workflow.outputs, target.spacing)
        image = part_of(piece, target)
        labels, instances = find_labels(prediction, workflow, image=image)
        found.objects += len(np.unique(labels)) - int(not labels.all())
        if instances is not None:
            found.thresholds = dict(instances.thresholds)
        if not target.leading:
            found.class_of = find_classes(labels, instances, workflow)
        yield place, labels


def _classes(
    path: Path, facts: Facts, regions: list[tuple[slice, ...]], found: Found
) -> Iterator[Any]:
    """Give every pixel its class, block by block."""
    from napari_bioseg.channels import Prediction, classify

    names = facts.workflow.outputs
    for region in regions:
        data = _read(path, facts, region)
        flat = data.reshape((len(data), -1, data.shape[-1]))
        labels = classify(Prediction(flat, names), facts.workflow.semantic)
        found.seen |= {int(number) for number in np.unique(labels)}
        found.objects = len(found.seen - {0})
        yield region, labels.reshape(data.shape[1:])


def _segment(
    path: Path, labels: Path, facts: Facts, found: Found
) -> Generator[Any, None, None]:
    """Find instances block by block."""
    from napari_bioseg.io import read_prediction
    from napari_bioseg.io.segment_volume import BlockDone, Segmented, segment_volume
    from napari_bioseg.io.unfinished import PyramidGrown

    workflow = facts.workflow
    stored = read_prediction(path)
    for event in segment_volume(stored, labels, workflow, resume=True, overwrite=True):
        if isinstance(event, BlockDone):
            part = (event.step - 1 + event.done / event.blocks) / event.steps
            yield Step(part, TEXT)
        elif isinstance(event, ClusterWaits):
            yield event
        elif isinstance(event, PyramidGrown):
            yield Step(event.done / event.total, COPIES)
        elif isinstance(event, Segmented):
            found.objects, found.thresholds = event.objects, dict(event.thresholds)
            found.class_of = event.classes
            for note in event.notes:
                yield Told(note)


def _read(path: Path, facts: Facts, place: Any) -> NDArray[np.float32]:
    """Return a part of a prediction, channels first, as probabilities."""
    import zarr

    from napari_bioseg.io.stack import Stack

    target = facts.target
    ahead = len(target.leading)
    stack = Stack(target.piece, target.shape[:ahead], target.letters)
    array: Any = zarr.open_group(str(path), mode="r")["0"]
    index = (*stack.around(place[:ahead], slice(None)), *place[ahead:])
    data = np.asarray(array[index])
    if "T" in target.letters and isinstance(place[0], slice):
        data = np.moveaxis(data, 1, 0)
    return data.astype(np.float32) / np.float32(facts.full(path))


def _regions(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Divide an array into blocks, along its longest axes first."""
    block = list(shape)
    while math.prod(block) > BLOCK:
        longest = max(range(len(block)), key=lambda axis: block[axis])
        block[longest] = -(-block[longest] // 2)
    spans = (
        [slice(start, min(start + size, length)) for start in range(0, length, size)]
        for size, length in zip(block, shape, strict=True)
    )
    return itertools.product(*spans)
