"""Short names for images and models, which tell whether they are still the same."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

SIDE = 16
"""Pixels along each axis of the parts of an image that are looked at."""


def image_fingerprint(image: Any) -> str:
    """Return a short name for what an image shows, from a few small parts of it.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        numpy, dask or zarr, or a part of one.

    Returns
    -------
    str
    """
    from napari_bioseg.engine.pixels import Pixels

    pixels = Pixels(image)
    digest = hashlib.sha256()
    starts = [(n // 4, 3 * n // 4) for n in pixels.shape[1:]]
    for corner in itertools.product(*starts):
        part = tuple(slice(start, start + SIDE) for start in corner)
        digest.update(np.ascontiguousarray(pixels[(slice(None), *part)]).tobytes())
    return digest.hexdigest()[:16]


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
