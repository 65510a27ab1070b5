"""Seeds of the watershed: numbered, large enough, and inside the foreground."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from .connected import Components
from .parallel import divide, in_parallel, never


def number_seeds(
    found: Components,
    foreground: NDArray[np.bool_],
    smallest: int = 0,
    cancelled: Callable[[], bool] = never,
) -> tuple[NDArray[np.int32], int]:
    """Draw seeds that are large enough and reach into the foreground.

    Parameters
    ----------
    found : Components
        Components of the seed mask.
    foreground : ndarray
        bool, ``(Z, Y, X)``.
    smallest : int
        Seeds with fewer pixels are dropped; pixels outside the foreground count.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    seeds : ndarray
        int32, ``(Z, Y, X)``: 1…n in scan order within the foreground, else 0.
    count : int
        Number of seeds.
    """
    runs = (found.start, found.stop)
    total = found.component.size
    inside = np.empty(total, np.int32)
    height = found.shape[1]
    pixels = foreground.size
    in_parallel(
        _count_inside,
        divide(total, pixels),
        foreground,
        found.row,
        *runs,
        inside,
        cancelled=cancelled,
    )
    reached = np.bincount(found.component, inside, found.count + 1) > 0
    kept = reached & (found.sizes() >= smallest)
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    seeds = np.empty(found.shape, np.int32)
    in_parallel(
        _draw,
        divide(found.shape[0] * height, pixels),
        foreground,
        found.row_start,
        *runs,
        numbers[found.component],
        seeds,
        cancelled=cancelled,
    )
    return seeds, int(numbers.max())


def same_in(
    found: Components,
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
    cancelled: Callable[[], bool] = never,
) -> bool:
    """Tell whether two masks agree wherever the components are.

    Parameters
    ----------
    found : Components
        Where to look.
    one, other : ndarray
        bool, ``(Z, Y, X)``.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    bool
    """
    runs = (found.row, found.start, found.stop)
    edges = divide(found.component.size, one.size)
    return all(in_parallel(_same, edges, one, other, runs, cancelled=cancelled))


@numba.njit(nogil=True, cache=True)
def _same(one, other, runs, start, stop):  # type: ignore[no-untyped-def]
    rows, begin, end = runs
    height = one.shape[1]
    for run in range(start, stop):
        z, y = rows[run] // height, rows[run] % height
        differ = np.uint8(0)
        for x in range(begin[run], end[run]):
            differ |= one[z, y, x] ^ other[z, y, x]
        if differ:
            return False
    return True


@numba.njit(nogil=True, cache=True)
def _count_inside(foreground, row, begin, end, inside, start, stop):  # type: ignore[no-untyped-def]
    height = foreground.shape[1]
    for run in range(start, stop):
        line = foreground[row[run] // height, row[run] % height]
        count = np.int32(0)
        for covered in line[begin[run] : end[run]]:
            count += np.int32(covered)
        inside[run] = count


@numba.njit(nogil=True, cache=True)
def _draw(foreground, row_start, begin, end, numbers, seeds, start, stop):  # type: ignore[no-untyped-def]
    height = foreground.shape[1]
    for row in range(start, stop):
        z, y = row // height, row % height
        line = seeds[z, y]
        line[:] = 0
        for run in range(row_start[row], row_start[row + 1]):
            number = numbers[run]
            if number:
                covered = foreground[z, y, begin[run] : end[run]]
                target = line[begin[run] : end[run]]
                for x in range(target.shape[0]):
                    target[x] = number * np.int32(covered[x])
