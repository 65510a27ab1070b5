"""Short names for images and models, which tell whether they are still the same."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .stack import Stack

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

SIDE = 16
"""Pixels along each axis of the parts of a large image that are looked at."""
SMALL = 2**23
"""Values of an image that is looked at as a whole, which takes no longer where it is
stored in one piece."""


def images_fingerprint(images: Iterable[Any]) -> str:
    """Return a short name for what images show; of large ones small parts count.

    Parameters
    ----------
    images : iterable of array, (C, [Z,] Y, X)
        numpy, dask or zarr, or parts of such.

    Returns
    -------
    str
    """
    digest = hashlib.sha256()
    for image in images:
        for part in _parts(image):
            digest.update(part.tobytes())
    return digest.hexdigest()[:16]


def _parts(image: Any) -> Iterator[NDArray[Any]]:
    from napari_bioseg.engine.pixels import Pixels

    pixels = Pixels(image)
    if math.prod(pixels.shape) <= SMALL:
        yield np.ascontiguousarray(pixels[(slice(None),) * pixels.ndim])
        return
    starts = [(n // 4, 3 * n // 4) for n in pixels.shape[1:]]
    for corner in itertools.product(*starts):
        part = tuple(slice(start, start + SIDE) for start in corner)
        yield np.ascontiguousarray(pixels[(slice(None), *part)])


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
        The images; a few pixels of each are looked at, or all where they are few.
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
        "pixels": images_fingerprint(stack.read(place) for place in stack.places),
        "model": [model_fingerprint(each) for each in models],
    }
    if stack.leading:
        found["stack"] = [stack.letters, *stack.leading]
    return found
