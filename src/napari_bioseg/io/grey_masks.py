"""Masks that were saved as colour pictures or as JPEG, read for what they mean."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import Source

NEAR = 24
"""JPEG leaves values of a mask of 0 and 255 at most so far from these."""


def without_colours(source: Source) -> Source:
    """Return a colour picture that shows only greys as a grey one.

    Parameters
    ----------
    source : Source
        Labels, as stored.

    Returns
    -------
    Source
        The same where there is no colour axis, or real colours.

    Notes
    -----
    Colours are not turned into numbers, because a picture does not say which colour
    means which class, and another picture may lack one.
    """
    axis = source.axes.find("S")
    if axis < 0 or source.shape[axis] not in (3, 4):
        return source
    array = np.asarray(source.load())
    first, *others = np.moveaxis(array, axis, 0)[:3]
    if not all(np.array_equal(first, other) for other in others):
        return source
    return replace(
        source,
        shape=tuple(n for place, n in enumerate(source.shape) if place != axis),
        axes=source.axes.replace("S", ""),
        load=lambda: first,
    )


def is_jpeg(source: Source) -> bool:
    """Whether a file's compression changes its numbers."""
    return source.path.suffix.lower() in (".jpg", ".jpeg")


def repaired(labels: NDArray[Any], source: Source) -> NDArray[Any]:
    """Warn about labels from a JPEG file, and mend those of a mask of 0 and 255.

    Parameters
    ----------
    labels : ndarray, ([Z,] Y, X)
    source : Source
        The file.

    Returns
    -------
    ndarray
        The same, or 0 and 255 only.
    """
    what = f"{source.path} is a JPEG file, whose compression changes numbers"
    if ((labels <= NEAR) | (labels >= 255 - NEAR)).all():
        warnings.warn(
            f"{what}; it was read as a mask of 0 and 255. Save masks as PNG or TIFF",
            stacklevel=3,
        )
        return np.where(labels > 127, 255, 0).astype(labels.dtype)
    warnings.warn(
        f"{what}; its labels are probably wrong at the edges of objects. Save labels "
        "as PNG or TIFF",
        stacklevel=3,
    )
    return labels
