"""Run compiled kernels, which release the GIL, on every core."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_pools: dict[int, ThreadPoolExecutor] = {}


def cores() -> int:
    """Return how many cores this process may use.

    Returns
    -------
    int
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(
    kernel: Callable[..., T], tasks: int, *arguments: Any, chunks: int = 0
) -> list[T]:
    """Call ``kernel(*arguments, start, stop)`` so that all tasks are covered.

    Threads of our own rather than numba's: its portable threading layer ends the
    process when two threads enter it at once, as a viewer's workers do.

    Parameters
    ----------
    kernel : callable
        Works on the tasks ``start`` to ``stop - 1``; safe to call side by side.
    tasks : int
        How many tasks there are.
    *arguments
        Handed through.
    chunks : int
        Into how many calls to divide; by default a few per core, so that an uneven
        load evens out.

    Returns
    -------
    list
        What the calls returned, in order.
    """
    workers = cores()
    pieces = min(tasks, chunks or 4 * workers)
    if pieces <= 1 or workers == 1:
        return [kernel(*arguments, 0, tasks)] if tasks else []
    edges = [tasks * piece // pieces for piece in range(pieces + 1)]
    pool = _pool(workers)
    futures = [
        pool.submit(kernel, *arguments, start, stop)
        for start, stop in itertools.pairwise(edges)
    ]
    return [future.result() for future in futures]


def _pool(workers: int) -> ThreadPoolExecutor:
    # threads do not survive a fork, so a forked data loader makes its own pool
    process = os.getpid()
    if process not in _pools:
        _pools.clear()
        _pools[process] = ThreadPoolExecutor(workers, "napari-bioseg")
    return _pools[process]
