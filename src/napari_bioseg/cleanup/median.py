"""Medians over small windows of volumes."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import divide, in_parallel


def median(
    channel: NDArray[np.float32], window: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the median around every voxel.

    Parameters
    ----------
    channel : ndarray of float32, shape (Z, Y, X)
        Values.
    window : tuple of int
        Voxels along Z and along Y, odd.

    Returns
    -------
    ndarray of float32
        Same shape. The volume is continued by its mirror image beyond its faces, as
        `scipy.ndimage.median_filter` does.
    """
    depth, height, _ = channel.shape
    out = np.empty_like(channel)
    steps = [
        (z, y)
        for z in range(-(window[0] // 2), window[0] // 2 + 1)
        for y in range(-(window[1] // 2), window[1] // 2 + 1)
    ]
    edges = divide(depth * height, channel.size)
    in_parallel(_median, edges, channel, np.array(steps, np.int64), out)
    return out


@numba.njit(nogil=True, cache=True)
def _inside(place, count):  # type: ignore[no-untyped-def]
    """Mirror a place into 0…count-1, the outermost twice: d c b a | a b c d."""
    place = place % (2 * count)
    return 2 * count - 1 - place if place >= count else place


@numba.njit(nogil=True, cache=True)
def _median(channel, steps, out, start, stop):  # type: ignore[no-untyped-def]
    depth, height, width = channel.shape
    count = steps.shape[0]
    lines = np.empty((count, width), np.float32)
    for row in range(start, stop):
        z, y = row // height, row % height
        for i in range(count):
            nz, ny = _inside(z + steps[i, 0], depth), _inside(y + steps[i, 1], height)
            lines[i] = channel[nz, ny]
        # sort all columns at once: compare and exchange whole lines, which the
        # processor does for many values in one step
        for done in range(count // 2 + 1):
            for i in range(count - 1, done, -1):
                for x in range(width):
                    low = min(lines[i - 1, x], lines[i, x])
                    lines[i, x] = max(lines[i - 1, x], lines[i, x])
                    lines[i - 1, x] = low
        out[z, y] = lines[count // 2]
