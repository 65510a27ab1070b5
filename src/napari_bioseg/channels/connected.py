"""Connected components of masks, kept as runs of pixels along x."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from .parallel import check, divide, in_parallel, never

_SLAB = 1 << 20
"""Pixels of a slab: where slabs meet, their runs are joined on one core."""


@dataclass(frozen=True, eq=False)
class Components:
    """Connected components of a mask.

    Attributes
    ----------
    shape : tuple of int
        ``(Z, Y, X)`` of the mask.
    row_start : ndarray
        int64; the runs of row ``z * Y + y`` are ``row_start[row]`` to
        ``row_start[row + 1] - 1``.
    row, start, stop : ndarray
        int32; row, first pixel, and pixel after the last, of each run.
    component : ndarray
        int32; number of the component of each run, from 1 in scan order.
    count : int
        Number of components.
    """

    shape: tuple[int, int, int]
    row_start: NDArray[np.int64]
    row: NDArray[np.int32]
    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    component: NDArray[np.int32]
    count: int

    @cached_property
    def groups(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Runs sorted by component, and where each component begins among them.

        The runs of component ``k + 1`` are ``order[first[k]:first[k + 1]]``, in scan
        order.
        """
        first = np.zeros(self.count + 1, np.int64)
        order = np.empty(self.component.size, np.int32)
        _sort_runs(self.component, first, order)
        return order, first

    def sizes(self) -> NDArray[np.int64]:
        """Return the pixels of each component; entry 0 is 0.

        Returns
        -------
        ndarray
            int64, indexed by component.
        """
        pixels = (self.stop - self.start).astype(np.float64)
        sizes = np.bincount(self.component, pixels, self.count + 1)
        return sizes.astype(np.int64)


def components(
    mask: NDArray[np.bool_],
    connectivity: int = 1,
    *,
    by_slice: bool = False,
    cancelled: Callable[[], bool] = never,
) -> Components:
    """Find the connected components of a mask.

    Parameters
    ----------
    mask : ndarray
        bool, ``(Z, Y, X)``, C-contiguous.
    connectivity : int
        1 joins pixels that share a side, 2 an edge, 3 a corner.
    by_slice : bool
        Whether z slices stay apart.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    Components
        Numbered in scan order of their first pixels, as `scipy.ndimage.label` does.

    References
    ----------
    .. [1] L. He, Y. Chao and K. Suzuki, "A run-based two-scan labeling algorithm", IEEE
       Trans. Image Processing 17 (2008) 749-756, :doi:`10.1109/TIP.2008.919369`

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[[1, 1, 0, 1], [0, 0, 1, 0]]], dtype=bool)
    >>> components(mask).count, components(mask, connectivity=2).count
    (3, 1)
    """
    depth, height, width = mask.shape
    rows = depth * height
    lines = mask.reshape(rows, width)
    edges = divide(rows, mask.size, _SLAB)
    row_start = np.zeros(rows + 1, np.int64)
    in_parallel(_count_runs, edges, lines, row_start, cancelled=cancelled)
    np.cumsum(row_start, out=row_start)
    total = int(row_start[-1])
    row, start, stop = (np.empty(total, np.int32) for _ in range(3))
    runs = (row_start, row, start, stop)
    in_parallel(_fill_runs, edges, lines, *runs, cancelled=cancelled)
    parent = np.arange(total, dtype=np.int32)
    joined = (row_start, start, stop, parent, height, connectivity, by_slice)
    in_parallel(_join_slab, edges, *joined, cancelled=cancelled)
    for first, last in itertools.pairwise(edges[1:]):
        check(cancelled)
        _join_slabs(*joined, first, min(last, first + height + 1))
    count = _number(parent)
    return Components((depth, height, width), *runs, parent, count)


