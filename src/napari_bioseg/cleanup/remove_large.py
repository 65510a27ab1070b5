"""Remove objects with more pixels than a limit."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .labels import dense_labels, keep_objects


def remove_large(labels: NDArray[Any], size: int = 100_000) -> NDArray[Any]:
    """Remove objects with more pixels than ``size``.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    size : int
        Objects with more pixels go; those with just as many stay. The pieces of an
        object count together.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes.

    Examples
    --------
    >>> import numpy as np
    >>> remove_large(np.array([[1, 1, 0, 2]]), size=1)
    array([[0, 0, 0, 2]])
    """
    from .kernels import count_pixels

    dense, _ = dense_labels(labels)
    return keep_objects(labels, dense, count_pixels(dense) <= size)
