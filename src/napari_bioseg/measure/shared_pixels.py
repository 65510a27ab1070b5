"""How many pixels each pair of objects shares, without a table of all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def shared_pixels(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count the pixels of every pair of numbers that occurs in two images.

    Parameters
    ----------
    first, second : ndarray of int
        Of one shape.

    Returns
    -------
    first, second, pixels : ndarray of int64
        One entry per pair that shares pixels, background included, ordered by the
        first number and then by the second.

    Examples
    --------
    >>> pairs = shared_pixels(np.array([1, 1, 0, 1]), np.array([5, 5, 5, 0]))
    >>> [column.tolist() for column in pairs]
    [[0, 1, 1], [5, 0, 5], [1, 1, 2]]
    """
    a, b = first.ravel(), second.ravel()
    if a.size == 0:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty
    # neighbours mostly repeat each other: count runs, then sort only these
    starts = np.flatnonzero((a[1:] != a[:-1]) | (b[1:] != b[:-1])) + 1
    starts = np.concatenate(([0], starts))
    lengths = np.diff(starts, append=a.size)
    x, y = a[starts].astype(np.int64), b[starts].astype(np.int64)
    order = np.lexsort((y, x))
    x, y, lengths = x[order], y[order], lengths[order]
    new = np.flatnonzero((x[1:] != x[:-1]) | (y[1:] != y[:-1])) + 1
    new = np.concatenate(([0], new))
    return x[new], y[new], np.add.reduceat(lengths, new)
