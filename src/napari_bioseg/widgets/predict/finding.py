"""From predicted channels to objects or classes, in the job's thread."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.train.training import Doing

from .events import Labelled, NothingFound
from .running import part_of


def label(
    data: NDArray[np.float32], target: Target, workflow: Workflow, where: str
) -> Generator[Any, Any, None]:
    """Find the objects of a prediction in memory, frame by frame.

    Parameters
    ----------
    data : ndarray, (C, [leading,] [Z,] Y, X)
        The prediction.
    target : Target
        What was predicted.
    workflow : Workflow
        Says how.
    where : str
        Folder of the model.

    Yields
    ------
    Doing, Labelled, NothingFound
    """
    from napari_bioseg.channels import Prediction, class_labels
    from napari_bioseg.cleanup import find_classes, find_labels

    shape = data.shape[1:]
    labels = np.zeros(shape, dtype=np.int32)
    semantic = workflow.is_semantic
    seeds = None if semantic else np.zeros(shape, dtype=np.int32)
    foreground = None if semantic else np.zeros(shape, dtype=np.uint8)
    thresholds: dict[str, float] = {}
    objects = 0
    classes = np.zeros(shape, np.int32) if workflow.task.has_classes else None
    class_of: dict[int, int] | None = None
    try:
        for place, piece in target.wanted():
            every: tuple[Any, ...] = (slice(None), *place)
            prediction = Prediction(data[every], workflow.outputs, target.spacing)
            image = part_of(piece, target)
            one, found = find_labels(prediction, workflow, image=image)
            labels[place] = one
            objects += len(np.unique(one)) - int(not one.all())
            if found is not None and seeds is not None and foreground is not None:
                seeds[place], foreground[place] = found.seeds, found.foreground
                thresholds = dict(found.thresholds)
            kinds = find_classes(one, found, workflow)
            if classes is not None and kinds is not None:
                class_of = None if target.leading else kinds
                classes[place] = class_labels(one, kinds)
            if target.leading:
                yield Doing("Finding the objects")
    except ValueError as error:
        yield NothingFound(str(error))
        return
    tops = tuple(float(channel.max()) for channel in data)
    yield Labelled(
        target,
        workflow,
        where,
        labels,
        seeds,
        foreground,
        thresholds,
        objects,
        tops,
        classes,
        class_of,
    )
