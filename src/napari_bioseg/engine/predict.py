"""Run trained networks over images of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import dask.array
import numpy as np
import torch
from dask.delayed import delayed
from dask.utils import SerializableLock
from numpy.typing import NDArray

from napari_bioseg.settings import PredictSettings

from .events import Predicted, PredictEvent, TileDone
from .memory import keep_freed_memory
from .model import Model, run_network
from .normalize import Scale, scale_of
from .tiling import Index, Region, Tiling, make_axis

TILE_BYTES = 256 * 1024**2
"""An automatic tile's feature maps of the first level take at most this much memory."""
NARROW_OVERLAP = 24
"""Overlap in pixels where the network's whole halo would cost more than it gains."""
_DEFAULTS = PredictSettings()


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
        Tiles, overlap and device.

    Returns
    -------
    dask.array.Array, (C, [Z,] Y, X), float32
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
    work = _Work(image, model, settings)
    tiling = work.tiling
    lock = SerializableLock()
    tiles = {
        index: delayed(_locked_tile, pure=False)(work, tiling.read(index), lock)
        for index in tiling.indices()
    }
    blocks: NDArray[np.object_] = np.empty((1, *tiling.grid), dtype=object)
    for index in tiling.indices():
        needed = {other: tiles[other] for other in tiling.needs(index)}
        shape = (len(work.outputs), *_lengths(tiling.block(index)))
        joined = delayed(_join, pure=False)(
            tiling, index, list(needed), list(needed.values())
        )
        blocks[(0, *index)] = dask.array.from_delayed(  # type: ignore[no-untyped-call]
            joined, shape, dtype=np.float32
        )
    whole: dask.array.Array = dask.array.block(  # type: ignore[no-untyped-call]
        blocks.tolist()
    )
    return whole


def predict_tiles(
    image: Any,
    model: Model | Sequence[Model],
    settings: PredictSettings = _DEFAULTS,
    *,
    out: Any = None,
    focus: Sequence[float] | None = None,
) -> Iterator[PredictEvent]:
    """Predict tile by tile, telling after each; stop asking to cancel.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is, not normalised; numpy, dask or zarr, read tile by tile.
    model : Model or sequence of Model
        Several models (an ensemble) are averaged.
    settings : PredictSettings
        Tiles, overlap and device.
    out : array, (C, [Z,] Y, X), optional
        Where to write, for example a zarr array on disk for images larger than memory;
        a new numpy array if not given.
    focus : sequence of float, optional
        A place in pixels, per spatial axis; tiles next to it come first. Without it
        they come row by row.

    Yields
    ------
    TileDone, Predicted
        `TileDone` for every part that is final, `Predicted` last.

    Raises
    ------
    ValueError
        At the first event, if the image does not suit the model, models do not suit
        each other, or ``out`` has another shape.
    MemoryError
        If not even small parts of a tile fit into memory.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import TrainedOn, Workflow
    >>> workflow = Workflow.preset("fast").replace(trained=TrainedOn())
    >>> image = np.zeros((1, 50, 60), np.uint8)
    >>> [type(e).__name__ for e in predict_tiles(image, Model.create(workflow))]
    ['TileDone', 'Predicted']
    """
    work = _Work(image, model, settings)
    tiling = work.tiling
    shape = (len(work.outputs), *image.shape[1:])
    if out is None:
        out = np.empty(shape, dtype=np.float32)
    elif tuple(out.shape) != shape:
        raise ValueError(
            f"out has shape {tuple(out.shape)}, but the prediction has shape {shape}: "
            f"channels {', '.join(work.outputs)} of the image's size"
        )
    order = tiling.indices(focus)
    waiting = {index: len(tiling.serves(index)) for index in order}
    tiles: dict[Index, NDArray[np.float32]] = {}
    with keep_freed_memory():
        for number, index in enumerate(order, start=1):
            for needed in tiling.needs(index):
                if needed not in tiles:
                    tiles[needed] = work.tile(tiling.read(needed))
            block = np.ascontiguousarray(tiling.join(index, tiles))
            for needed in tiling.needs(index):
                waiting[needed] -= 1
                if waiting[needed] == 0:
                    del tiles[needed]
            region = tiling.block(index)
            out[(slice(None), *region)] = block
            yield TileDone(number, len(order), region, block)
    yield Predicted(out)


class _Work:
    """One image and the models to run over it."""

    def __init__(
        self, image: Any, model: Model | Sequence[Model], settings: PredictSettings
    ) -> None:
        self.models = [model] if isinstance(model, Model) else list(model)
        _check_alike(self.models)
        self.models[0].check_image(tuple(image.shape))
        self.image = image
        self.outputs = self.models[0].outputs
        self._scales: list[Scale] = []
        for each in self.models:
            each.to(settings.device)
            self._scales.append(scale_of(image, each.workflow.data.normalization))
        self.tiling = choose_tiling(tuple(image.shape[1:]), self.models, settings)

    def tile(self, region: Region) -> NDArray[np.float32]:
        """Return the mean of all models over one region."""
        pixels = np.asarray(self.image[(slice(None), *region)])
        answers = [
            _run_in_memory(model, scale(pixels))
            for model, scale in zip(self.models, self._scales, strict=True)
        ]
        if len(answers) == 1:
            return answers[0]
        mean: NDArray[np.float32] = np.mean(answers, axis=0, dtype=np.float32)
        return mean


