"""Predict on several computers, or several processes, with dask.distributed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from napari_bioseg.cluster.array_on_disk import ArrayOnDisk, for_workers, on_disk
from napari_bioseg.cluster.connect import connected
from napari_bioseg.cluster.follow import ClusterWaits, as_finished
from napari_bioseg.cluster.mark import Mark, check_workers
from napari_bioseg.settings import PredictSettings

from .events import Predicted, PredictEvent, TileDone
from .model import Model
from .part import Part
from .predict import delayed_blocks
from .predict_tiles import checked_out, notes_on
from .run_tiles import TileRunner
from .tiling import Index, Region, Tiling


def predict_on_cluster(
    image: Any,
    model: Model | Sequence[Model],
    settings: PredictSettings,
    *,
    out: Any = None,
    tiling: Tiling | None = None,
    finished: Collection[Index] = (),
) -> Generator[PredictEvent | ClusterWaits, None, None]:
    """Predict with the workers of a cluster; stop asking to cancel.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is. Workers read zarr from disk themselves, so it has to lie where they
        see it; a numpy array is sent to them.
    model : Model or sequence of Model
        Sent to the workers.
    settings : PredictSettings
        ``cluster`` says where; each worker takes one tile at a time, whatever
        ``batch`` says.
    out : array, (C, [Z,] Y, X), optional
        A zarr array in a folder, whose chunks the workers write themselves if blocks
        hold whole chunks; anything else is filled from here.
    tiling : Tiling, optional
        From `choose_tiling`; chosen anew if not given.
    finished : collection of index
        Blocks that ``out`` has from an earlier run.

    Yields
    ------
    TileDone, ClusterWaits, Predicted
        In the order in which workers finish. What a worker that dies was doing is done
        by another one.

    Raises
    ------
    ValueError
        If the address is none, or the image does not suit the model.
    ClusterError
        If no scheduler answers, a worker does not see image or result, or the cluster
        is lost; what is finished stays.
    """
    image, folders = _for_workers(image)
    runner = TileRunner(image, model, settings, tiling)
    out = checked_out(out, runner, tuple(image.shape[1:]))
    regions = {index: runner.tiling.block(index) for index in runner.tiling.indices()}
    done = set(finished)
    blocks = delayed_blocks(runner)
    missing = [index for index in regions if index not in done]
    shared, mark = _shared(out, runner.tiling)
    work = [
        blocks[index]
        if shared is None
        else delayed(_write, pure=False)(shared, mark, regions[index], blocks[index])
        for index in missing
    ]
    with connected(settings.cluster) as client:
        if mark is not None:
            mark.put()
        try:
            check_workers(client, folders, mark)
            futures = client.compute(work)
            keys = (future.key for future in futures)
            places = dict(zip(keys, missing, strict=True))
            for event in as_finished(client, futures):
                if isinstance(event, ClusterWaits):
                    yield event
                    continue
                future, (values, undefined) = event
                index = places[future.key]
                if values is not None:
                    out[(slice(None), *regions[index])] = values
                runner.undefined += undefined
                done.add(index)
                yield TileDone(len(done), len(regions), regions[index], values, index)
        finally:
            if mark is not None:
                mark.remove()
    yield Predicted(out, notes=notes_on(runner))


def _for_workers(image: Any) -> tuple[Any, list[Path]]:
    if isinstance(image, Part):
        whole, folders = for_workers(image.whole)
        return Part(whole, image.region), folders
    return for_workers(image)


def _shared(out: Any, tiling: Tiling) -> tuple[ArrayOnDisk, Mark] | tuple[None, None]:
    """Return the array that workers write themselves, and its mark, if they can."""
    if not on_disk(out):
        return None, None
    array = ArrayOnDisk(out)
    sizes = zip(tiling.axes, array.pieces[1:], strict=True)
    if len(tiling.indices()) > 1 and not all(
        axis.tiles == 1 or (axis.step and axis.step % size == 0) for axis, size in sizes
    ):
        return None, None
    return array, Mark.beside(Path(out.store.root), uuid.uuid4().hex)


def _write(
    out: ArrayOnDisk,
    mark: Mark,
    region: Region,
    block: tuple[NDArray[Any], int],
) -> tuple[None, int]:
    """Write a block in a worker, and return what else is known about it."""
    values, undefined = block
    mark.check()
    out[(slice(None), *region)] = np.asarray(values)
    return None, undefined
