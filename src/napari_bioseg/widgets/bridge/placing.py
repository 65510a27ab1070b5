"""Where a result that is a part of an image lies in the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def moved(layer: Any, source: Any, axes: Sequence[int], start: Any) -> Any:
    """Return the translation of a layer that begins at a pixel of its source.

    Parameters
    ----------
    layer : napari.layers.Layer
        The part; it is scaled, rotated and sheared like the source.
    source : napari.layers.Layer
        The whole.
    axes : sequence of int
        Axes of the source that the part has.
    start : array_like
        First pixel per axis.

    Returns
    -------
    ndarray
    """
    origin = np.asarray(source.translate)[list(axes)]
    shear = np.eye(len(axes))
    shear[np.triu_indices(len(axes), 1)] = layer.shear
    linear = np.asarray(layer.rotate) @ shear @ np.diag(np.asarray(layer.scale))
    return origin + linear @ np.asarray(start, dtype=float)
