"""The object nearest to every pixel."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import divide, in_parallel

_BLOCK = 16
"""Neighbouring columns handled together: one cache line."""
_FAR = np.float32(np.inf)


def nearest_object(
    labels: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the object nearest to every pixel, and the squared distance to it.

    Parameters
    ----------
    labels : ndarray of int32, shape (Z, Y, X)
        Object numbers, 0 for background.

    Returns
    -------
    nearest : ndarray of int32
        Number of the object; 0 everywhere if there is none.
    squared : ndarray of float32
        Squared distance in pixels, exact up to 2²⁴; 0 in objects.

    Notes
    -----
    One pass per axis takes the lower envelope of parabolas along every line [1]_ and
    carries the number of the object along. Of objects at the same distance the one
    that comes first along the last axis that tells them apart wins.

    References
    ----------
    .. [1] P. F. Felzenszwalb and D. P. Huttenlocher, "Distance transforms of sampled
       functions", Theory of Computing 8 (2012) 415-428,
       :doi:`10.4086/toc.2012.v008a019`

    Examples
    --------
    >>> labels = np.array([[[0, 7, 0, 0, 0, 9]]], np.int32)
    >>> found, squared = nearest_object(labels)
    >>> found.tolist(), squared.tolist()
    ([[[7, 7, 7, 7, 9, 9]]], [[[1.0, 0.0, 1.0, 4.0, 1.0, 0.0]]])
    """
    depth, height, width = labels.shape
    nearest = np.empty(labels.shape, np.int32)
    squared = np.empty(labels.shape, np.float32)
    edges = divide(depth * height, labels.size)
    rows = (depth * height, width)
    lines, names, far = (a.reshape(rows) for a in (labels, nearest, squared))
    in_parallel(_along_rows, edges, lines, names, far)
    blocks = -(-width // _BLOCK)
    for axis in (1, 0):
        if (depth, height)[axis] > 1:
            names, far = np.moveaxis(nearest, axis, 1), np.moveaxis(squared, axis, 1)
            tasks = divide(names.shape[0] * blocks, labels.size)
            in_parallel(_along_columns, tasks, names, far)
    return nearest, squared


@numba.njit(nogil=True, cache=True)
def _along_rows(labels, nearest, squared, start, stop):  # type: ignore[no-untyped-def]
    width = labels.shape[1]
    for row in range(start, stop):
        last = -1
        for x in range(width):
            if labels[row, x]:
                last = x
            nearest[row, x] = labels[row, last] if last >= 0 else 0
            distance = np.float32(x - last)
            squared[row, x] = distance * distance if last >= 0 else _FAR
        last = -1
        for x in range(width - 1, -1, -1):
            if labels[row, x]:
                last = x
            if last >= 0:
                distance = np.float32(last - x)
                if distance * distance < squared[row, x]:
                    squared[row, x] = distance * distance
                    nearest[row, x] = labels[row, last]


@numba.njit(nogil=True, cache=True)
def _along_columns(nearest, squared, start, stop):  # type: ignore[no-untyped-def]
    count, width = nearest.shape[1], nearest.shape[2]
    blocks = (width + _BLOCK - 1) // _BLOCK
    names = np.empty((_BLOCK, count), np.int32)
    heights = np.empty((_BLOCK, count), np.float32)
    sites = np.empty(count + 1, np.int64)
    begins = np.empty(count + 2, np.float64)
    for task in range(start, stop):
        outer = task // blocks
        first = (task % blocks) * _BLOCK
        size = min(_BLOCK, width - first)
        for j in range(count):
            for b in range(size):
                names[b, j] = nearest[outer, j, first + b]
                heights[b, j] = squared[outer, j, first + b]
        for b in range(size):
            top = _envelope(heights[b], sites, begins)
            if top < 0:
                continue
            k = 0
            for j in range(count):
                while begins[k + 1] < j:
                    k += 1
                site = sites[k]
                step = np.float32(j - site)
                nearest[outer, j, first + b] = names[b, site]
                squared[outer, j, first + b] = heights[b, site] + step * step


@numba.njit(nogil=True, cache=True)
def _envelope(heights, sites, begins):  # type: ignore[no-untyped-def]
    """Find which parabola is lowest from where on; return how many, less one."""
    top = -1
    for q in range(heights.shape[0]):
        height = np.float64(heights[q])
        if height == np.inf:
            continue
        start = -np.inf
        while top >= 0:
            p = sites[top]
            rise = height - np.float64(heights[p])
            start = (rise / (q - p) + (q + p)) * 0.5
            if start > begins[top]:
                break
            top -= 1
        if top < 0:
            start = -np.inf
        top += 1
        sites[top] = q
        begins[top] = start
    begins[top + 1] = np.inf
    return top