@numba.njit(nogil=True, cache=True)
def _count_runs(lines, row_start, start, stop):  # type: ignore[no-untyped-def]
    for row in range(start, stop):
        line = lines[row]
        count = np.int64(line[0]) if line.shape[0] else 0
        for x in range(1, line.shape[0]):
            count += line[x] & ~line[x - 1]
        row_start[row + 1] = count


@numba.njit(nogil=True, cache=True)
def _fill_runs(lines, row_start, rows, begin, end, start, stop):  # type: ignore[no-untyped-def]
    width = lines.shape[1]
    for row in range(start, stop):
        line = lines[row]
        x = 0
        for run in range(row_start[row], row_start[row + 1]):
            while not line[x]:
                x += 1
            rows[run] = row
            begin[run] = x
            while x < width and line[x]:
                x += 1
            end[run] = x


@numba.njit(nogil=True, cache=True)
def _root(parent, run):  # type: ignore[no-untyped-def]
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@numba.njit(nogil=True, cache=True)
def _join_rows(row_start, begin, end, parent, row, other, reach):  # type: ignore[no-untyped-def]
    """Join runs of two rows that touch; ``reach`` 1 lets corners touch."""
    a, a_end = row_start[row], row_start[row + 1]
    b, b_end = row_start[other], row_start[other + 1]
    while a < a_end and b < b_end:
        if begin[a] < end[b] + reach and begin[b] < end[a] + reach:
            first, second = _root(parent, a), _root(parent, b)
            # the smaller root wins, so a root is its component's first run
            if first < second:
                parent[second] = first
            else:
                parent[first] = second
        if end[a] < end[b]:
            a += 1
        else:
            b += 1


@numba.njit(nogil=True, cache=True)
def _join_before(  # type: ignore[no-untyped-def]
    row_start, begin, end, parent, height, connectivity, by_slice, row, low, high
):
    """Join a row with the rows before it that lie in ``low`` to ``high - 1``."""
    y = row % height
    if y > 0 and low <= row - 1 < high:
        reach = 1 if connectivity > 1 else 0
        _join_rows(row_start, begin, end, parent, row, row - 1, reach)
    if by_slice:
        return
    for dy in range(-1, 2):
        other = row - height + dy
        if other < low or other >= high or not 0 <= y + dy < height:
            continue
        free = connectivity - 1 - abs(dy)
        if free >= 0:
            _join_rows(row_start, begin, end, parent, row, other, min(free, 1))


@numba.njit(nogil=True, cache=True)
def _join_slab(  # type: ignore[no-untyped-def]
    row_start, begin, end, parent, height, connectivity, by_slice, start, stop
):
    for row in range(start, stop):
        _join_before(
            row_start,
            begin,
            end,
            parent,
            height,
            connectivity,
            by_slice,
            row,
            start,
            stop,
        )


@numba.njit(nogil=True, cache=True)
def _join_slabs(  # type: ignore[no-untyped-def]
    row_start, begin, end, parent, height, connectivity, by_slice, start, stop
):
    """Join the first rows of a slab with the rows of the slabs before."""
    for row in range(start, stop):
        _join_before(
            row_start,
            begin,
            end,
            parent,
            height,
            connectivity,
            by_slice,
            row,
            0,
            start,
        )


@numba.njit(nogil=True, cache=True)
def _number(parent):  # type: ignore[no-untyped-def]
    """Replace parents by component numbers; a parent never comes after its run."""
    count = 0
    for run in range(parent.shape[0]):
        if parent[run] == run:
            count += 1
            parent[run] = count
        else:
            parent[run] = parent[parent[run]]
    return count


@numba.njit(nogil=True, cache=True)
def _sort_runs(component, first, order):  # type: ignore[no-untyped-def]
    for run in range(component.shape[0]):
        first[component[run]] += 1
    for k in range(1, first.shape[0]):
        first[k] += first[k - 1]
    place = first.copy()
    for run in range(component.shape[0]):
        k = component[run] - 1
        order[place[k]] = run
        place[k] += 1
