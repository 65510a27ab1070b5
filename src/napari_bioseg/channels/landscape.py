"""What the watershed floods: a smoothed channel in 65,536 levels."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from .parallel import divide, in_parallel, never

LEVELS = 65_536
_ROWS = 32
"""Rows smoothed together, so that what is between two passes stays in the cache."""


def channel_levels(
    channel: NDArray[np.float32],
    bounds: tuple[float, float],
    smoothing: float,
    *,
    falling: bool,
    by_slice: bool = False,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.uint16]:
    """Smooth a channel and divide its range into levels.

    Parameters
    ----------
    channel : ndarray
        Shape ``(Z, Y, X)``, float32.
    bounds : tuple of float
        The range to divide; it must hold all values. The whole channel's range, so
        that the levels of a part do not depend on where it was cut.
    smoothing : float
        Standard deviation of the Gaussian in pixels, cut off at one standard
        deviation; 0 for none. Equal to `scipy.ndimage.gaussian_filter` with
        ``truncate=1``.
    falling : bool
        Whether the largest value gets level 0.
    by_slice : bool
        Leave the z axis alone.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        uint16, same shape.

    Examples
    --------
    >>> import numpy as np
    >>> channel = np.array([[[0.0, 0.5, 1.0]]], dtype="float32")
    >>> channel_levels(channel, (0, 1), 0, falling=True)
    array([[[65535, 32767,     0]]], dtype=uint16)
    """
    weights = _gaussian(smoothing)
    low, high = bounds
    scale = (LEVELS - 1) / (high - low) if high > low else 0.0
    out = np.empty(channel.shape, np.uint16)
    depth, height, _ = channel.shape
    slabs = -(-height // _ROWS)
    # an axis of one pixel is no axis: smoothing along it would change nothing
    planes = weights if depth > 1 and not by_slice else _gaussian(0)
    in_parallel(
        _smooth_and_divide,
        divide(depth * slabs, channel.size),
        channel,
        planes,
        weights,
        (high, -scale) if falling else (low, scale),
        out,
        cancelled=cancelled,
    )
    return out


def _gaussian(smoothing: float) -> NDArray[np.float64]:
    """Return the weights of a Gaussian from its middle outwards."""
    radius = int(smoothing + 0.5)
    if radius == 0:
        return np.ones(1)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (smoothing * smoothing) * offsets**2)
    return np.ascontiguousarray((weights / weights.sum())[radius:])


@numba.njit(nogil=True, cache=True)
def _reflect(i, size):  # type: ignore[no-untyped-def]
    """Mirror an index into a line: d c b a | a b c d | d c b a."""
    i %= 2 * size
    return i if i < size else 2 * size - 1 - i


@numba.njit(nogil=True, cache=True)
def _smooth_and_divide(  # type: ignore[no-untyped-def]
    channel, planes, weights, line, out, start, stop
):
    depth, height, width = channel.shape
    slabs = (height + _ROWS - 1) // _ROWS
    radius = weights.shape[0] - 1
    reach_z = planes.shape[0] - 1
    before = np.empty((_ROWS + 2 * radius, width), np.float32)
    row = np.empty(width + 2 * radius, np.float32)
    total = np.empty(width, np.float64)
    for task in range(start, stop):
        z = task // slabs
        top = (task % slabs) * _ROWS
        bottom = min(top + _ROWS, height)
        for j in range(bottom - top + 2 * radius):
            y = _reflect(top + j - radius, height)
            for x in range(width):
                total[x] = channel[z, y, x] * planes[0]
            for k in range(reach_z, 0, -1):
                above = channel[_reflect(z - k, depth), y]
                below = channel[_reflect(z + k, depth), y]
                weight = planes[k]
                for x in range(width):
                    total[x] += (np.float64(above[x]) + below[x]) * weight
            for x in range(width):
                before[j, x] = total[x]
        for y in range(top, bottom):
            j = y - top + radius
            for x in range(width):
                total[x] = before[j, x] * weights[0]
            for k in range(radius, 0, -1):
                above = before[j - k]
                below = before[j + k]
                weight = weights[k]
                for x in range(width):
                    total[x] += (np.float64(above[x]) + below[x]) * weight
            for x in range(width):
                row[x + radius] = total[x]
            for k in range(radius):
                row[k] = row[radius + _reflect(k - radius, width)]
                row[radius + width + k] = row[radius + _reflect(width + k, width)]
            for x in range(width):
                total[x] = row[x + radius] * weights[0]
            for k in range(radius, 0, -1):
                weight = weights[k]
                for x in range(width):
                    total[x] += (
                        np.float64(row[x + radius - k]) + row[x + radius + k]
                    ) * weight
            zero, scale = line
            for x in range(width):
                # rounded as the smoothed channel would be if it were kept
                level = (np.float64(np.float32(total[x])) - zero) * scale
                out[z, y, x] = np.uint16(min(max(level, 0.0), LEVELS - 1.0))
