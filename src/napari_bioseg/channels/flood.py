"""Marker-controlled watershed, one connected component of the mask at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numba
import numpy as np
from numba import uint64
from numpy.typing import NDArray

from .buckets import lowest_bit, new_bits, new_chunks, new_ends, new_taken, push
from .connected import Components, components
from .parallel import cores, in_parallel, never
from .spread import between, first_word, free_run, rim_of, spread

_GIANT = 8
"""Components whose box is larger than this part of the image are flooded one by one,
so that only one of them needs room at a time."""
_MODEST = 1 << 22
"""Pixels of a box that is never too large."""


def flood(
    landscape: NDArray[np.uint16],
    seeds: NDArray[np.int32],
    mask: NDArray[np.bool_] | None = None,
    connectivity: int = 1,
) -> NDArray[np.int32]:
    """Grow seeds over a landscape from low to high until they meet.

    Parameters
    ----------
    landscape : ndarray
        uint16, 2-D or 3-D.
    seeds : ndarray
        int32, same shape; 0 where there is no seed.
    mask : ndarray, optional
        bool, same shape: where seeds may grow, and where they count. Everywhere by
        default.
    connectivity : int
        1 grows to pixels that share a side, 2 an edge, 3 a corner.

    Returns
    -------
    ndarray
        int32, same shape; 0 outside the mask and where no seed gets to.

    Notes
    -----
    Pixels wait in one queue a level, first in first out [1]_; a pixel lower than the
    water that reaches it drowns at once. The result is that of
    `skimage.segmentation.watershed`, pixel for pixel, up to one kind of tie: where
    two seeds of one level touch the same free pixel, skimage's choice depends on how
    its heap happens to be laid out; here the seed pixel that comes first in scan order
    wins.

    A component of the mask is never entered from another one, so each is flooded on
    its own, on every core and in a piece of memory that fits a cache, and one with a
    single seed is simply filled.

    References
    ----------
    .. [1] F. Meyer, "Topographic distance and watershed lines", Signal Processing 38
       (1994) 113-125, :doi:`10.1016/0165-1684(94)90060-4`

    Examples
    --------
    >>> import numpy as np
    >>> landscape = np.array([[1, 2, 3, 4, 2, 1]], dtype=np.uint16)
    >>> seeds = np.array([[1, 0, 0, 0, 0, 2]], dtype=np.int32)
    >>> flood(landscape, seeds)
    array([[1, 1, 1, 2, 2, 2]], dtype=int32)
    """
    shape = landscape.shape if landscape.ndim == 3 else (1, *landscape.shape)
    inside = np.ones(shape, np.bool_) if mask is None else mask.reshape(shape)
    areas = components(np.ascontiguousarray(inside), min(connectivity, landscape.ndim))
    labels = flood_components(
        np.ascontiguousarray(landscape).reshape(shape),
        np.ascontiguousarray(seeds).reshape(shape),
        areas,
        connectivity,
    )
    return labels.reshape(landscape.shape)


def flood_components(
    landscape: NDArray[np.uint16],
    seeds: NDArray[np.int32],
    areas: Components,
    connectivity: int,
    *,
    by_slice: bool = False,
    finished: NDArray[np.bool_] | None = None,
    labels: NDArray[np.int32] | None = None,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.int32]:
    """Flood the connected components of a mask.

    Parameters
    ----------
    landscape, seeds : ndarray
        uint16 and int32, ``(Z, Y, X)``, C-contiguous.
    areas : Components
        Components of the mask, found with the same connectivity.
    connectivity : int
        Neighbours that seeds grow to.
    by_slice : bool
        Whether z slices stay apart.
    finished : ndarray, optional
        bool, by component: those that ``labels`` has already.
    labels : ndarray, optional
        Where to write; a new array of zeros by default.
    cancelled : callable
        Asked every few milliseconds whether to give up.

    Returns
    -------
    ndarray
        int32, ``(Z, Y, X)``.
    """
    if labels is None:
        labels = np.zeros(areas.shape, np.int32)
    if areas.count == 0:
        return labels
    if finished is None:
        finished = np.zeros(areas.count + 1, np.bool_)
    order, first = areas.groups
    boxes = _boxes(areas.row, areas.start, areas.stop, order, first, areas.shape[1])
    words = _words(boxes)
    if int(words.max()) * 64 >= 1 << 31:
        raise ValueError(
            f"an object that reaches through an image of shape {areas.shape} is too "
            "large to flood in one piece; divide the image into blocks"
        )
    offsets = neighbours(1 if by_slice else areas.shape[0], connectivity)
    given_up = np.zeros(1, np.uint8)

    def stop() -> None:
        given_up[0] = 1

    work = (
        (landscape, landscape.reshape(-1), seeds, labels, labels.reshape(-1)),
        (areas.row, areas.start, areas.stop),
        (order, first, boxes, words),
        finished,
        offsets,
        given_up,
    )
    for edges in _rounds(areas, words * 64, finished):
        in_parallel(_flood, edges, *work, cancelled=cancelled, on_cancel=stop)
    return labels


def neighbours(depth: int, connectivity: int) -> NDArray[np.int64]:
    """Return the steps to a pixel's neighbours, nearest first, then in scan order.

    Parameters
    ----------
    depth : int
        Pixels along z; with 1 there is no step along z.
    connectivity : int
        Along how many axes one step may go.

    Returns
    -------
    ndarray
        Shape ``(n, 3)``.
    """
    reach = (0,) if depth == 1 else (-1, 0, 1)
    steps = [
        step
        for step in itertools.product(reach, (-1, 0, 1), (-1, 0, 1))
        if 0 < sum(map(abs, step)) <= connectivity
    ]
    steps.sort(key=lambda step: sum(map(abs, step)))
    return np.array(steps, np.int64).reshape(-1, 3)


def _rounds(
    areas: Components, rooms: NDArray[np.int64], finished: NDArray[np.bool_]
) -> list[list[int]]:
    """Divide components among the cores, by pixels; giants come first, alone."""
    pixels = np.where(finished, 0, areas.sizes())[1:]
    volume = int(np.prod(areas.shape))
    large = rooms > max(volume // _GIANT, _MODEST)
    giants = np.flatnonzero(large & (pixels > 0))
    rounds = [[int(giant), int(giant) + 1] for giant in giants]
    done = np.cumsum(pixels)
    pieces = max(4 * cores(), int(done[-1]) >> 18)
    cuts = np.searchsorted(done, np.arange(1, pieces) * done[-1] / pieces) + 1
    edges = sorted({0, *cuts.tolist(), areas.count, *giants.tolist()})
    rest = sorted({*edges, *(giants + 1).tolist()})
    # giants left out: pieces between them may run side by side
    alone = set(giants.tolist())
    spans = [span for span in itertools.pairwise(rest) if span[0] not in alone]
    batch: list[int] = []
    for start, stop in spans:
        if batch and batch[-1] != start:
            rounds.append(batch)
            batch = []
        batch = batch or [start]
        batch.append(stop)
    return [*rounds, batch] if batch else rounds


@numba.njit(nogil=True, cache=True)
def _boxes(row, start, stop, order, first, height):  # type: ignore[no-untyped-def]
    """Return the first pixel and the pixel after the last, per component and axis."""
    boxes = np.empty((first.shape[0] - 1, 2, 3), np.int64)
    for k in range(boxes.shape[0]):
        box = boxes[k]
        box[0] = 1 << 60
        box[1] = 0
        for i in range(first[k], first[k + 1]):
            run = order[i]
            z, y = row[run] // height, row[run] % height
            box[0, 0] = min(box[0, 0], z)
            box[1, 0] = max(box[1, 0], z + 1)
            box[0, 1] = min(box[0, 1], y)
            box[1, 1] = max(box[1, 1], y + 1)
            box[0, 2] = min(box[0, 2], start[run])
            box[1, 2] = max(box[1, 2], stop[run])
    return boxes


def _words(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the words of a bit map of each box, framed by unset bits.

    Each row ends with one, a row and a plane of them lie before and after, and a word
    at both ends, for the corners.
    """
    depth, height, width = (boxes[:, 1] - boxes[:, 0]).T
    words: NDArray[np.int64] = (depth + 2) * (height + 2) * (width // 64 + 1) + 2
    return words


@numba.njit(nogil=True, cache=True)
def _flood(  # type: ignore[no-untyped-def]
    images, runs, groups, finished, offsets, given_up, start, stop
):
    landscape, heights, seeds, labels, targets = images
    row, begin, end = runs
    order, first, boxes, words = groups
    _, height, width = landscape.shape
    several = np.zeros(stop - start, np.bool_)
    room = pixels = 0
    for k in range(start, stop):
        if finished[k + 1]:
            continue
        mine = order[first[k] : first[k + 1]]
        seed, several[k - start] = _seeds_of(seeds, row, begin, end, mine)
        if given_up[0]:
            return
        if several[k - start]:
            room = max(room, words[k])
            area = 0
            for run in mine:
                area += end[run] - begin[run]
            pixels = max(pixels, area)
        elif seed:
            for run in mine:
                line = labels[row[run] // height, row[run] % height]
                line[begin[run] : end[run]] = seed
    if room == 0:
        return
    free = np.zeros(room, np.uint64)  # a bit for each pixel not yet reached
    chunks, taken, ends, bits = new_chunks(pixels), new_taken(), new_ends(), new_bits()
    steps = np.empty((offsets.shape[0], 2), np.int64)
    for k in range(start, stop):
        if not several[k - start]:
            continue
        mine = order[first[k] : first[k + 1]]
        box = boxes[k]
        stride = (box[1, 2] - box[0, 2]) // 64 + 1
        plane = (box[1, 1] - box[0, 1] + 2) * stride
        for i in range(steps.shape[0]):
            dz, dy, dx = offsets[i]
            steps[i, 0] = (dz * plane + dy * stride) * 64 + dx
            steps[i, 1] = (dz * height + dy) * width + dx
        for run in mine:
            if given_up[0]:
                return
            z, y = row[run] // height, row[run] % height
            word = first_word(box, plane, stride, z, y)
            left = begin[run] - box[0, 2]
            span = slice(begin[run], end[run])
            free_run(free, word, left, seeds[z, y, span], labels[z, y, span])
        for run in mine:
            if given_up[0]:
                return
            z, y = row[run] // height, row[run] % height
            word = first_word(box, plane, stride, z, y)
            left, right = begin[run] - box[0, 2], end[run] - box[0, 2]
            shift = row[run] * width + box[0, 2] - word * 64
            for w in range(word + left // 64, word + (right - 1) // 64 + 1):
                rim = rim_of(free, w, offsets, plane, stride)
                rim &= between(left - (w - word) * 64, right - (w - word) * 64)
                while rim:
                    pixel = w * 64 + np.int64(lowest_bit(rim))
                    rim &= rim - uint64(1)
                    place = uint64(pixel + shift)
                    level, label = uint64(heights[place]), targets[place]
                    push(chunks, taken, ends, bits, level, pixel, place, label)
        spread(chunks, taken, ends, bits, free, heights, targets, steps, given_up)
        if given_up[0]:
            return


@numba.njit(nogil=True, cache=True)
def _seeds_of(seeds, row, begin, end, mine):  # type: ignore[no-untyped-def]
    """Return a component's seed, and whether it has several; 0 if it has none."""
    seed = np.int32(0)
    height = seeds.shape[1]
    for run in mine:
        line = seeds[row[run] // height, row[run] % height]
        for x in range(begin[run], end[run]):
            if line[x] and line[x] != seed:
                if seed:
                    return seed, True
                seed = line[x]
    return seed, False
