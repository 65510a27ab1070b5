"""Pixels by number, counted without copies of the image."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


def tally(
    numbers: NDArray[np.int32], highest: int, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Count the pixels of each number.

    Parameters
    ----------
    numbers : ndarray
        int32, ``(Z, Y, X)``, none below 0.
    highest : int
        The largest number that may occur.
    mask : ndarray, optional
        bool, same shape: pixels that count. All by default.

    Returns
    -------
    ndarray
        int64, one per number from 0 to the highest.

    Examples
    --------
    >>> tally(np.array([[[0, 2, 2]]], np.int32), 2)
    array([1, 0, 2])
    """
    counts = np.zeros(highest + 1, np.int64)
    if mask is None:
        _count(numbers, counts)
    else:
        _count_inside(numbers, mask, counts)
    return counts


@numba.njit(nogil=True, cache=True)
def _count(numbers, counts):  # type: ignore[no-untyped-def]
    depth, height, width = numbers.shape
    for z in range(depth):
        for y in range(height):
            line = numbers[z, y]
            begin = 0
            for x in range(1, width + 1):  # runs of one number are counted at once
                if x == width or line[x] != line[begin]:
                    counts[line[begin]] += x - begin
                    begin = x


@numba.njit(nogil=True, cache=True)
def _count_inside(numbers, mask, counts):  # type: ignore[no-untyped-def]
    depth, height, width = numbers.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if mask[z, y, x]:
                    counts[numbers[z, y, x]] += 1
