"""A priority queue of pixels in 65,536 levels, first in first out within each.

An entry is a pixel, the same pixel in other coordinates, and its label. Entries of one
level lie in a chain of chunks. The functions take the parts of the queue one by one,
and unsigned numbers: as a tuple, or with indices that may count from the end, they
would cost more than the work itself.
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
_PIXELS, _PLACES, _LABELS = 1, 1 + SLOTS, 1 + 2 * SLOTS
_GROUPS = LEVELS // 64
_TOP = _GROUPS + LEVELS // 4096


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
    return np.zeros(_TOP + 1, np.uint64)


@numba.njit(nogil=True, cache=True)
def give_back(chunks, taken, chunk):  # type: ignore[no-untyped-def]
    """Free a chunk whose entries were read."""
    chunks[chunk, 0] = taken[1]
    taken[1] = np.int64(chunk)


@numba.njit(nogil=True, cache=True)
def _take(chunks, taken):  # type: ignore[no-untyped-def]
    """Return a free chunk; the one given back last, if any, is still in the cache."""
    chunk = taken[1]
    if chunk >= 0:
        taken[1] = chunks[uint64(chunk), 0]
    else:
        chunk = taken[0]
        taken[0] += 1
    return uint64(chunk)


@numba.njit(nogil=True, cache=True)
def push(chunks, taken, ends, bits, level, pixel, place, label):  # type: ignore[no-untyped-def]
    """Append an entry to the end of a level."""
    if ends[level, 1] < 0:
        chunk, slot = _take(chunks, taken), uint64(0)
        ends[level, 0] = chunk
        word = level >> uint64(6)
        group = level >> uint64(12)
        bits[word] |= uint64(1) << (level & uint64(63))
        bits[uint64(_GROUPS) + group] |= uint64(1) << (word & uint64(63))
        bits[uint64(_TOP)] |= uint64(1) << group
    else:
        last = uint64(ends[level, 1])
        chunk, slot = last >> uint64(3), last & uint64(7)
        if slot == SLOTS:
            after = _take(chunks, taken)
            chunks[chunk, 0] = after
            chunk, slot = after, uint64(0)
    chunks[chunk, uint64(_PIXELS) + slot] = pixel
    chunks[chunk, uint64(_PLACES) + slot] = place
    chunks[chunk, uint64(_LABELS) + slot] = label
    ends[level, 1] = np.int32(chunk << uint64(3) | (slot + uint64(1)))


@numba.njit(nogil=True, cache=True)
def read(chunks, chunk, slot):  # type: ignore[no-untyped-def]
    """Return an entry: pixel, place and label."""
    return (
        uint64(chunks[chunk, uint64(_PIXELS) + slot]),
        uint64(chunks[chunk, uint64(_PLACES) + slot]),
        chunks[chunk, uint64(_LABELS) + slot],
    )


@numba.njit(nogil=True, cache=True)
def lowest(bits):  # type: ignore[no-untyped-def]
    """Return the lowest level that has entries; -1 if there is none."""
    if bits[_TOP] == 0:
        return -1
    group = lowest_bit(bits[_TOP])
    word = group << uint64(6) | lowest_bit(bits[uint64(_GROUPS) + group])
    return np.int64(word << uint64(6) | lowest_bit(bits[word]))


@numba.njit(nogil=True, cache=True)
def close(ends, bits, level):  # type: ignore[no-untyped-def]
    """Forget a level whose entries were all read."""
    ends[level, 0] = -1
    ends[level, 1] = -1
    word = level >> uint64(6)
    group = level >> uint64(12)
    bits[word] &= ~(uint64(1) << (level & uint64(63)))
    if bits[word] == 0:
        bits[uint64(_GROUPS) + group] &= ~(uint64(1) << (word & uint64(63)))
        if bits[uint64(_GROUPS) + group] == 0:
            bits[uint64(_TOP)] &= ~(uint64(1) << group)
