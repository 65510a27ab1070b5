"""Follow the work of a cluster without ever waiting for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from .errors import cluster_told

LOOK = 0.5
"""Seconds without news after which whoever follows may give up, or tell."""


@dataclass(frozen=True)
class ClusterWaits:
    """No worker has finished anything for a moment: time to cancel, or to tell."""

    workers: int
    """How many there are now."""


def as_finished(
    client: Any, futures: Sequence[Any]
) -> Iterator[tuple[Any, Any] | ClusterWaits]:
    """Yield what workers finish, in that order; cancel the rest when asked no more.

    Parameters
    ----------
    client : distributed.Client
        From `connected`.
    futures : sequence of distributed.Future
        What it does.

    Yields
    ------
    tuple of (Future, its result), or ClusterWaits

    Raises
    ------
    ClusterError
        If the scheduler is gone, or one piece of work ends worker after worker.
    Exception
        What a worker raised.
    """
    ready: SimpleQueue[Any] = SimpleQueue()
    for future in futures:
        future.add_done_callback(ready.put)
    left = len(futures)
    try:
        while left:
            try:
                future = ready.get(timeout=LOOK)
            except Empty:
                yield ClusterWaits(_workers(client))
                continue
            with cluster_told():
                result = future.result()
            future.release()
            left -= 1
            yield future, result
    finally:
        if client.status == "running":
            client.cancel(futures)


def _workers(client: Any) -> int:
    try:
        return len(client.nthreads())
    except (OSError, TimeoutError):
        return 0  # the scheduler is gone, and soon its work
