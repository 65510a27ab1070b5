"""Run compiled kernels, which release the GIL, on every core."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
D = TypeVar("D", bound=np.generic)

_pools: dict[int, ThreadPoolExecutor] = {}
_SMALL = 1 << 19
"""Work on so few pixels is done before another thread would wake up, and beside a
window that draws, each waking has to wait for Python's lock besides."""
_PIECE = 1 << 18
"""Pixels handled between two looks at whether the job was cancelled."""
_GLANCE = 0.004
"""Seconds between two looks while kernels run."""


class Cancelled(Exception):
    """The job was given up because a newer one made it pointless."""


def never() -> bool:
    """Return False: the job is always wanted.

    Returns
    -------
    bool
    """
    return False


def check(cancelled: Callable[[], bool]) -> None:
    """Raise `Cancelled` if the job is no longer wanted.

    Parameters
    ----------
    cancelled : callable
        Says so.

    Raises
    ------
    Cancelled
    """
    if cancelled():
        raise Cancelled("a newer request made this one pointless")


def cores() -> int:
    """Return how many cores this process may use.

    Returns
    -------
    int
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def divide(tasks: int, pixels: int, piece: int = _PIECE) -> list[int]:
    """Return where to cut a range of tasks for several cores.

    Parameters
    ----------
    tasks : int
        How many tasks there are.
    pixels : int
        How many pixels they work on together.
    piece : int
        Pixels that one piece should not exceed.

    Returns
    -------
    list of int
        From 0 up to ``tasks``: a few pieces per core, so that an uneven load evens
        out; more where a piece would keep a cancelled job alive.
    """
    pieces = 1 if pixels < _SMALL else max(4 * cores(), pixels // piece)
    pieces = min(tasks, pieces)
    return [tasks * cut // pieces for cut in range(pieces + 1)] if pieces else [0]


def in_parallel(
    kernel: Callable[..., T],
    edges: Sequence[int],
    *arguments: Any,
    cancelled: Callable[[], bool] = never,
    on_cancel: Callable[[], None] | None = None,
) -> list[T]:
    """Call ``kernel(*arguments, start, stop)`` for each piece of a range of tasks.

    Threads of our own rather than numba's: its portable threading layer ends the
    process when two threads enter it at once, as a viewer's workers do.

    Parameters
    ----------
    kernel : callable
        Works on the tasks ``start`` to ``stop - 1``; safe to call side by side.
    edges : sequence of int
        Where the pieces begin and end, as `divide` returns them.
    *arguments
        Handed through.
    cancelled : callable
        Asked before each piece and every few milliseconds.
    on_cancel : callable, optional
        Called once to make kernels that run for long return early.

    Returns
    -------
    list
        What the calls returned, in order.

    Raises
    ------
    Cancelled
        When no kernel runs any more.
    """
    check(cancelled)
    pieces = list(itertools.pairwise(edges))
    if len(pieces) <= 1 and (cancelled is never or on_cancel is None):
        return [kernel(*arguments, start, stop) for start, stop in pieces]
    results: list[Any] = [None] * len(pieces)
    left = deque(enumerate(pieces))

    def work() -> None:
        # a thread takes piece after piece: a future for each would take as long as
        # many a piece does
        while True:
            try:
                place, (start, stop) = left.popleft()
            except IndexError:
                return
            results[place] = kernel(*arguments, start, stop)

    crew = min(cores(), len(pieces))
    if cancelled is never:
        futures = [_pool().submit(work) for _ in range(crew - 1)]
        try:
            work()
        finally:
            # helpers that another job keeps from starting are not waited for
            futures = [future for future in futures if not future.cancel()]
            wait(futures)
    else:
        futures = [_pool().submit(work) for _ in range(crew)]
        _watch(futures, left, cancelled, on_cancel)
    for future in futures:
        future.result()
    return results


def duplicate(array: NDArray[D], cancelled: Callable[[], bool] = never) -> NDArray[D]:
    """Copy an array on every core.

    Parameters
    ----------
    array : ndarray
        C-contiguous.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
    """
    copy = np.empty_like(array)
    source, target = array.reshape(-1), copy.reshape(-1)

    def part(start: int, stop: int) -> None:
        target[start:stop] = source[start:stop]

    in_parallel(part, divide(source.size, source.size), cancelled=cancelled)
    return copy


def _watch(
    futures: list[Future[None]],
    left: deque[tuple[int, tuple[int, int]]],
    cancelled: Callable[[], bool],
    on_cancel: Callable[[], None] | None,
) -> None:
    running = set(futures)
    while running:
        running = wait(running, timeout=_GLANCE).not_done
        if running and cancelled():
            left.clear()
            for future in running:
                future.cancel()
            if on_cancel is not None:
                on_cancel()
            wait(running)
            raise Cancelled("a newer request made this one pointless")


def _pool() -> ThreadPoolExecutor:
    # threads do not survive a fork, so a forked data loader makes its own pool
    process = os.getpid()
    if process not in _pools:
        _pools.clear()
        _pools[process] = ThreadPoolExecutor(cores(), "napari-bioseg")
    return _pools[process]
