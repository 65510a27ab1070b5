"""Compiled loops over labels; imported by the steps only when they run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def count_pixels(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count the pixels of every object; index 0 is the background."""
    flat = labels.ravel()
    top = np.int32(0)
    for label in flat:
        if label > top:
            top = label
    counts = np.zeros(top + 1, np.int64)
    place = 0
    while place < flat.size:
        label, first = flat[place], place
        while place < flat.size and flat[place] == label:
            place += 1
        counts[label] += place - first
    return counts


@njit(cache=True, nogil=True)
def bounding_boxes(labels: NDArray[np.int32], top: int) -> NDArray[np.int32]:
    """Return first and one past the last Z, Y, X of every object up to ``top``."""
    depth, height, width = labels.shape
    boxes = np.empty((top + 1, 6), np.int32)
    boxes[:, 0], boxes[:, 1], boxes[:, 2] = depth, height, width
    boxes[:, 3:] = 0
    for z in range(depth):
        for y in range(height):
            x = 0
            while x < width:
                label, first = labels[z, y, x], x
                while x < width and labels[z, y, x] == label:
                    x += 1
                if label != 0:
                    box = boxes[label]
                    box[0], box[3] = min(box[0], z), max(box[3], z + 1)
                    box[1], box[4] = min(box[1], y), max(box[4], y + 1)
                    box[2], box[5] = min(box[2], first), max(box[5], x)
    return boxes


@njit(cache=True, nogil=True)
def _ends(line: NDArray[np.int32], label: int) -> tuple[int, int]:
    """Return where an object begins on a line and where it ends; 0, 0 if nowhere."""
    first, stop = 0, len(line)
    while first < stop and line[first] != label:
        first += 1
    while stop > first and line[stop - 1] != label:
        stop -= 1
    return (first, stop) if first < stop else (0, 0)


@njit(cache=True, nogil=True)
def _outside(
    labels: NDArray[np.int32], box: NDArray[np.int32], label: int
) -> tuple[Any, int]:
    """Mark what lies outside one object in its box: 0 hole, 1 object, 2 outside.

    Also returns how many pixels are holes; if none can be, nothing is marked. Before
    and behind the object on its line a pixel is outside, so that only gaps between
    two pixels of the object are looked at: in round objects there are few.
    """
    part = labels[box[0] : box[3], box[1] : box[4], box[2] : box[5]]
    depth, height, width = part.shape
    flat = labels.shape[0] == 1  # a single slice has no above and below
    holes = 0
    for z in range(0 if flat else 1, 1 if flat else depth - 1):
        for y in range(1, height - 1):
            first, stop = _ends(part[z, y], label)
            for x in range(first, stop):
                holes += part[z, y, x] != label
    if holes == 0:
        return np.zeros((0, 0, 0), np.uint8), 0
    state = np.full((depth, height, width), 2, np.uint8)
    for z in range(depth):
        for y in range(height):
            face = y in (0, height - 1) or (not flat and z in (0, depth - 1))
            first, stop = _ends(part[z, y], label)
            for x in range(first, stop):
                if part[z, y, x] == label:
                    state[z, y, x] = 1
                elif not face:
                    state[z, y, x] = 0
    stack = np.empty((holes, 3), np.int32)
    for z in range(depth):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                if state[z, y, x] == 0 and _beside_outside(state, z, y, x, flat):
                    state[z, y, x] = 2
                    stack[0, 0], stack[0, 1], stack[0, 2] = z, y, x
                    holes -= 1 + _spread(state, stack, flat)
    return state, holes


@njit(cache=True, nogil=True)
def _beside_outside(state: Any, z: int, y: int, x: int, flat: bool) -> bool:
    if state[z, y, x - 1] == 2 or state[z, y, x + 1] == 2:
        return True
    if state[z, y - 1, x] == 2 or state[z, y + 1, x] == 2:
        return True
    return not flat and (state[z - 1, y, x] == 2 or state[z + 1, y, x] == 2)


@njit(cache=True, nogil=True)
def _spread(state: Any, stack: NDArray[np.int32], flat: bool) -> int:
    """Mark the gap that the first pixel of the stack opens; return its other pixels.

    No gap lies on a face of the box, so every neighbour of one is in the box.
    """
    marked = 0
    waiting = 1
    while waiting:
        waiting -= 1
        z, y, x = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2]
        for axis in range(1 if flat else 0, 3):
            for step in (-1, 1):
                nz = z + (step if axis == 0 else 0)
                ny = y + (step if axis == 1 else 0)
                nx = x + (step if axis == 2 else 0)
                if state[nz, ny, nx] == 0:
                    state[nz, ny, nx] = 2
                    stack[waiting, 0] = nz
                    stack[waiting, 1] = ny
                    stack[waiting, 2] = nx
                    waiting += 1
                    marked += 1
    return marked


@njit(cache=True, nogil=True)
def count_holes(
    labels: NDArray[np.int32],
    boxes: NDArray[np.int32],
    objects: NDArray[np.int64],
    holes: NDArray[np.int64],
) -> None:
    """Write how many pixels the given objects enclose into ``holes``."""
    for label in objects:
        holes[label] = _outside(labels, boxes[label], label)[1]


