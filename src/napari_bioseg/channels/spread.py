"""One component of the mask flooded: its free pixels as bits, its queue of pixels.

The bits lie in a box around the component, one word after the other along each row, so
that the neighbours of 64 pixels are looked at in a few steps and a large component's
bits stay in the cache.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import int64, uint64

from .buckets import GROUPS, LABELS, PIXELS, PLACES, SLOTS, TOP, lowest_bit

_BATCH = 64
"""Pixels reached before their heights are looked up."""


@numba.njit(nogil=True, cache=True)
def first_word(box, plane, stride, z, y):  # type: ignore[no-untyped-def]
    """Return where a row begins in the bit map of a box."""
    return (z - box[0, 0] + 1) * plane + (y - box[0, 1] + 1) * stride + 1


@numba.njit(nogil=True, cache=True)
def between(left, right):  # type: ignore[no-untyped-def]
    """Return a word with the bits from left to right - 1 set."""
    bits = ~uint64(0)
    if left > 0:
        bits &= ~uint64(0) << uint64(left)
    if right < 64:
        bits &= ~(~uint64(0) << uint64(right))
    return bits


@numba.njit(nogil=True, cache=True)
def rim_of(free, word, offsets, plane, stride):  # type: ignore[no-untyped-def]
    """Return which pixels of a word are not free but have a free neighbour."""
    near = uint64(0)
    for i in range(offsets.shape[0]):
        other = word + offsets[i, 0] * plane + offsets[i, 1] * stride
        bits = free[other]
        if offsets[i, 2] > 0:
            bits >>= uint64(1)
            bits |= free[other + 1] << uint64(63)
        elif offsets[i, 2] < 0:
            bits = bits << uint64(1) | free[other - 1] >> uint64(63)
        near |= bits
    return near & ~free[word]


@numba.njit(nogil=True, cache=True)
def spread(  # type: ignore[no-untyped-def]
    chunks, taken, ends, bits, free, heights, targets, steps, given_up
):
    """Let every queued pixel hand its label on, lowest level first.

    `push` is written out here: a call that is handed arrays counts references to
    them, which takes as long as all the rest. Nearly all of a flood's time is spent
    in these lines.
    """
    one, low_six = uint64(1), uint64(63)
    fresh, spare = taken[0], taken[1]
    # pixels reached wait here, so that their heights are fetched side by side
    room = _BATCH + steps.shape[0]
    pixels, places = np.empty(room, np.uint64), np.empty(room, np.uint64)
    labels, levels = np.empty(room, np.int32), np.empty(room, np.uint64)
    while bits[TOP]:
        group = lowest_bit(bits[TOP])
        word = group << uint64(6) | lowest_bit(bits[GROUPS + group])
        water = word << uint64(6) | lowest_bit(bits[word])
        chunk, slot = uint64(ends[water, 0]), uint64(0)
        while True:
            last = uint64(ends[water, 1])  # moves on while the level is worked off
            count = uint64(0)
            while count < _BATCH and chunk << uint64(3) | slot != last:
                if slot == SLOTS:
                    after = uint64(chunks[chunk, 0])
                    chunks[chunk, 0] = spare
                    spare = int64(chunk)
                    chunk, slot = after, uint64(0)
                    if given_up[0]:
                        return
                pixel = uint64(chunks[chunk, PIXELS + slot])
                place = uint64(chunks[chunk, PLACES + slot])
                label = chunks[chunk, LABELS + slot]
                slot += one
                for i in range(steps.shape[0]):
                    neighbour = pixel + uint64(steps[i, 0])
                    mask = free[neighbour >> uint64(6)]
                    bit = one << (neighbour & low_six)
                    if mask & bit:
                        free[neighbour >> uint64(6)] = mask ^ bit
                        pixels[count] = neighbour
                        places[count] = place + uint64(steps[i, 1])
                        labels[count] = label
                        count += one
            if count == 0:
                break
            for i in range(count):
                levels[i] = max(uint64(heights[places[i]]), water)
                targets[places[i]] = labels[i]
            for i in range(count):
                level = levels[i]
                entry = ends[level, 1]
                if entry < 0:
                    if spare >= 0:
                        target = uint64(spare)
                        spare = int64(chunks[target, 0])
                    else:
                        target = uint64(fresh)
                        fresh += 1
                    end = uint64(0)
                    ends[level, 0] = target
                    bits[level >> uint64(6)] |= one << (level & low_six)
                    above = level >> uint64(12)
                    bits[GROUPS + above] |= one << (level >> uint64(6) & low_six)
                    bits[TOP] |= one << above
                else:
                    target, end = uint64(entry) >> uint64(3), uint64(entry) & uint64(7)
                    if end == SLOTS:
                        full = target
                        if spare >= 0:
                            target = uint64(spare)
                            spare = int64(chunks[target, 0])
                        else:
                            target = uint64(fresh)
                            fresh += 1
                        chunks[full, 0] = target
                        end = uint64(0)
                chunks[target, PIXELS + end] = pixels[i]
                chunks[target, PLACES + end] = places[i]
                chunks[target, LABELS + end] = labels[i]
                ends[level, 1] = target << uint64(3) | (end + one)
        chunks[chunk, 0] = spare
        spare = int64(chunk)
        ends[water, 0] = -1
        ends[water, 1] = -1
        bits[word] &= ~(one << (water & low_six))
        if not bits[word]:
            bits[GROUPS + group] &= ~(one << (word & low_six))
            if not bits[GROUPS + group]:
                bits[TOP] &= ~(one << group)
    taken[0], taken[1] = fresh, spare
