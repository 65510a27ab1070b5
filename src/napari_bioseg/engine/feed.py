"""Have the next patches ready when training asks for them."""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .batch import draw_patch, epoch_order
from .patches import Sample
from .plan import Plan
from .targets import Subject

AHEAD = 2
"""Batches that are drawn before they are asked for."""
MOST_WORKERS = 8
"""Threads that auto takes at most."""

_Key = tuple[int, int]  # epoch and step


class Feeder:
    """Draws the batches of a training, some steps ahead, in threads of its own.

    What a batch holds depends on seed, epoch and step alone, so that the number of
    threads changes nothing but the time. Reading, normalising, moving and encoding
    release Python's lock for most of their time: neither the step nor a window waits.

    Parameters
    ----------
    plan : Plan
        ``data.workers`` says how many threads.
    share : (int, int)
        Which process this is, and of how many: each draws its part of the batch.
    on_gpu : bool
        Whether the network runs on a GPU, so that the processor has time to spare.
    """

    def __init__(
        self, plan: Plan, share: tuple[int, int] = (0, 1), *, on_gpu: bool = False
    ) -> None:
        self._plan = plan
        self._share = share
        self._orders: OrderedDict[int, NDArray[np.int64]] = OrderedDict()
        self._drawn: dict[_Key, list[Future[Sample]]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self.workers = worker_count(plan.workflow.data.workers, on_gpu=on_gpu)
        """How many threads draw patches; with 0 `batch` draws them itself."""
        if self.workers:
            self._pool = ThreadPoolExecutor(self.workers, "napari-bioseg patches")
            # a run that is dropped must not leave threads behind
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)

    def batch(self, epoch: int, step: int) -> list[Sample]:
        """Return the patches of one step, and have the next ones drawn.

        Parameters
        ----------
        epoch : int
            From 1.
        step : int
            From 0.

        Returns
        -------
        list of (image, targets)
            As `draw_batch` draws them.
        """
        if self._pool is None:
            order = self._order(epoch)
            return [
                draw_patch(self._plan, order[place], epoch, place)
                for place in self._places(step)
            ]
        wanted = self._ahead(epoch, step)
        for key in [key for key in self._drawn if key not in wanted]:
            for future in self._drawn.pop(key):
                future.cancel()
        for key in wanted:
            if key not in self._drawn:
                self._drawn[key] = self._start(self._pool, *key)
        return [future.result() for future in self._drawn.pop((epoch, step))]

    def sources(self, epoch: int, step: int) -> list[tuple[int, Subject]]:
        """Return, for each patch of a step, its place in the epoch and its image."""
        order = self._order(epoch)
        training = self._plan.training
        return [(place, training[order[place][0]]) for place in self._places(step)]

    def _ahead(self, epoch: int, step: int) -> list[_Key]:
        """List this step and the ones after it, into the next epoch."""
        last = self._plan.workflow.train.epochs
        count = self._plan.steps
        numbers = range(step, step + 1 + AHEAD)
        keys = [(epoch + number // count, number % count) for number in numbers]
        return [key for key in keys if key[0] <= last or key == (epoch, step)]

    def _start(
        self, pool: ThreadPoolExecutor, epoch: int, step: int
    ) -> list[Future[Sample]]:
        order = self._order(epoch)
        return [
            pool.submit(draw_patch, self._plan, order[place], epoch, place)
            for place in self._places(step)
        ]

    def _places(self, step: int) -> range:
        size = self._plan.workflow.train.batch_size
        number, processes = self._share
        return range(step * size + number, (step + 1) * size, processes)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._orders:
            self._orders[epoch] = epoch_order(self._plan, epoch)
            while len(self._orders) > 2:
                self._orders.popitem(last=False)
        return self._orders[epoch]


def worker_count(wanted: int | str, *, on_gpu: bool) -> int:
    """Return how many threads draw patches.

    Parameters
    ----------
    wanted : int or "auto"
        As set.
    on_gpu : bool
        Whether the network runs on a GPU.

    Returns
    -------
    int
        Automatic: one beside a network on the processor, which uses all cores itself
        and takes far longer than the patches; beside a GPU all cores but one, at most
        `MOST_WORKERS`. None where there is one core only.

    Examples
    --------
    >>> worker_count(3, on_gpu=False)
    3
    """
    if isinstance(wanted, int):
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    cores = cores or os.cpu_count() or 1
    if cores == 1:
        return 0
    return min(cores - 1, MOST_WORKERS) if on_gpu else 1