def choose_tiling(
    size: tuple[int, ...], models: Sequence[Model], settings: PredictSettings
) -> Tiling:
    """Choose tiles for an image.

    Parameters
    ----------
    size : tuple of int
        Of the image, per spatial axis.
    models : sequence of Model
    settings : PredictSettings
        ``"auto"`` takes the whole image if its feature maps fit into memory, else the
        largest tiles that do. The automatic overlap is all that the network looks at,
        so that tiles agree exactly, unless that would more than double the work (3-D):
        then 24 pixels, blended.

    Returns
    -------
    Tiling

    Raises
    ------
    ValueError
        If the tile has another number of axes than the image.
    """
    axes = range(len(size))
    multiple = [math.lcm(*(m.shape.multiple[axis] for m in models)) for axis in axes]
    halo = [max(m.shape.halo[axis] for m in models) for axis in axes]
    features = max(model.workflow.network.features for model in models)
    if settings.tile == "auto":
        cores, overlap = _automatic(size, halo, TILE_BYTES // (4 * features))
    else:
        if len(settings.tile) != len(size):
            raise ValueError(
                f"predict.tile = {settings.tile} has {len(settings.tile)} sizes, but "
                f"the image is {len(size)}-D; give {len(size)} sizes or 'auto'"
            )
        cores, overlap = list(settings.tile), halo
    if settings.overlap != "auto":
        overlap = [settings.overlap] * len(size)
    # these norms look at all of a tile, so tiles never agree quite
    norms = {model.workflow.network.normalization for model in models}
    never = 2**31 if norms & {"instance", "group"} else 0
    return Tiling(
        tuple(
            make_axis(n, core, o, m, max(h, never))
            for n, core, o, m, h in zip(
                size, cores, overlap, multiple, halo, strict=True
            )
        )
    )


def _automatic(
    size: tuple[int, ...], halo: list[int], pixels: int
) -> tuple[list[int], list[int]]:
    """Return the sizes of tiles and their overlaps within a number of pixels."""
    if math.prod(size) <= pixels:
        return list(size), halo
    side = _side(size, pixels)
    read = [min(n, side) for n in size]
    overlap = list(halo)
    cores = _cores(read, size, overlap)
    if min(cores) <= 0 or math.prod(cores) * 2 < math.prod(read):
        overlap = [min(o, NARROW_OVERLAP) for o in halo]
        cores = _cores(read, size, overlap)
    return [max(core, 16) for core in cores], overlap


def _cores(read: list[int], size: tuple[int, ...], overlap: list[int]) -> list[int]:
    """Return what is left of tiles without their overlap."""
    return [
        side if side == length else side - 2 * beyond
        for side, length, beyond in zip(read, size, overlap, strict=True)
    ]


def _side(size: tuple[int, ...], pixels: int) -> int:
    """Return the side of the largest cube, cut off at the image, of so many pixels."""
    short: list[int] = []
    for length in sorted(size):
        rest = len(size) - len(short)
        side = int((pixels / math.prod(short)) ** (1 / rest))
        if length > side:
            return side
        short.append(length)
    return max(size)


def _run_in_memory(model: Model, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a model, in halves where memory does not suffice for the whole."""
    try:
        return run_network(model, image)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        failed = error
    size = image.shape[1:]
    axis = int(np.argmax(size))
    multiple, halo = model.shape.multiple[axis], model.shape.halo[axis]
    middle = size[axis] // 2 // multiple * multiple
    if middle <= halo:
        raise MemoryError(
            f"a part of {size} px does not fit into the memory of {model.device} "
            f"({failed}); close other programs, set predict.device to 'cpu', or train "
            "a smaller network (network.features)"
        ) from failed
    parts = np.moveaxis(image, axis + 1, 0)
    first = np.moveaxis(parts[: middle + halo], 0, axis + 1)
    second = np.moveaxis(parts[middle - halo :], 0, axis + 1)
    left = np.moveaxis(_run_in_memory(model, first), axis + 1, 0)[:middle]
    right = np.moveaxis(_run_in_memory(model, second), axis + 1, 0)[halo:]
    return np.moveaxis(np.concatenate((left, right)), 0, axis + 1)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return "not enough memory" in text or "can't allocate memory" in text


def _check_alike(models: Sequence[Model]) -> None:
    if not models:
        raise ValueError("there is no model to predict with; give at least one")
    first = models[0]
    for number, model in enumerate(models[1:], start=2):
        for what in ("outputs", "dimensions", "in_channels"):
            here, there = getattr(model, what), getattr(first, what)
            if here != there:
                raise ValueError(
                    f"model {number} has {what} {here}, but model 1 has {there}; only "
                    "models of one kind can be averaged"
                )


def _locked_tile(
    work: _Work, region: Region, lock: SerializableLock
) -> NDArray[np.float32]:
    # torch uses all cores for one tile; two at a time would only take more memory
    with lock:
        return work.tile(region)


def _join(
    tiling: Tiling,
    index: Index,
    needed: list[Index],
    tiles: list[NDArray[np.float32]],
) -> NDArray[np.float32]:
    return tiling.join(index, dict(zip(needed, tiles, strict=True)))


def _lengths(region: Region) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in region)
