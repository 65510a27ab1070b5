"""Masks that were saved as colour pictures or as JPEG, read for what they mean."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.data_warning import DataWarning

from .source import Source

NEAR, FAR = 24, 64
"""JPEG of usual quality leaves most values of a mask of 0 and 255 so near to these, and
hardly any so far from them."""
MOST_NEAR, MOST_FAR = 0.5, 0.1
"""Values beyond these limits in a mask, at most, for each bright pixel: measured on
disks and lines at qualities from 50 (near) and 30 (far) on."""


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


def is_mask(labels: NDArray[Any]) -> bool:
    """Whether labels were 0 and 255 before JPEG changed them.

    Parameters
    ----------
    labels : ndarray, ([Z,] Y, X)

    Returns
    -------
    bool

    Notes
    -----
    Values in between lie at the edges of objects, so that there are the more of them
    the more bright pixels there are.
    """
    bright = np.count_nonzero(labels >= 255 - NEAR)
    if not bright:
        return not np.count_nonzero(labels)
    off = np.count_nonzero((labels > NEAR) & (labels < 255 - NEAR))
    far = np.count_nonzero((labels > FAR) & (labels < 255 - FAR))
    return bool(off <= MOST_NEAR * bright and far <= MOST_FAR * bright)


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
    what = "JPEG, whose compression changes numbers"
    if is_mask(labels):
        said = f"{what}; read as a mask of 0 and 255. Save masks as PNG or TIFF"
        warnings.warn(DataWarning(said, source.path), stacklevel=3)
        return np.where(labels > 127, 255, 0).astype(labels.dtype)
    said = (
        f"{what}; labels are probably wrong at the edges of objects. Save labels as "
        "PNG or TIFF"
    )
    warnings.warn(DataWarning(said, source.path), stacklevel=3)
    return labels
