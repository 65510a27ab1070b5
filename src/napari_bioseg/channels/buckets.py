"""A priority queue of pixels in 65,536 levels, first in first out within each.

An entry is a pixel, the same pixel in other coordinates, and its label. Entries of one
level lie in a chain of chunks. The parts of a queue are arrays of their own and the
numbers unsigned: a tuple of arrays, or indices that may count from the end, would cost
more than the work itself.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types, uint64
from numba.extending import intrinsic

from .landscape import LEVELS

SLOTS = 5
"""Entries in a chunk: with the number of the next chunk they fill a cache line."""
PIXELS, PLACES, LABELS = uint64(1), uint64(1 + SLOTS), uint64(1 + 2 * SLOTS)
"""Where they begin in a chunk; before them stands the number of the next chunk."""
GROUPS = uint64(LEVELS // 64)
TOP = uint64(LEVELS // 64 + LEVELS // 4096)
"""Where the second and third part of the bits begin."""


def _lowest_bit(_context: Any, word: Any) -> Any:
    """Return the place of the lowest bit set, one machine instruction."""

    def build(_codegen: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    del word
    return types.uint64(types.uint64), build


lowest_bit: Any = intrinsic(_lowest_bit)


@numba.njit(nogil=True, cache=True)
def new_chunks(entries):  # type: ignore[no-untyped-def]
    """Return room for so many entries at once, in however many levels."""
    chunks = min(entries, entries // SLOTS + LEVELS) + 1
    return np.empty((chunks, 16), np.int32)


@numba.njit(nogil=True, cache=True)
def new_taken():  # type: ignore[no-untyped-def]
    """Return how many chunks were taken, and the one given back last."""
    return np.array([0, -1])


@numba.njit(nogil=True, cache=True)
def new_ends():  # type: ignore[no-untyped-def]
    """Return each level's first chunk, and its last with the number of entries."""
    return np.full((LEVELS, 2), -1, np.int32)


@numba.njit(nogil=True, cache=True)
def new_bits():  # type: ignore[no-untyped-def]
    """Return which levels have entries, as bits.

    A bit of the second part stands for 64 bits of the first, one of the third for 64
    of the second, so the lowest level is found in three steps.
    """
    return np.zeros(TOP + uint64(1), np.uint64)


@numba.njit(nogil=True, cache=True, inline="always")
def _take(chunks, taken):  # type: ignore[no-untyped-def]
    """Return a free chunk; the one given back last, if any, is still in the cache."""
    chunk = taken[1]
    if chunk >= 0:
        taken[1] = chunks[uint64(chunk), 0]
    else:
        chunk = taken[0]
        taken[0] += 1
    return uint64(chunk)


@numba.njit(nogil=True, cache=True, inline="always")
def push(chunks, taken, ends, bits, level, pixel, place, label):  # type: ignore[no-untyped-def]
    """Append an entry to the end of a level."""
    if ends[level, 1] < 0:
        chunk, slot = _take(chunks, taken), uint64(0)
        ends[level, 0] = chunk
        word = level >> uint64(6)
        group = level >> uint64(12)
        bits[word] |= uint64(1) << (level & uint64(63))
        bits[GROUPS + group] |= uint64(1) << (word & uint64(63))
        bits[TOP] |= uint64(1) << group
    else:
        last = uint64(ends[level, 1])
        chunk, slot = last >> uint64(3), last & uint64(7)
        if slot == SLOTS:
            after = _take(chunks, taken)
            chunks[chunk, 0] = after
            chunk, slot = after, uint64(0)
    chunks[chunk, PIXELS + slot] = pixel
    chunks[chunk, PLACES + slot] = place
    chunks[chunk, LABELS + slot] = label
    ends[level, 1] = np.int32(chunk << uint64(3) | (slot + uint64(1)))
