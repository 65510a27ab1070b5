"""Keep what the last flood found where nothing changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from .connected import Components
from .parallel import divide, in_parallel, never


@dataclass(frozen=True, eq=False)
class Flooded:
    """A finished flood.

    Attributes
    ----------
    landscape : object
        What was flooded, and how; floods are comparable only if this is equal.
    areas : Components
        Components of the mask.
    seeds, labels : ndarray
        int32, ``(Z, Y, X)``.
    count : int
        Number of seeds.
    """

    landscape: object
    areas: Components
    seeds: NDArray[np.int32]
    labels: NDArray[np.int32]
    count: int


def carry_over(
    old: Flooded,
    areas: Components,
    seeds: NDArray[np.int32],
    count: int,
    labels: NDArray[np.int32],
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.bool_]:
    """Copy the labels of components whose pixels and seeds are as before.

    Parameters
    ----------
    old : Flooded
        The last flood, over the same landscape with the same connectivity.
    areas : Components
        Components to be flooded now.
    seeds : ndarray
        int32, ``(Z, Y, X)``: seeds to be flooded now.
    count : int
        Number of these seeds.
    labels : ndarray
        int32, ``(Z, Y, X)``: written to, with the new numbers of the seeds.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        bool, by component: which were copied. The labels of others are not touched.
    """
    finished = np.zeros(areas.count + 1, np.bool_)
    if areas.count == 0 or old.areas.count == 0:
        return finished
    now = (areas.row, areas.start, areas.stop, *areas.groups)
    same = np.ones(areas.count, np.bool_)
    edges = divide(areas.count, seeds.size)
    given_up = np.zeros(1, np.uint8)

    def stop() -> None:
        given_up[0] = 1

    if old.areas is not areas:
        before = old.areas
        runs = (before.row_start, before.start, before.stop, before.component)
        earlier = (*runs, *before.groups)
        in_parallel(_compare, edges, now, earlier, same, cancelled=cancelled)
    in_parallel(
        _copy,
        edges,
        now,
        same,
        (old.seeds, old.labels, old.count),
        (seeds, labels, count),
        finished,
        given_up,
        cancelled=cancelled,
        on_cancel=stop,
    )
    return finished


@numba.njit(nogil=True, cache=True)
def _compare(now, earlier, same, start, stop):  # type: ignore[no-untyped-def]
    """Mark components that consist of exactly the runs of one component before."""
    row, begin, end, order, first = now
    row_start, old_begin, old_end, component, old_order, old_first = earlier
    for k in range(start, stop):
        run = order[first[k]]
        other = -1
        for i in range(row_start[row[run]], row_start[row[run] + 1]):
            if old_begin[i] == begin[run]:
                other = component[i] - 1
                break
        count = first[k + 1] - first[k]
        alike = other >= 0 and old_first[other + 1] - old_first[other] == count
        i = 0
        while alike and i < count:
            a, b = order[first[k] + i], old_order[old_first[other] + i]
            in_row = row_start[row[a]] <= b < row_start[row[a] + 1]
            alike = in_row and begin[a] == old_begin[b] and end[a] == old_end[b]
            i += 1
        same[k] = alike


@numba.njit(nogil=True, cache=True)
def _copy(now, same, old, new, finished, given_up, start, stop):  # type: ignore[no-untyped-def]
    row, begin, end, order, first = now
    old_seeds, old_labels, old_count = old
    seeds, labels, count = new
    height = seeds.shape[1]
    # a seed may reach several components from outside the mask, so the numbers must
    # agree in all of a piece; where they do not, flooding again is never wrong
    forward = np.zeros(old_count + 1, np.int32)
    backward = np.zeros(count + 1, np.int32)
    for k in range(start, stop):
        if not same[k]:
            continue
        mine = order[first[k] : first[k + 1]]
        alike = True
        for run in mine:
            if given_up[0]:
                return
            z, y = row[run] // height, row[run] % height
            left, right = begin[run], end[run]
            old_line, line = old_seeds[z, y, left:right], seeds[z, y, left:right]
            before = after = np.int32(0)
            for x in range(line.shape[0]):
                if old_line[x] == before and line[x] == after:
                    continue  # inside of a seed, or of none
                before, after = old_line[x], line[x]
                if before == 0 or after == 0:
                    alike = before == after
                elif forward[before] == 0 and backward[after] == 0:
                    forward[before] = after
                    backward[after] = before
                else:
                    alike = forward[before] == after and backward[after] == before
                if not alike:
                    break
            if not alike:
                break
        if not alike:
            continue
        finished[k + 1] = True
        for run in mine:
            z, y = row[run] // height, row[run] % height
            left, right = begin[run], end[run]
            old_line, line = old_labels[z, y, left:right], labels[z, y, left:right]
            before = after = np.int32(0)
            for x in range(line.shape[0]):
                if old_line[x] != before:
                    before = old_line[x]
                    after = forward[before]
                line[x] = after
