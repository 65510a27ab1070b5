"""Histograms of channels, counted on every core."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numba import uint32
from numpy.typing import NDArray

from .parallel import divide, in_parallel, never

_BLOCK = 512
"""Values whose bins are found before they are counted."""


def histogram(
    values: NDArray[np.float32],
    low: float,
    high: float,
    bins: int = 256,
    cancelled: Callable[[], bool] = never,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Count values in bins of equal width, as `numpy.histogram` does.

    Parameters
    ----------
    values : ndarray
        float32, any shape, C-contiguous.
    low, high : float
        Smallest and largest value.
    bins : int
        Number of bins.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    counts : ndarray
        int64, one per bin.
    edges : ndarray
        float32, one more. The last bin holds its upper edge too.

    Examples
    --------
    >>> import numpy as np
    >>> histogram(np.array([0, 0.2, 1], dtype="float32"), 0, 1, bins=2)
    (array([2, 1]), array([0. , 0.5, 1. ], dtype=float32))
    """
    if low == high:
        low, high = low - 0.5, high + 0.5
    ends = np.float32(low), np.float32(high)
    edges = np.linspace(*ends, bins + 1, dtype=np.float32)
    # by how much of a bin rounding may shift a value, or an edge
    shift = 2 + 2 * max(abs(low), abs(high)) / (high - low)
    flat = values.reshape(-1)
    pieces = in_parallel(
        _count,
        divide(flat.size, flat.size),
        flat,
        edges,
        np.float32(bins / (high - low)),
        np.float32(shift * bins * np.finfo(np.float32).eps),
        cancelled=cancelled,
    )
    return np.sum(pieces, axis=0, dtype=np.int64), edges


@numba.njit(nogil=True, cache=True)
def _count(values, edges, scale, shift, start, stop):  # type: ignore[no-untyped-def]
    # neighbouring pixels often share a bin: eight tables keep them from waiting
    counts = np.zeros((8, edges.shape[0] - 1), np.int32)
    places = np.empty(_BLOCK, np.uint32)
    low, whole = edges[0], np.float32(1)
    # below the first edge and above the last there is nothing to be mistaken about
    least = min(shift, np.float32(0.5))
    most = np.float32(edges.shape[0] - 1.5)
    for first in range(start, stop, _BLOCK):
        part = values[first : min(first + _BLOCK, stop)]
        unsure = uint32(0)
        for i in range(part.shape[0]):
            guess = min(max((part[i] - low) * scale, least), most)
            place = np.int32(guess)
            places[i] = place
            rest = guess - np.float32(place)
            unsure |= uint32(rest < shift) | uint32(rest > whole - shift)
        if unsure:
            _correct(part, edges, places)
        for i in range(part.shape[0]):
            counts[uint32(i) & uint32(7), places[i]] += 1
    return counts.sum(0)


@numba.njit(nogil=True, cache=True)
def _correct(part, edges, places):  # type: ignore[no-untyped-def]
    """Move values that rounding put into the bin beside their own."""
    one, last = uint32(1), uint32(edges.shape[0] - 2)
    for i in range(part.shape[0]):
        place = places[i]
        place += uint32(part[i] >= edges[place + one]) & uint32(place < last)
        place -= uint32(part[i] < edges[place]) & uint32(place > 0)
        places[i] = place
