"""How large blocks are, how far they look beyond, and how many fit into memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

HALO = 48
"""Pixels in Y and X that blocks look beyond at first, if objects are as large."""
SMALLEST_HALO = 16
_USUAL_HALO = 32
_STEP = {2: 512, 3: 64}
_LARGEST = {2: 8192, 3: 512}

Size = tuple[int, int, int]


def bytes_a_block(
    block: Sequence[int], halo: Sequence[int], channels: int, shape: Sequence[int]
) -> int:
    """Return the memory that one block takes at its widest.

    Parameters
    ----------
    block, halo : sequence of int
        In pixels, along Z, Y and X.
    channels : int
        How many there are.
    shape : sequence of int
        Of the volume, beyond which no block looks.

    Returns
    -------
    int
    """
    pixels = math.prod(
        min(b + 2 * h, n) for b, h, n in zip(block, halo, shape, strict=True)
    )
    # channels as stored and as float32; seeds, labels, levels, masks and their runs
    return pixels * (5 * channels + 16)


def margins_of(halo: int, spacing: Sequence[float], *, flat: bool) -> Size:
    """Return a halo per axis: less along a coarser Z, none without Z.

    Parameters
    ----------
    halo : int
        Pixels in Y and X.
    spacing : sequence of float
        Along Z, Y and X.
    flat : bool
        Whether the image is a plane.

    Returns
    -------
    tuple of int
    """
    deep = max(4, math.ceil(halo * min(1.0, spacing[2] / spacing[0])))
    return 0 if flat else deep, halo, halo


def halo_for(pixels: int, objects: int, spacing: Sequence[float], *, flat: bool) -> int:
    """Return a halo in Y and X that most objects fit into.

    Parameters
    ----------
    pixels, objects : int
        Of foreground, and how many objects share it.
    spacing : sequence of float
        Along Z, Y and X.
    flat : bool
        Whether the image is a plane.

    Returns
    -------
    int
        One and a half diameters of the mean object as a disc or ball; blocks in which
        one is larger are done again with a wider halo, so this decides only the time
        that it takes.
    """
    if not objects:
        return SMALLEST_HALO
    mean = pixels / objects
    if flat:
        diameter = 2 * math.sqrt(mean / math.pi)
    else:
        mean *= spacing[0] / spacing[2]
        diameter = 2 * (3 * mean / (4 * math.pi)) ** (1 / 3)
    wanted = 8 * math.ceil(1.5 * diameter / 8)
    return min(max(wanted, SMALLEST_HALO), HALO)


def workers_for(
    block: Size, halo: Size, channels: int, shape: Size, room: int, cores: int
) -> int:
    """Return how many blocks are worked on at once.

    Parameters
    ----------
    block, halo : tuple of int
        Along Z, Y and X.
    channels : int
        How many there are.
    shape : tuple of int
        Of the volume.
    room : int
        Bytes that may be taken.
    cores : int
        How many there are.

    Returns
    -------
    int
    """
    need = bytes_a_block(block, halo, channels, shape)
    return max(1, min(cores, room // need))


def block_for(
    shape: Size,
    spacing: Sequence[float],
    channels: int,
    room: int,
    cores: int,
    *,
    flat: bool,
) -> Size:
    """Return the size of blocks that is done with soonest.

    Parameters
    ----------
    shape : tuple of int
        Of the volume.
    spacing : sequence of float
        Along Z, Y and X.
    channels : int
        How many there are.
    room : int
        Bytes that may be taken.
    cores : int
        How many there are.
    flat : bool
        Whether the image is a plane.

    Returns
    -------
    tuple of int
        Whole chunks. Large blocks look beyond themselves less often, small ones keep
        more cores busy.
    """
    step = _STEP[2 if flat else 3]
    largest = _LARGEST[2 if flat else 3]
    widest = margins_of(HALO, spacing, flat=flat)
    usual = margins_of(_USUAL_HALO, spacing, flat=flat)
    sides = [
        sorted({min(side, length) for side in range(step, largest + 1, step)})
        for length in shape
    ]
    best, least = (sides[0][0], sides[1][0], sides[2][0]), math.inf
    for z, y, x in itertools.product(*sides):
        block = (z, y, x)
        if bytes_a_block(block, widest, channels, shape) > room:
            continue
        blocks = math.prod(math.ceil(n / b) for n, b in zip(shape, block, strict=True))
        seen = math.prod(
            min(b + 2 * h, n) for b, h, n in zip(block, usual, shape, strict=True)
        )
        at_once = workers_for(block, widest, channels, shape, room, cores)
        seconds = math.ceil(blocks / min(at_once, blocks)) * seen
        if seconds < least:
            best, least = block, seconds
    return best
