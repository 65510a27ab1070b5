"""Shrink every object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_radius, dense_labels


def erode(labels: NDArray[Any], radius: float = 1.0) -> NDArray[Any]:
    """Shrink every object by a disc or ball.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    radius : float
        How far, in pixels. Pixels at most so far from another object or from the
        background go; 1 looks at the sides, 1.5 at the corners too.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers. Objects that are too thin
        vanish. The edge of the image takes nothing away.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``radius`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> erode(np.array([[0, 1, 1, 1, 2, 2]]), radius=1)
    array([[0, 0, 1, 0, 0, 2]])
    """
    from napari_bioseg.channels.distance import squared_border_distance

    check_radius(radius)
    dense, _ = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    inner = squared_border_distance(dense) > radius**2
    return np.where(inner.reshape(labels.shape), labels, labels.dtype.type(0))
