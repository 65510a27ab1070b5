"""Predict lazily: what is looked at is computed, here or on a cluster."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import dask.array
import numpy as np
from dask.delayed import delayed
from dask.utils import SerializableLock
from numpy.typing import NDArray

from napari_bioseg.settings import PredictSettings

from .memory import keep_freed_memory
from .model import Model
from .part import Part
from .run_tiles import TileRunner
from .stored_values import to_store
from .tiling import Index, Region, Tiling

_DEFAULTS = PredictSettings()
Answer = tuple[NDArray[np.float32], int]
"""What the models say about a tile, and how many of its pixels are no finite number."""


def predict(
    image: Any,
    model: Model | Sequence[Model],
    settings: PredictSettings = _DEFAULTS,
) -> dask.array.Array:
    """Predict lazily: only what is looked at is computed.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is, not normalised; numpy, dask or zarr.
    model : Model or sequence of Model
        Several models (an ensemble) are averaged.
    settings : PredictSettings
        Tiles, flips and turns, what is stored, and device.

    Returns
    -------
    dask.array.Array, (C, [Z,] Y, X), float32 or as ``settings.dtype`` says
        Probabilities (and distances), one channel per name in ``model.outputs``, one
        chunk per tile. Tiles are computed one at a time, and equal to what
        `predict_tiles` gives. Intensities are normalised by the whole image, so the
        answer does not depend on the tiles.

    Raises
    ------
    ValueError
        If the image does not suit the model, or models do not suit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import TrainedOn, Workflow
    >>> workflow = Workflow.preset("fast").replace(trained=TrainedOn())
    >>> lazy = predict(np.zeros((1, 50, 60), np.uint8), Model.create(workflow))
    >>> lazy.shape, lazy.dtype
    ((2, 50, 60), dtype('float32'))
    """
    return lazy_blocks(TileRunner(image, model, settings))


def lazy_blocks(runner: TileRunner) -> dask.array.Array:
    """Return a prediction as a dask array, one chunk per block of its tiling.

    Parameters
    ----------
    runner : TileRunner
        Models, image and tiles.

    Returns
    -------
    dask.array.Array, (C, [Z,] Y, X)
    """
    tiling = runner.tiling
    joined = delayed_blocks(runner)
    blocks: NDArray[np.object_] = np.empty((1, *tiling.grid), dtype=object)
    for index in tiling.indices():
        shape = (len(runner.names), *_lengths(tiling.block(index)))
        blocks[(0, *index)] = dask.array.from_delayed(  # type: ignore[no-untyped-call]
            joined[index][0], shape, dtype=runner.dtype
        )
    whole: dask.array.Array = dask.array.block(  # type: ignore[no-untyped-call]
        blocks.tolist()
    )
    return whole


def delayed_blocks(runner: TileRunner) -> dict[Index, Any]:
    """Return a prediction as delayed blocks, by their index.

    Parameters
    ----------
    runner : TileRunner
        Models, image and tiles.

    Returns
    -------
    dict of index to dask.delayed.Delayed
        Of the values, (C, [Z,] Y, X), and of how many pixels were read for them that
        are no finite numbers.
    """
    tiling, image = runner.tiling, runner.image.image
    whole = image.whole if isinstance(image, Part) else image
    lazy = isinstance(whole, dask.array.Array)
    lock = SerializableLock()
    if lazy:
        # the scheduler reads the pixels; the runner must not carry the array's graph
        runner = _without_image(runner)
    shared = delayed(_Running, pure=False, traverse=False)(
        delayed(runner, pure=False, traverse=False)
    )
    tiles = {}
    for index in tiling.indices():
        region = tiling.read(index)
        if lazy:
            here: Any = (slice(None), *region)
            pixels = whole[image.in_whole(here) if whole is not image else here]
            tiles[index] = delayed(_answer, pure=False)(shared, pixels, lock)
        else:
            tiles[index] = delayed(_tile, pure=False)(shared, region, lock)
    return {
        index: delayed(_join, pure=False)(
            shared, index, tiling.needs(index), [tiles[t] for t in tiling.needs(index)]
        )
        for index in tiling.indices()
    }


class _Running:
    """A runner while a scheduler needs it: freed memory is kept for the next tile.

    Schedulers drop a result once the last task that needs it is done, and that is when
    the memory goes back to the system.
    """

    def __init__(self, runner: TileRunner) -> None:
        self.runner = runner
        stack = ExitStack()
        stack.enter_context(keep_freed_memory())
        weakref.finalize(self, stack.close)

    def __reduce__(self) -> tuple[type[_Running], tuple[TileRunner]]:
        return _Running, (self.runner,)  # another process keeps memory of its own


def _without_image(runner: TileRunner) -> TileRunner:
    twin = object.__new__(TileRunner)
    twin.__dict__.update(runner.__dict__)
    twin.__dict__["image"] = None
    return twin


def _tile(running: _Running, region: Region, lock: SerializableLock) -> Answer:
    # torch uses all cores for one tile; two at a time would only take more memory
    with lock:
        before = running.runner.undefined
        return running.runner.tile(region), running.runner.undefined - before


def _answer(running: _Running, pixels: NDArray[Any], lock: SerializableLock) -> Answer:
    with lock:
        before = running.runner.undefined
        (values,) = running.runner.answers([np.asarray(pixels)])
        return values, running.runner.undefined - before


def _join(
    running: _Running, index: Index, needed: list[Index], tiles: list[Answer]
) -> tuple[NDArray[Any], int]:
    runner = running.runner
    tiling: Tiling = runner.tiling
    values = {tile: found for tile, (found, _) in zip(needed, tiles, strict=True)}
    block = np.ascontiguousarray(tiling.join(index, values))
    undefined = sum(count for _, count in tiles)
    return to_store(block, runner.workflow, runner.settings), undefined


def _lengths(region: Region) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in region)
