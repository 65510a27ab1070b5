"""Short names for images and models, which tell whether they are still the same."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .stack import Stack

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

SIDE = 16
"""Pixels along each axis of the parts of a large image that are looked at."""
WIDE = 64
"""The same of the one part of an image in a large stack; a chunk mostly holds it."""
SMALL = 2**23
"""Values that are all looked at, which takes no longer where they are stored in one
piece."""
IMAGES = 64
"""How many images of a large stack are looked at, spread over it evenly."""


def images_fingerprint(stack: Stack) -> str:
    """Return a short name for what images show.

    Parameters
    ----------
    stack : Stack
        Of a large image a few small parts count, of large stacks one part of each of
        64 images at most: on slow disks and servers nothing else is read first.

    Returns
    -------
    str
    """
    from napari_bioseg.engine.pixels import Pixels

    digest = hashlib.sha256()
    count = math.prod(stack.leading)
    whole = count * math.prod(stack.first.shape) <= SMALL
    few = count if whole else min(count, IMAGES)
    chosen = {n * (count - 1) // max(few - 1, 1) for n in range(few)}
    for number, place in enumerate(stack.places):
        if number not in chosen:
            continue
        pixels = Pixels(stack.read(place))
        if whole:
            parts = [(slice(None),) * (pixels.ndim - 1)]
        elif count == 1:
            parts = _corners(pixels.shape[1:], SIDE)
        else:  # not the same corner in all, where there may be nothing to see
            corners = _corners(pixels.shape[1:], WIDE)
            parts = [corners[number % len(corners)]]
        for part in parts:
            values = pixels[(slice(None), *part)]
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


def _corners(size: tuple[int, ...], side: int) -> list[tuple[slice, ...]]:
    """Return parts at a quarter and three quarters of each axis."""
    starts = [(n // 4, 3 * n // 4) for n in size]
    if side == WIDE:
        starts = [(a // side * side, b // side * side) for a, b in starts]
    return [
        tuple(slice(start, start + side) for start in corner)
        for corner in itertools.product(*starts)
    ]


def model_fingerprint(model: Model) -> str:
    """Return a short name for a model's weights, normalisation and task.

    Parameters
    ----------
    model : Model

    Returns
    -------
    str
    """
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    digest.update(model.workflow.data.normalization.model_dump_json().encode())
    digest.update(model.workflow.task.model_dump_json().encode())
    return digest.hexdigest()[:16]


def made_from(stack: Stack, models: Sequence[Model]) -> dict[str, Any]:
    """Return what a prediction is made from, to tell later whether it is still that.

    Parameters
    ----------
    stack : Stack
        The images; a few pixels of a few are looked at, or all where they are few.
    models : sequence of Model
        Whose mean is taken.

    Returns
    -------
    dict
        As JSON holds it.
    """
    image = stack.first
    found = {
        "image": [list(image.shape), np.dtype(image.dtype).str],
        "pixels": images_fingerprint(stack),
        "model": [model_fingerprint(each) for each in models],
    }
    if stack.leading:
        found["stack"] = [stack.letters, *stack.leading]
    return found
