"""The values of a channel, counted for its slider."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 128
"""Bars of a histogram."""


def histogram_of(
    channel: str, data: NDArray[np.float32]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Count the values of a channel for its slider.

    Parameters
    ----------
    channel : str
        Its name.
    data : ndarray
        Its values; probabilities are counted between 0 and 1, so that sliders line up,
        distances from the smallest to the largest.

    Returns
    -------
    counts, edges : ndarray
    """
    low, high = float(data.min()), float(data.max())
    if channel not in ("D", "Dv2"):
        low, high = 0.0, 1.0
    elif low == high:
        low, high = min(low, 0.0), max(high, 1.0)
    return np.histogram(data, BINS, (low, max(high, low + 1e-6)))
