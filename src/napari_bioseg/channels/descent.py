"""Pixels of a watershed that need no queue: their way down to a seed is plain.

Flooding reaches a pixel p at a level e(p), its own height h(p) or more, and through the
neighbour whose turn comes first. Whose turn comes first is decided by (e, 0, place) for
a seed and else by (e, 1, turn of the pixel it was reached from, which neighbour of that
it is), smallest first; `spread` keeps this order by queueing.

**Plain ways.** Let every pixel that has exactly one lowest neighbour, and a lower one
than itself, point to it. If these steps lead from p to a seed, p gets the label of that
seed, at level h(p). By induction from the seed up: q, the pixel p points to, has its
turn at e(q) = h(q). All other neighbours n of p have theirs at e(n) >= h(n) > h(q), so
p is reached from q, at max(h(p), h(q)) = h(p).

**The rest** is flooded, but not by itself: it must be reached in the right order. So it
is flooded together with the plain pixels that may reach it: of the plain neighbours of
a pixel the lowest, as the others have their turns later, and all pixels on the ways
down from these. In this part of the image every pixel that the full flood reaches has
the whole chain of pixels through which it is reached there. Leaving others out makes
no turn earlier, and by induction along these chains none later: all turns, and so all
labels, are those of the full flood. Pieces of the part that do not touch each other are
flooded side by side.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numba import uint64
from numpy.typing import NDArray

from .connected import Components
from .landscape import LEVELS
from .parallel import divide, in_parallel

_NO_WAY = np.uint16(255)  # all bits of a uint8
_OUTSIDE = np.uint16(LEVELS - 1)
"""Stands for pixels outside of the mask: the top level, lower than none."""
_UNKNOWN = -1
"""The label of pixels whose way down is not plain."""
_TOO_MANY = 0.5
"""If more than this part of the pixels has no plain way, others are not told apart."""
_PROBE = 61
"""One run in so many is looked at to estimate that part."""


def ways_down(
    landscape: NDArray[np.uint16],
    areas: Components,
    offsets: NDArray[np.int64],
    cancelled: Callable[[], bool],
) -> NDArray[np.uint8]:
    """Point from each pixel of a mask to its only lowest neighbour, if that is lower.

    Parameters
    ----------
    landscape : ndarray
        uint16, ``(Z, Y, X)``, C-contiguous.
    areas : Components
        Components of the mask, found with the same connectivity.
    offsets : ndarray
        Steps to a pixel's neighbours, in the order in which it reaches them.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        uint8, ``(Z, Y, X)``: which of the steps leads there. It does not depend on
        seeds, and has no meaning outside of the mask.
    """
    ways = np.empty(landscape.shape, np.uint8)
    runs = (areas.row_start, areas.start, areas.stop)
    edges = divide(areas.row_start.size - 1, landscape.size)
    in_parallel(_point_down, edges, landscape, runs, offsets, ways, cancelled=cancelled)
    return ways


def descend(
    ways: NDArray[np.uint8],
    landscape: NDArray[np.uint16],
    seeds: NDArray[np.int32],
    areas: Components,
    wanted: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    labels: NDArray[np.int32],
    cancelled: Callable[[], bool],
) -> NDArray[np.bool_]:
    """Label all pixels whose way down to a seed is plain.

    Parameters
    ----------
    ways : ndarray
        uint8, ``(Z, Y, X)``, as `ways_down` finds them.
    landscape, seeds : ndarray
        uint16 and int32, ``(Z, Y, X)``, C-contiguous.
    areas : Components
        Components of the mask, found with the same connectivity.
    wanted : ndarray
        bool, by component: which to look at.
    offsets : ndarray
        Steps to a pixel's neighbours, in the order in which it reaches them.
    labels : ndarray
        int32, ``(Z, Y, X)``; 0 in the components looked at. There seeds and plain
        pixels get their labels.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        bool, ``(Z, Y, X)``: where the components have to be flooded. None of it is a
        seed; labels are not final there.
    """
    shape = np.array(labels.shape)
    steps = (offsets[:, 0] * shape[1] + offsets[:, 1]) * shape[2] + offsets[:, 2]
    runs = (areas.row_start, areas.start, areas.stop, wanted[areas.component])
    flooded = np.zeros(labels.shape, np.bool_)
    edges = divide(int(shape[0] * shape[1]), labels.size)
    lines = (seeds.reshape(-1, shape[2]), labels.reshape(-1, shape[2]))
    in_parallel(_place, edges, *lines, runs, cancelled=cancelled)
    flat = (ways.reshape(-1), labels.reshape(-1), flooded.reshape(-1))
    if _share_without(flat, runs, shape[2], steps) > _TOO_MANY:
        in_parallel(_mark_all, edges, flat, runs, shape[2], cancelled=cancelled)
        return flooded
    in_parallel(_follow, edges, flat, runs, shape[2], steps, cancelled=cancelled)
    full = (landscape.reshape(-1), seeds.reshape(-1), *flat)
    in_parallel(_collect, edges, full, runs, shape, offsets, steps, cancelled=cancelled)
    return flooded


@numba.njit(nogil=True, cache=True)
def _load(landscape, runs, z, y, line):  # type: ignore[no-untyped-def]
    """Write the heights of a row, framed, and outside of the mask `_OUTSIDE`."""
    row_start, begin, end = runs
    depth, height, _ = landscape.shape
    line[:] = _OUTSIDE
    if 0 <= z < depth and 0 <= y < height:
        heights = landscape[z, y]
        for run in range(row_start[z * height + y], row_start[z * height + y + 1]):
            line[begin[run] + 1 : end[run] + 1] = heights[begin[run] : end[run]]


@numba.njit(nogil=True, cache=True)
def _point_down(landscape, runs, offsets, ways, start, stop):  # type: ignore[no-untyped-def]
    row_start = runs[0]
    _, height, width = landscape.shape
    lines = np.empty((3, 3, width + 2), np.uint16)  # around the row, y by turns
    lowest, way = np.empty(width, np.uint16), np.empty(width, np.uint16)
    reach = np.abs(offsets[:, 0]).max()
    last = -1
    for row in range(start, stop):
        if row_start[row] == row_start[row + 1]:
            continue
        z, y = row // height, row % height
        fresh = y + 1 if row == last + 1 and y > 0 else y - 1
        for dz in range(-reach, reach + 1):
            for beside in range(fresh, y + 2):
                _load(landscape, runs, z + dz, beside, lines[dz + 1, (beside + 3) % 3])
        last = row
        lowest[:] = _OUTSIDE
        way[:] = _NO_WAY
        for i in range(offsets.shape[0]):
            line = lines[offsets[i, 0] + 1, (y + offsets[i, 1] + 3) % 3]
            near = line[offsets[i, 2] + 1 : offsets[i, 2] + 1 + width]
            _lower(near, lowest, way, np.uint16(i))
        _allow(lowest, lines[1, y % 3][1 : width + 1], way, ways[z, y])


@numba.njit(nogil=True, cache=True)
def _lower(near, lowest, way, number):  # type: ignore[no-untyped-def]
    """Take one neighbour of a row's pixels into account.

    Bit masks instead of branches: compiled for many pixels at once, 19 times as fast.
    """
    for x in range(lowest.shape[0]):
        value, least = near[x], lowest[x]
        lower = np.uint16(0) - np.uint16(value < least)
        same = np.uint16(0) - np.uint16(value == least)
        way[x] = ((way[x] | same) & ~lower) | (number & lower)
        lowest[x] = value if value < least else least


@numba.njit(nogil=True, cache=True)
def _allow(lowest, own, way, target):  # type: ignore[no-untyped-def]
    """Write the ways of a row, as far as they lead down."""
    for x in range(lowest.shape[0]):
        blocked = np.uint16(0) - np.uint16(lowest[x] >= own[x])
        target[x] = np.uint8(way[x] | blocked)


@numba.njit(nogil=True, cache=True)
def _place(seeds, labels, runs, start, stop):  # type: ignore[no-untyped-def]
    """Copy the seeds of the components looked at."""
    row_start, begin, end, wanted = runs
    for row in range(start, stop):
        for run in range(row_start[row], row_start[row + 1]):
            if wanted[run]:
                labels[row, begin[run] : end[run]] = seeds[row, begin[run] : end[run]]


@numba.njit(nogil=True, cache=True)
def _share_without(flat, runs, width, steps):  # type: ignore[no-untyped-def]
    """Estimate which part of the pixels has no plain way."""
    ways, labels, _ = flat
    row_start, begin, end, wanted = runs
    without = total = 0
    for row in range(row_start.shape[0] - 1):
        first = row_start[row] + (-row_start[row]) % _PROBE
        for run in range(first, row_start[row + 1], _PROBE):
            if not wanted[run]:
                continue
            for place in range(row * width + begin[run], row * width + end[run]):
                if labels[place] == 0:
                    total += 1
                    while labels[place] == 0 and ways[place] != _NO_WAY:
                        place += steps[ways[place]]
                    without += labels[place] == 0
    return without / max(total, 1)


@numba.njit(nogil=True, cache=True)
def _mark_all(flat, runs, width, start, stop):  # type: ignore[no-untyped-def]
    """Mark all pixels that are not seeds."""
    _, labels, flooded = flat
    row_start, begin, end, wanted = runs
    for row in range(start, stop):
        for run in range(row_start[row], row_start[row + 1]):
            if wanted[run]:
                for place in range(row * width + begin[run], row * width + end[run]):
                    flooded[place] = labels[place] == 0


@numba.njit(nogil=True, cache=True)
def _follow(flat, runs, width, steps, start, stop):  # type: ignore[no-untyped-def]
    """Hand labels up the plain ways; pixels on others are `_UNKNOWN`.

    Pieces may meet on a way: both write the same.
    """
    ways, labels, _ = flat
    row_start, begin, end, wanted = runs
    for row in range(start, stop):
        for run in range(row_start[row], row_start[row + 1]):
            if not wanted[run]:
                continue
            for x in range(begin[run], end[run]):
                # unsigned, as an index that may count from the end costs more
                first = uint64(row * width + x)
                label, place = labels[first], first
                while label == 0:
                    if ways[place] == _NO_WAY:
                        label = np.int32(_UNKNOWN)
                    else:
                        place += uint64(steps[ways[place]])
                        label = labels[place]
                place = first
                while labels[place] == 0:
                    labels[place] = label
                    if ways[place] != _NO_WAY:
                        place += uint64(steps[ways[place]])


@numba.njit(nogil=True, cache=True)
def _collect(flat, runs, shape, offsets, steps, start, stop):  # type: ignore[no-untyped-def]
    """Mark the pixels that are not plain, and the plain ones that may reach them."""
    heights, seeds, ways, labels, flooded = flat
    row_start, begin, end, wanted = runs
    near = np.empty(steps.shape[0], np.uint64)  # the lowest plain neighbours
    for row in range(start, stop):
        z, y = row // shape[1], row % shape[1]
        inner = 0 < y < shape[1] - 1 and (shape[0] == 1 or 0 < z < shape[0] - 1)
        for run in range(row_start[row], row_start[row + 1]):
            if not wanted[run]:
                continue
            for x in range(begin[run], end[run]):
                place = uint64(row * shape[2] + x)
                if labels[place] > 0:
                    continue
                flooded[place] = True
                lowest, count = np.int32(LEVELS), 0
                deep = inner and 0 < x < shape[2] - 1
                for i in range(steps.shape[0]):
                    if deep or _inside(z, y, x, offsets[i], shape):
                        other = place + uint64(steps[i])
                        if labels[other] > 0:
                            level = np.int32(heights[other])
                            if level < lowest:
                                lowest, count = level, 0
                            if level == lowest:
                                near[count] = other
                                count += 1
                for i in range(count):
                    other = near[i]
                    while seeds[other] == 0 and not flooded[other]:
                        flooded[other] = True
                        other += uint64(steps[ways[other]])


@numba.njit(nogil=True, cache=True)
def _inside(z, y, x, offset, shape):  # type: ignore[no-untyped-def]
    z, y, x = z + offset[0], y + offset[1], x + offset[2]
    return 0 <= z < shape[0] and 0 <= y < shape[1] and 0 <= x < shape[2]
