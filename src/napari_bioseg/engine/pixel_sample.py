"""The pixels of an image that its intensities are measured on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import dask.array
import numpy as np
from numpy.typing import NDArray

from .pixels import Pixels, chunk_edges

MAX_SAMPLES = 4_000_000
"""Of images with more pixels an even grid of about this many is taken."""
LARGE = 2**24
"""Images with more pixels are not read all over: blocks spread over them are taken."""
BLOCKS = 256
"""How many blocks these are at most."""
BLOCK = {2: (256, 256), 3: (4, 64, 64)}
"""Their size by the number of axes: a chunk of a usual size holds a block."""
STEP = {2: 2, 3: 1}
"""Every how many pixels along each axis one is taken, which makes four million."""

Piece = tuple[slice, ...]
"""A part of an image, per spatial axis."""


def pixel_sample(
    image: Any, channel: int, total: int = 0, *, skip_damage: bool = False
) -> NDArray[Any]:
    """Read the pixels of one channel that its intensities are measured on.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        numpy, dask or zarr. Which pixels are taken depends on its size alone, so that
        however it is stored or divided the same ones are.
    channel : int
        Index of the channel.
    total : int
        Pixels of all images of a training set together, if it is one of several: an
        even grid is taken then, whatever its size.
    skip_damage : bool
        Whether to leave out what cannot be read, instead of raising an error.

    Returns
    -------
    ndarray, (N,)
        In the type of the image; bool as uint8.

    Raises
    ------
    ValueError
        If the image is damaged there, or all over.
    """
    pixels = image if isinstance(image, Pixels) else Pixels(image)
    size = pixels.shape[1:]
    count = math.prod(size)
    if count > LARGE and not total:
        pieces = spread_blocks(size)
        finer = pieces
    else:
        share = (total or count) / MAX_SAMPLES
        step = max(1, math.ceil(share ** (1 / len(size))))
        pieces = [(slice(None, None, step),) * len(size)]
        finer = list(_in_chunks(pixels, step)) or pieces
    values = _all(pixels, channel, pieces)
    if values is None:  # piece by piece, each with an error that says where
        values = _each(pixels, channel, finer if skip_damage else pieces, skip_damage)
    return np.concatenate([each.ravel() for each in values])


def spread_blocks(size: Sequence[int]) -> list[Piece]:
    """Spread blocks evenly over an image.

    Parameters
    ----------
    size : sequence of int
        Of the image, per spatial axis.

    Returns
    -------
    list of tuple of slice
        They begin on multiples of their size, as chunks usually do.

    Examples
    --------
    >>> blocks = spread_blocks((100_000, 50_000))
    >>> len(blocks), blocks[0]
    (256, (slice(3072, 3328, 2), slice(1536, 1792, 2)))
    """
    block, step = BLOCK[len(size)], STEP[len(size)]
    slots = [-(-length // side) for length, side in zip(size, block, strict=True)]
    counts = [1] * len(size)
    left = float(BLOCKS)
    # as many along each axis, or all there are along short ones
    ascending = sorted(range(len(size)), key=slots.__getitem__)
    for rank, axis in enumerate(ascending):
        even = round(left ** (1 / (len(size) - rank)))
        counts[axis] = max(1, min(slots[axis], even))
        left /= counts[axis]
    along = []
    for length, side, room, count in zip(size, block, slots, counts, strict=True):
        starts = [(2 * n + 1) * room // (2 * count) * side for n in range(count)]
        along.append([slice(at, min(at + side, length), step) for at in starts])
    return list(itertools.product(*along))


def _all(
    pixels: Pixels, channel: int, pieces: list[Piece]
) -> Sequence[NDArray[Any]] | None:
    """Read all pieces, in parallel where that is possible; None if any is damaged."""
    array = pixels.image
    if not isinstance(array, dask.array.Array):
        return None
    try:
        parts = [array[(channel, *piece)] for piece in pieces]
        found = dask.array.compute(*parts)  # type: ignore[no-untyped-call]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # whatever a codec raises
        return None
    return [v.astype(np.uint8) if v.dtype.kind == "b" else v for v in found]


def _each(
    pixels: Pixels, channel: int, pieces: list[Piece], skip_damage: bool
) -> list[NDArray[Any]]:
    found = []
    damage: Exception | None = None
    for piece in pieces:
        try:
            found.append(pixels[(channel, *piece)])
        except MemoryError:
            raise
        except Exception as error:
            if not skip_damage:
                raise
            damage = error
    if damage is not None and not found:
        raise damage
    return found


def _in_chunks(pixels: Pixels, step: int) -> Iterator[Piece]:
    """Yield a grid of pixels chunk by chunk; nothing where there are no chunks."""
    edges = chunk_edges(pixels.image)
    if edges is None:
        return
    spans = [
        [slice(a + -a % step, b, step) for a, b in itertools.pairwise(along)]
        for along in edges[1:]
    ]
    yield from itertools.product(*spans)
