"""The compiled part of giving pixels their classes."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def decide(data, thresholds, likelier, labels, start, stop):  # type: ignore[no-untyped-def]
    """Write the classes of the pixels from ``start`` up to ``stop``.

    Parameters
    ----------
    data : ndarray
        Float32, ``(C, pixels)``; the first channel is class 0, unless it is the only.
    thresholds : ndarray
        Float32, one for each class from 1 on.
    likelier : ndarray
        Bool, for each of these: whether it must be above class 0 instead.
    labels : ndarray
        Int32, one a pixel, written to.
    start, stop : int
        Which pixels.
    """
    first = data.shape[0] - thresholds.size  # 1 where class 0 has a channel
    for pixel in range(start, stop):
        best = np.float32(0.0)
        winner = 0
        for index in range(thresholds.size):
            value = data[first + index, pixel]
            limit = data[0, pixel] if likelier[index] else thresholds[index]
            if value > limit and (winner == 0 or value > best):
                best = value
                winner = index + 1
        labels[pixel] = winner
