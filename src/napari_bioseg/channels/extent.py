"""Smallest and largest value of a channel, looked for on every core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .parallel import divide, in_parallel


def extent(values: NDArray[np.generic]) -> tuple[float, float]:
    """Return the smallest and the largest value.

    Parameters
    ----------
    values : ndarray
        Any shape, not empty, C-contiguous if large.

    Returns
    -------
    low, high : float
        NaN if any value is.
    """
    flat = values.reshape(-1)

    def part(start: int, stop: int) -> tuple[float, float]:
        return float(flat[start:stop].min()), float(flat[start:stop].max())

    parts = np.array(in_parallel(part, divide(flat.size, flat.size)))
    return float(parts[:, 0].min()), float(parts[:, 1].max())
