"""Grow every object into the background."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .labels import check_radius, dense_labels, restored


def dilate(labels: NDArray[Any], radius: float = 1.0) -> NDArray[Any]:
    """Grow every object into the background by a disc or ball.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    radius : float
        How far, in pixels. A background pixel at most so far from an object joins the
        nearest; 1 reaches the sides, 1.5 the corners too.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers and all their pixels.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``radius`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> dilate(np.array([[0, 1, 0, 0, 2, 0]]), radius=1)
    array([[1, 1, 1, 2, 2, 2]])
    """
    from .nearest import nearest_object

    check_radius(radius)
    dense, numbers = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    nearest, squared = nearest_object(dense)
    nearest[squared > radius**2] = 0
    return restored(nearest, numbers, labels)
