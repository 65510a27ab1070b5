"""How large tiles are, and how many go through the network at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_bioseg.settings import PredictSettings

from .free_memory import memory_for
from .model import Model
from .tile_limits import limit_of
from .tiling import Tiling, make_axis

TILE_BYTES = 256 * 1024**2
"""An automatic tile's feature maps of the first level take at most this much memory."""
SHARE = 0.75
"""Part of the memory for the tile in work; the rest is for those that wait."""
MAPS = 10
"""Feature maps of the first level that are in memory at once, times their number."""
NARROW_OVERLAP = 24
"""Overlap in pixels where the network's whole halo would cost more than it gains."""
SMALL = 256 * 256
"""Pixels that a batch of automatic size has at least on a CPU."""
_LARGEST_BATCH = 64


def choose_tiling(
    size: tuple[int, ...],
    models: Sequence[Model],
    settings: PredictSettings,
    align: Sequence[int] | None = None,
) -> Tiling:
    """Choose tiles for an image.

    Parameters
    ----------
    size : tuple of int
        Of the image, per spatial axis.
    models : sequence of Model
    settings : PredictSettings
        ``"auto"`` takes the whole image if its feature maps fit into memory, else the
        largest tiles that do, ``"all"`` the whole image in any case. The automatic
        overlap is all that the network looks at, so that tiles agree exactly, unless
        that would more than double the work (3-D): then 24 pixels, blended.
    align : sequence of int, optional
        Sizes of the chunks that results are written into. Blocks then end where chunks
        end, or chunks have to be as small as the blocks: see `Axis.step`.

    Returns
    -------
    Tiling

    Raises
    ------
    ValueError
        If the tile has another number of axes than the image.
    """
    axes = range(len(size))
    multiple = grid_of(models)
    halo = [max(m.shape.halo[axis] for m in models) for axis in axes]
    if settings.tta != "off":  # Y and X change places
        multiple[-2:] = [math.lcm(*multiple[-2:])] * 2
        halo[-2:] = [math.ceil(max(halo[-2:]) / multiple[-1]) * multiple[-1]] * 2
    if settings.tile == "all":
        cores, overlap = list(size), halo
    elif settings.tile == "auto":
        cores, overlap = _automatic(size, halo, tile_pixels(models, settings))
    else:
        if len(settings.tile) != len(size):
            raise ValueError(
                f"predict.tile = {settings.tile} has {len(settings.tile)} sizes, but "
                f"the image is {len(size)}-D; give {len(size)} sizes or 'auto'"
            )
        cores, overlap = list(settings.tile), halo
    if settings.overlap != "auto":
        overlap = [settings.overlap] * len(size)
    # these networks look at all of a tile, so tiles never agree quite
    never = 2**31 if any(model.shape.sees_all for model in models) else 0
    chunks = align or (0,) * len(size)
    return Tiling(
        tuple(
            make_axis(n, core, o, m, max(h, never), chunk)
            for n, core, o, m, h, chunk in zip(
                size, cores, overlap, multiple, halo, chunks, strict=True
            )
        )
    )


def grid_of(models: Sequence[Model]) -> list[int]:
    """Return on which grid tiles and parts of images begin.

    Parameters
    ----------
    models : sequence of Model

    Returns
    -------
    list of int
        Pixels per spatial axis: where all networks pool as they do in the whole image.
    """
    axes = range(models[0].dimensions)
    return [math.lcm(*(m.shape.multiple[axis] for m in models)) for axis in axes]


def tile_pixels(models: Sequence[Model], settings: PredictSettings) -> int:
    """Return how many pixels an automatic tile has at most, its overlap included.

    Parameters
    ----------
    models : sequence of Model
    settings : PredictSettings
        ``memory``.

    Returns
    -------
    int
        As many as fit into memory, half of what was too much the last time, and no
        more than makes sense: larger tiles are not faster.
    """
    room = int(SHARE * min(memory_for(settings, model.device) for model in models))
    features = max(model.workflow.network.features for model in models)
    pixels = min(TILE_BYTES // (4 * features), room // bytes_a_pixel(models))
    limits = [limit for limit in map(limit_of, models) if limit is not None]
    return max(min(pixels, *(limit // 2 for limit in limits), 2**62), 1024)


def bytes_a_pixel(models: Sequence[Model]) -> int:
    """Return the memory that a pixel of a tile takes while the network runs.

    Parameters
    ----------
    models : sequence of Model

    Returns
    -------
    int
    """
    features = max(model.workflow.network.features for model in models)
    channels = models[0].in_channels + len(models[0].outputs)
    return 4 * (MAPS * features + 4 * channels)


def choose_batch(
    pixels: int, models: Sequence[Model], settings: PredictSettings
) -> int:
    """Choose how many tiles go through the network at once.

    Parameters
    ----------
    pixels : int
        Of one tile.
    models : sequence of Model
    settings : PredictSettings
        ``batch``; ``"auto"`` takes one on a CPU, or several tiny ones, and as many as
        fit into memory on a GPU.

    Returns
    -------
    int
    """
    if settings.batch != "auto":
        return settings.batch
    device = models[0].device
    if device.type == "cpu":
        return max(1, min(_LARGEST_BATCH, SMALL // pixels))
    fit = min(memory_for(settings, device) // bytes_a_pixel(models), 2**24)
    limits = [limit for limit in map(limit_of, models) if limit is not None]
    return max(
        1, min(_LARGEST_BATCH, *(n // 2 // pixels for n in limits), fit // pixels)
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