@njit(cache=True, nogil=True)
def fill_objects(
    labels: NDArray[np.int32],
    boxes: NDArray[np.int32],
    objects: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Give the background that objects enclose to them, the last one winning."""
    for label in objects:
        box = boxes[label]
        state = _outside(labels, box, label)[0]
        for z in range(state.shape[0]):
            for y in range(state.shape[1]):
                for x in range(state.shape[2]):
                    if state[z, y, x] == 0:
                        place = z + box[0], y + box[1], x + box[2]
                        if labels[place] == 0:
                            out[place] = label


@njit(cache=True, nogil=True)
def keep_largest_pieces(
    labels: NDArray[np.int32],
    boxes: NDArray[np.int32],
    counts: NDArray[np.int64],
    objects: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Clear all but the largest piece of the given objects in ``out``.

    Pixels that share a side, an edge or a corner belong to one piece; of pieces of
    the same size the first in scan order stays.
    """
    for label in objects:
        box = boxes[label]
        depth, height, width = box[3] - box[0], box[4] - box[1], box[5] - box[2]
        piece = np.zeros((depth, height, width), np.int32)
        stack = np.empty(counts[label], np.int64)
        pieces = 0
        found = 0
        largest = 0
        best = 0
        for start in range(depth * height * width):
            x, y = start % width, start // width % height
            z = start // width // height
            if piece[z, y, x] or labels[z + box[0], y + box[1], x + box[2]] != label:
                continue
            pieces += 1
            piece[z, y, x] = pieces
            stack[0] = start
            waiting = 1
            size = 0
            while waiting:
                waiting -= 1
                size += 1
                x, y = stack[waiting] % width, stack[waiting] // width % height
                z = stack[waiting] // width // height
                for nz in range(max(z - 1, 0), min(z + 2, depth)):
                    for ny in range(max(y - 1, 0), min(y + 2, height)):
                        for nx in range(max(x - 1, 0), min(x + 2, width)):
                            if piece[nz, ny, nx] == 0:
                                place = nz + box[0], ny + box[1], nx + box[2]
                                if labels[place] == label:
                                    piece[nz, ny, nx] = pieces
                                    stack[waiting] = (nz * height + ny) * width + nx
                                    waiting += 1
            found += size
            if size > largest:
                largest, best = size, pieces
            if found == counts[label]:
                break
        if pieces > 1:
            for z in range(depth):
                for y in range(height):
                    for x in range(width):
                        if piece[z, y, x] and piece[z, y, x] != best:
                            out[z + box[0], y + box[1], x + box[2]] = 0


@njit(cache=True, nogil=True)
def number_pieces(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give each piece of a class a number, 1…n in scan order; 0 stays background."""
    depth, height, width = labels.shape
    pieces = np.zeros(labels.shape, np.int32)
    stack = np.empty(1024, np.int64)
    count = 0
    for start in range(labels.size):
        x, y = start % width, start // width % height
        z = start // width // height
        value = labels[z, y, x]
        if value == 0 or pieces[z, y, x]:
            continue
        count += 1
        pieces[z, y, x] = count
        stack[0] = start
        waiting = 1
        while waiting:
            waiting -= 1
            x, y = stack[waiting] % width, stack[waiting] // width % height
            z = stack[waiting] // width // height
            if waiting + 27 > len(stack):
                larger = np.empty(2 * len(stack), np.int64)
                larger[:waiting] = stack[:waiting]
                stack = larger
            for nz in range(max(z - 1, 0), min(z + 2, depth)):
                for ny in range(max(y - 1, 0), min(y + 2, height)):
                    for nx in range(max(x - 1, 0), min(x + 2, width)):
                        if labels[nz, ny, nx] == value and pieces[nz, ny, nx] == 0:
                            pieces[nz, ny, nx] = count
                            stack[waiting] = (nz * height + ny) * width + nx
                            waiting += 1
    return pieces


@njit(cache=True, nogil=True)
def touching_pairs(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return pairs of objects that touch, smaller number first, with repeats."""
    depth, height, width = labels.shape
    pairs = np.empty((1024, 2), np.int32)
    count = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                label = labels[z, y, x]
                if label == 0:
                    continue
                last = 0
                for step in range(13):  # half of the 26 neighbours
                    code = step + 14
                    nz = z + code // 9 - 1
                    ny = y + code // 3 % 3 - 1
                    nx = x + code % 3 - 1
                    if not (nz < depth and 0 <= ny < height and 0 <= nx < width):
                        continue
                    other = labels[nz, ny, nx]
                    if other != 0 and other != label and other != last:
                        last = other
                    else:
                        continue
                    if count == pairs.shape[0]:
                        larger = np.empty((2 * count, 2), np.int32)
                        larger[:count] = pairs
                        pairs = larger
                    pairs[count, 0] = min(label, other)
                    pairs[count, 1] = max(label, other)
                    count += 1
    return pairs[:count]


@njit(cache=True, nogil=True)
def commonest(
    labels: NDArray[np.int32],
    window: NDArray[np.int64],
    out: NDArray[np.int32],
    start: int,
    stop: int,
) -> None:
    """Write the commonest number around every pixel of some rows."""
    depth, height, width = labels.shape
    names = np.empty(window.shape[0], np.int32)
    votes = np.empty(window.shape[0], np.int32)
    for row in range(start, stop):
        z, y = row // height, row % height
        for x in range(width):
            own = labels[z, y, x]
            names[0] = own
            votes[0] = 0
            count = 1
            for i in range(window.shape[0]):
                nz, ny, nx = z + window[i, 0], y + window[i, 1], x + window[i, 2]
                if not (0 <= nz < depth and 0 <= ny < height and 0 <= nx < width):
                    continue
                name = labels[nz, ny, nx]
                place = 0
                while place < count and names[place] != name:
                    place += 1
                if place == count:
                    names[place] = name
                    votes[place] = 0
                    count += 1
                votes[place] += 1
                if 2 * votes[0] > window.shape[0]:
                    break  # nothing can outnumber it any more
            best = 0
            if 2 * votes[0] <= window.shape[0]:
                for place in range(1, count):
                    more = votes[place] > votes[best]
                    equal = votes[place] == votes[best] and best != 0
                    if more or (equal and names[place] < names[best]):
                        best = place
            out[z, y, x] = names[best]
