"""Exact Euclidean distances inside labelled objects, for many objects at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .parallel import divide, in_parallel, never

_BLOCK = 16
"""Neighbouring columns handled together: one cache line of float32."""


def squared_border_distance(
    labels: NDArray[Any],
    spacing: Sequence[float] | None = None,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.float32]:
    """Return each pixel's squared distance to the nearest pixel of another label.

    Every object is measured to its own border, touching neighbours included. The edge
    of the image is no border.

    Parameters
    ----------
    labels : ndarray
        Integers or bool, 2-D or 3-D; 0 is background.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        float32, shape of ``labels``; 0 in the background and infinity in an object
        that leaves no other pixel in the image. With a spacing of 1 the values are
        whole numbers, exact up to 2²⁴.

    Notes
    -----
    One pass per axis takes the lower envelope of parabolas along every line [1]_,
    within runs of one label, so the cost is linear in the pixels and does not depend
    on the number of objects.

    References
    ----------
    .. [1] P. F. Felzenszwalb and D. P. Huttenlocher, "Distance transforms of sampled
       functions", Theory of Computing 8 (2012) 415-428,
       :doi:`10.4086/toc.2012.v008a019`

    Examples
    --------
    >>> import numpy as np
    >>> squared_border_distance(np.array([[0, 1, 1, 1, 2, 2]]))
    array([[0., 1., 4., 1., 1., 4.]], dtype=float32)
    """
    if labels.dtype == np.bool_:
        labels = labels.view(np.uint8)
    steps = (1.0,) * labels.ndim if spacing is None else tuple(spacing)
    volume = labels if labels.ndim == 3 else labels[np.newaxis]
    out = np.empty(volume.shape, np.float32)
    depth, height, width = volume.shape
    rows = (depth * height, width)
    blocks = -(-width // _BLOCK)
    passes = [
        (_along_rows, rows[0], volume.reshape(rows), out.reshape(rows), steps[-1]),
        (_along_columns, depth * blocks, volume, out, steps[-2]),
    ]
    if labels.ndim == 3:
        turned = (volume.transpose(1, 0, 2), out.transpose(1, 0, 2))
        passes.append((_along_columns, height * blocks, *turned, steps[0]))
    for kernel, tasks, objects, values, step in passes:
        edges = divide(tasks, volume.size)
        in_parallel(kernel, edges, objects, values, step**2, cancelled=cancelled)
    return out.reshape(labels.shape)


def border_distance(
    labels: NDArray[Any], spacing: Sequence[float] | None = None
) -> NDArray[np.float32]:
    """Return each pixel's distance to the nearest pixel of another label.

    As `squared_border_distance`, in the units of ``spacing``. An object that fills
    the whole image has no border in it; it is measured to the image's edge.

    Parameters
    ----------
    labels : ndarray
        Integers or bool, 2-D or 3-D; 0 is background.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.

    Returns
    -------
    ndarray
        float32, shape of ``labels``.

    Examples
    --------
    >>> import numpy as np
    >>> border_distance(np.array([[0, 0, 3, 3, 3, 0]]), spacing=(1, 2))
    array([[0., 0., 2., 4., 2., 0.]], dtype=float32)
    """
    squared = finite_squared_border_distance(labels, spacing)
    return np.sqrt(squared, out=squared)


def finite_squared_border_distance(
    labels: NDArray[Any], spacing: Sequence[float] | None = None
) -> NDArray[np.float32]:
    """Return squared distances, measured to the edge where no border is in sight.

    Parameters
    ----------
    labels : ndarray
        Integers or bool, 2-D or 3-D; 0 is background.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.

    Returns
    -------
    ndarray
        float32, shape of ``labels``.
    """
    squared = squared_border_distance(labels, spacing)
    if labels.size and np.isinf(squared.flat[0]):
        # one object fills the image: a frame of background around it is its border
        framed = squared_border_distance(np.pad(labels, 1), spacing)
        squared = framed[(slice(1, -1),) * labels.ndim]
    return squared


@numba.njit(nogil=True, cache=True)
def _along_rows(labels, squared, weight, start, stop):  # type: ignore[no-untyped-def]
    width = labels.shape[1]
    for row in range(start, stop):
        left = 0
        while left < width:
            label = labels[row, left]
            right = left + 1
            while right < width and labels[row, right] == label:
                right += 1
            for x in range(left, right):
                nearest: Any = np.inf
                if left > 0:
                    nearest = float(x - left + 1)
                if right < width and right - x < nearest:
                    nearest = float(right - x)
                if label == 0:
                    nearest = 0.0
                squared[row, x] = nearest * nearest * weight
            left = right


@numba.njit(nogil=True, cache=True)
def _along_columns(labels, squared, weight, start, stop):  # type: ignore[no-untyped-def]
    count = labels.shape[1]
    width = labels.shape[2]
    blocks = (width + _BLOCK - 1) // _BLOCK
    column = np.empty((_BLOCK, count), labels.dtype)
    values = np.empty((_BLOCK, count), np.float32)
    site = np.empty(count + 2, np.int64)
    level = np.empty(count + 2, np.float64)
    begin = np.empty(count + 3, np.float64)
    for task in range(start, stop):
        outer = task // blocks
        first = (task % blocks) * _BLOCK
        size = min(_BLOCK, width - first)
        occupied = False
        for j in range(count):
            for b in range(size):
                label = labels[outer, j, first + b]
                column[b, j] = label
                values[b, j] = squared[outer, j, first + b]
                occupied = occupied or label != 0
        if not occupied:
            continue
        for b in range(size):
            _segments(column[b], values[b], weight, site, level, begin)
        for j in range(count):
            for b in range(size):
                squared[outer, j, first + b] = values[b, j]


@numba.njit(nogil=True, cache=True)
def _segments(column, values, weight, site, level, begin):  # type: ignore[no-untyped-def]
    """Replace values by their lower envelope within each run of one label."""
    count = column.shape[0]
    left = 0
    while left < count:
        label = column[left]
        right = left + 1
        while right < count and column[right] == label:
            right += 1
        if label != 0:
            _envelope(values, left, right, count, weight, site, level, begin)
        left = right


@numba.njit(nogil=True, cache=True)
def _envelope(values, left, right, count, weight, site, level, begin):  # type: ignore[no-untyped-def]
    """Lower envelope over one run; the pixels beside it lie at height 0."""
    top = -1
    for q in range(max(left - 1, 0), min(right + 1, count)):
        height = np.float64(values[q]) if left <= q < right else 0.0
        if height == np.inf:
            continue
        start = -np.inf
        while top >= 0:
            p = site[top]
            # where the parabola over q falls below the one over p
            start = (
                (height - level[top]) / (weight * (q - p)) + np.float64(q + p)
            ) * 0.5
            if start > begin[top]:
                break
            top -= 1
        if top < 0:
            start = -np.inf
        top += 1
        site[top] = q
        level[top] = height
        begin[top] = start
    if top < 0:
        return
    begin[top + 1] = np.inf
    k = 0
    for i in range(left, right):
        while begin[k + 1] < i:
            k += 1
        step = np.float64(i - site[k])
        values[i] = weight * step * step + level[k]
