"""Choose a trained model's thresholds by what they find in the validation images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import Prediction
from napari_bioseg.channels.cuts import THRESHOLDS
from napari_bioseg.settings import InstanceSettings

from .fit import fit_thresholds
from .labelled import read_ids
from .model import Model
from .plan import Plan
from .run_tiles import run_within_memory
from .targets import Region, Subject

LEAST_OBJECTS = 10
"""Fewer true instances than this say too little to choose thresholds by."""
LARGEST_PART = {2: 1024 * 1024, 3: 160**3}
"""Pixels of one image that are looked at, from its middle, by dimensions."""
MOST_PIXELS = 4 * LARGEST_PART[2]
"""Pixels of all images together."""
PIXELS_PER_SECOND = 10_000_000
"""How fast thresholds are tried, at least, on two cores that others use too. Tries are
counted, not timed, so that the same training gives the same thresholds everywhere."""
ENOUGH_TRIES = 40
"""Fewer images are looked at if the time would not suffice for so many tries."""


def fit_to_validation(model: Model, plan: Plan, seconds: float) -> InstanceSettings:
    """Return thresholds that find the validation instances best.

    Parameters
    ----------
    model : Model
        Holds the best weights.
    plan : Plan
        Whose validation images are predicted.
    seconds : float
        About the most time to spend on tries.

    Returns
    -------
    InstanceSettings
        The workflow's own where it sets a threshold to anything but the default, where
        classes are learned, or where there is too little to go by.
    """
    given = plan.workflow.instances
    if plan.workflow.is_semantic or not plan.workflow.train.fit_thresholds:
        return given
    work = seconds * PIXELS_PER_SECOND
    most = min(MOST_PIXELS, work / ENOUGH_TRIES)
    channels = len(plan.workflow.channels)  # classes of objects have no thresholds
    predictions: list[Prediction] = []
    truths: list[NDArray[Any]] = []
    pixels = objects = 0
    largest = LARGEST_PART[model.dimensions]
    for subject in plan.validation:
        region = _middle(subject, largest)
        if predictions and pixels + _pixels(region) > most:
            break
        data = _predicted(model, subject, region)
        if data is None:
            break
        data = data[:channels]
        truth = read_ids(subject.pair, region, plan.workflow.data)
        pixels += truth.size
        data[:, truth < 0] = 0  # what is found there is neither right nor wrong
        names = model.outputs[:channels]
        predictions.append(Prediction(data, names, subject.pair.pixel_size))
        truths.append(np.maximum(truth, 0))
        objects += len(np.unique(truth[truth > 0]))
    if objects < LEAST_OBJECTS:
        return given
    default = InstanceSettings()
    fixed = {
        name for name in THRESHOLDS if getattr(given, name) != getattr(default, name)
    }
    tries = int(work / pixels)
    return fit_thresholds(predictions, truths, given, tries=tries, keep=fixed).settings


def _predicted(
    model: Model, subject: Subject, region: Region
) -> NDArray[np.float32] | None:
    """Predict a part of an image; None where memory does not suffice.

    A training that is done must not be lost for its thresholds.
    """
    image = subject.scale(subject.pair.read(region))
    try:
        (found,) = run_within_memory(model, image[np.newaxis])
    except MemoryError:
        return None
    return np.asarray(found)


def _pixels(region: Region) -> int:
    return math.prod(part.stop - part.start for part in region)


def _middle(subject: Subject, most: int) -> Region:
    """Return the middle of an image's usable part, no larger than so many pixels."""
    size = list(subject.size)
    while np.prod(size) > most:
        largest = int(np.argmax(size))
        size[largest] = size[largest] // 2
    return tuple(
        slice(start, start + length)
        for start, length in (
            (part.start + (part.stop - part.start - length) // 2, length)
            for part, length in zip(subject.bounds, size, strict=True)
        )
    )
