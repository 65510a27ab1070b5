"""Histograms of channels, counted on every core."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numba import uint32
from numpy.typing import NDArray

from .parallel import divide, in_parallel, never

_BLOCK = 1024
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
    flat = values.reshape(-1)
    pieces = in_parallel(
        _count,
        divide(flat.size, flat.size),
        flat,
        edges,
        np.float32(bins / (high - low)),
        cancelled=cancelled,
    )
    return np.sum(pieces, axis=0, dtype=np.int64), edges


@numba.njit(nogil=True, cache=True)
def _count(values, edges, scale, start, stop):  # type: ignore[no-untyped-def]
    last = np.float32(edges.shape[0] - 2)
    # neighbouring pixels often share a bin: eight tables keep them from waiting
    counts = np.zeros((8, edges.shape[0] - 1), np.int32)
    places = np.empty(_BLOCK, np.uint32)
    low = edges[0]
    for first in range(start, stop, _BLOCK):
        part = values[first : min(first + _BLOCK, stop)]
        for i in range(part.shape[0]):
            value = part[i]
            guess = min(max((value - low) * scale, np.float32(0)), last)
            place = uint32(guess)
            # rounding may have put a value at an edge into the bin beside its own
            place += uint32(value >= edges[place + uint32(1)] and guess < last)
            place -= uint32(value < edges[place] and place > 0)
            places[i] = place
        for i in range(part.shape[0]):
            counts[uint32(i) & uint32(7), places[i]] += 1
    return counts.sum(0)
