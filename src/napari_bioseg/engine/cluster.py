"""Predict on several computers, or several processes, with dask.distributed."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from napari_bioseg.settings import PredictSettings

from .events import Predicted, PredictEvent, TileDone
from .model import Model
from .predict import delayed_blocks
from .predict_tiles import checked_out
from .run_tiles import TileRunner
from .tiling import Index, Region, Tiling

SECONDS = 20
"""How long to wait for the scheduler of a cluster to answer."""


def predict_on_cluster(
    image: Any,
    model: Model | Sequence[Model],
    settings: PredictSettings,
    *,
    out: Any = None,
    tiling: Tiling | None = None,
    finished: Collection[Index] = (),
) -> Generator[PredictEvent, None, None]:
    """Predict with the workers of a cluster; stop asking to cancel.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is. Workers read zarr from disk themselves, so it has to lie where they
        see it; a numpy array is sent to them.
    model : Model or sequence of Model
        Sent to the workers.
    settings : PredictSettings
        ``cluster`` says where.
    out : array, (C, [Z,] Y, X), optional
        A zarr array, whose chunks the workers write themselves if blocks hold whole
        chunks; anything else is filled from here.
    tiling : Tiling, optional
        From `choose_tiling`; chosen anew if not given.
    finished : collection of index
        Blocks that ``out`` has from an earlier run.

    Yields
    ------
    TileDone, Predicted
        In the order in which workers finish. What a worker that dies was doing is done
        by another one.

    Raises
    ------
    ValueError
        If there is no such cluster, or the image does not suit the model.
    """
    from distributed import as_completed

    runner = TileRunner(image, model, settings, tiling)
    out = checked_out(out, runner, tuple(image.shape[1:]))
    regions = {index: runner.tiling.block(index) for index in runner.tiling.indices()}
    done = set(finished)
    blocks = delayed_blocks(runner)
    missing = [index for index in regions if index not in done]
    shared = hasattr(out, "store") and all(axis.step for axis in runner.tiling.axes)
    shared = shared or (hasattr(out, "store") and len(regions) == 1)
    work = [
        delayed(_write, pure=False)(out, regions[index], blocks[index])
        if shared
        else blocks[index]
        for index in missing
    ]
    with connected(settings.cluster) as client:
        futures = client.compute(work)
        places = {
            future.key: index for future, index in zip(futures, missing, strict=True)
        }
        try:
            for future in as_completed(futures):  # type: ignore[no-untyped-call]
                index = places[future.key]
                values = future.result()
                if not shared:
                    out[(slice(None), *regions[index])] = values
                done.add(index)
                data = None if shared else values
                future.release()
                yield TileDone(len(done), len(regions), regions[index], data, index)
        finally:
            client.cancel(futures)
    yield Predicted(out)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect to a cluster, or start one on this computer.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``; the path of its scheduler
        file (``.json``); or ``local:2`` for two processes here.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ValueError
        If dask.distributed is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ValueError(
            f"predict.cluster = {address!r} needs dask.distributed; install it with "
            "pip install napari-bioseg[distributed]"
        ) from error
    if address.startswith("local"):
        count = address.partition(":")[2]
        if not count.isdigit() or not int(count):
            raise ValueError(
                f"predict.cluster = {address!r}: say how many processes, as in local:2"
            )
        here: Any = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=int(count), threads_per_worker=1, dashboard_address=None
        )
        with here as cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
            yield client
        return
    where = {"scheduler_file": address} if address.endswith(".json") else {}
    try:
        client = Client(  # type: ignore[no-untyped-call]
            None if where else address, timeout=SECONDS, **where
        )
    except (OSError, ValueError) as error:
        raise ValueError(
            f"predict.cluster = {address!r}: no scheduler answers there ({error}); "
            "start one with 'dask scheduler', and workers with 'dask worker'"
        ) from error
    with client:
        yield client


def _write(out: Any, region: Region, block: NDArray[Any]) -> bool:
    out[(slice(None), *region)] = np.asarray(block)
    return True
