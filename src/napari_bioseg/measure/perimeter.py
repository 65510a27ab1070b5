"""Length of the outlines of all objects of an image in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import in_parallel

from .tally import shares


def perimeters(
    labels: NDArray[np.int32], top: int, spacing: Sequence[float] = (1.0, 1.0)
) -> NDArray[np.float64]:
    """Measure the outline of every object.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        Object numbers from 0 up.
    top : int
        The largest of them.
    spacing : sequence of float
        Size of a pixel, Y and X.

    Returns
    -------
    ndarray of float64
        By object number, in the units of ``spacing``.

    Notes
    -----
    The outline runs through the middles of the object's border pixels; one pixel or a
    pair has none. A border pixel adds the length of its steps to its neighbours on the
    border [1]_, as `skimage.measure.perimeter` with 4 neighbours does; where pixels are
    square the two agree. Where they are not, a step counts with its own length, along
    Y, along X or across.

    References
    ----------
    .. [1] K. Benkrid, D. Crookes, A. Benkrid, "Design and FPGA implementation of a
       perimeter estimator", Proc. Irish Machine Vision and Image Processing Conference
       (2000) 51-57
    """
    edges = shares(labels.shape[0], labels.size)
    steps = np.sum(in_parallel(_outline, edges, labels, top), axis=0)
    along_y, along_x = spacing
    across = np.hypot(along_y, along_x)
    straight = (steps[:, 0] * along_y + steps[:, 1] * along_x) / 6
    return np.asarray(straight + steps[:, 2] * across / 2, np.float64)


@numba.njit(nogil=True, cache=True)
def _is_border(labels, y, x, label):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    return (
        y == 0
        or x == 0
        or y == height - 1
        or x == width - 1
        or labels[y - 1, x] != label
        or labels[y + 1, x] != label
        or labels[y, x - 1] != label
        or labels[y, x + 1] != label
    )


@numba.njit(nogil=True, cache=True)
def _outline(labels, top, start, stop):  # type: ignore[no-untyped-def]
    """Count steps by object: sixths along Y, sixths along X, halves across."""
    height, width = labels.shape
    steps = np.zeros((top + 1, 3), np.int64)
    for y in range(start, stop):
        for x in range(width):
            label = labels[y, x]
            if label == 0 or not _is_border(labels, y, x, label):
                continue
            up_down, sides, corners = 0, 0, 0
            for ny in range(max(y - 1, 0), min(y + 2, height)):
                for nx in range(max(x - 1, 0), min(x + 2, width)):
                    if labels[ny, nx] != label or (ny == y and nx == x):
                        continue
                    if not _is_border(labels, ny, nx, label):
                        continue
                    if nx == x:
                        up_down += 1
                    elif ny == y:
                        sides += 1
                    else:
                        corners += 1
            straight = up_down + sides
            if straight in (2, 3) and corners <= 2:
                steps[label, 0] += 6 * up_down // straight
                steps[label, 1] += 6 * sides // straight
            elif straight == 1 and corners in (1, 2):
                steps[label, 0] += 3 * up_down
                steps[label, 1] += 3 * sides
                steps[label, 2] += 1
            elif (straight == 0 and corners == 2) or (straight == 1 and corners == 3):
                steps[label, 2] += 2
    return steps
