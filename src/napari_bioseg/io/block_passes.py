"""Work on all blocks of a volume: on every core or a cluster, and on after any end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.channels.blockwise.grid import Place
from napari_bioseg.cluster.follow import ClusterWaits, as_finished
from napari_bioseg.cluster.mark import check_workers

Run = Callable[[Any, str, Sequence[Place]], Iterator[Place | ClusterWaits]]
"""Calls a method of a job, by name, for places, and tells which are done."""


def block_file(folder: Path, step: str, place: Place) -> Path:
    """Return where what a step found in a block is kept.

    Parameters
    ----------
    folder : Path
        Of the job.
    step : str
        Name of the step.
    place : tuple of int
        Which block.
    """
    return folder / step / f"{'_'.join(str(number) for number in place)}.npz"


def save_block(path: Path, **values: Any) -> None:
    """Write what was found in a block, completely or not at all.

    Parameters
    ----------
    path : Path
        From `block_file`.
    **values
        Arrays and numbers.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}.{path.name}")
    with part.open("wb") as file:
        np.savez_compressed(file, **values)
    os.replace(part, path)


def load_block(path: Path) -> dict[str, Any]:
    """Read what `save_block` wrote.

    Parameters
    ----------
    path : Path
        From `block_file`.
    """
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files}


@contextmanager
def runner_of(workers: int, cluster: str = "") -> Iterator[Run]:
    """Give a function that runs a step of a job on all its blocks.

    Parameters
    ----------
    workers : int
        Blocks worked on at once.
    cluster : str
        Address of a dask cluster, which sees the same disk; empty works here.

    Yields
    ------
    callable
        ``run(job, name of the method, places)``, an iterator of places as they are
        done, with `ClusterWaits` in between. The job is picklable; its methods take a
        place and leave what they find on disk, beside its ``mark``.
    """
    if cluster:
        from napari_bioseg.cluster.connect import connected

        with connected(cluster) as client:
            yield lambda job, name, places: _on_cluster(client, job, name, places)
        return
    with ThreadPoolExecutor(workers, "bioseg blocks") as pool:
        yield lambda job, name, places: _in_threads(pool, workers, job, name, places)


def _in_threads(
    pool: ThreadPoolExecutor, workers: int, job: Any, name: str, places: Sequence[Place]
) -> Iterator[Place]:
    waiting: dict[Future[Any], Place] = {}
    ahead = iter(places)
    try:
        for place in ahead:
            waiting[pool.submit(getattr(job, name), place)] = place
            if len(waiting) > workers:
                yield from _finished(waiting)
        while waiting:
            yield from _finished(waiting)
    finally:
        for future in waiting:
            future.cancel()


def _finished(waiting: dict[Future[Any], Place]) -> Iterator[Place]:
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        place = waiting.pop(future)
        future.result()
        yield place


def _on_cluster(
    client: Any, job: Any, name: str, places: Sequence[Place]
) -> Iterator[Place | ClusterWaits]:
    check_workers(client, job.folders, job.mark)
    shared = client.submit(_given, job, pure=False)
    futures = [
        client.submit(_call, shared, name, place, pure=False) for place in places
    ]
    known = {future.key: place for future, place in zip(futures, places, strict=True)}
    for event in as_finished(client, futures):
        yield event if isinstance(event, ClusterWaits) else known[event[0].key]


def _given(job: Any) -> Any:
    return job


def _call(job: Any, name: str, place: Place) -> None:
    getattr(job, name)(place)
