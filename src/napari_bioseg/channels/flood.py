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
from .descent import descend, ways_down
from .parallel import cores, in_parallel, never
from .spread import between, first_word, rim_of, spread

_SMALL = 1 << 12
"""Pixels that are flooded before another thread would wake up."""


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

    A component of the mask with a single seed is simply filled. In the others most
    pixels need no queue, as `descent` explains and proves; what is left falls into many
    pieces that do not touch, each flooded on its own, on every core.

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
    ways: Callable[[], NDArray[np.uint8]] | None = None,
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
    ways : callable, optional
        Returns what `descent.ways_down` found for this landscape and these
        components. Found anew by default.
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
    wanted = np.ones(areas.count + 1, np.bool_) if finished is None else ~finished
    wanted[0] = False
    given_up = np.zeros(1, np.uint8)

    def stop() -> None:
        given_up[0] = 1

    def run(kernel: Callable[..., None], edges: list[int], *work: object) -> None:
        in_parallel(kernel, edges, *work, given_up, cancelled=cancelled, on_cancel=stop)

    runs = (areas.row, areas.start, areas.stop, *areas.groups)
    edges = _shares(np.where(wanted, areas.sizes(), 0)[1:])
    run(_fill, edges, seeds, labels, runs, wanted)
    if not wanted.any():
        return labels
    offsets = neighbours(1 if by_slice else areas.shape[0], connectivity)
    down = ways() if ways else ways_down(landscape, areas, offsets, cancelled)
    images = (down, landscape, seeds)
    rest = descend(*images, areas, wanted, offsets, labels, cancelled)
    del down, images
    parts = components(rest, connectivity, by_slice=by_slice, cancelled=cancelled)
    if parts.count == 0:
        return labels
    runs = (parts.row, parts.start, parts.stop, *parts.groups)
    boxes = _boxes(*runs, areas.shape)
    words = _words(boxes)
    if int(words.max()) * 64 >= 1 << 31:
        raise ValueError(
            f"an object that reaches through an image of shape {areas.shape} is too "
            "large to flood in one piece; divide the image into blocks"
        )
    sizes = parts.sizes()[1:]
    turns = np.argsort(-sizes, kind="stable")  # the largest first, on a core of its own
    flat = (landscape.reshape(-1), seeds.reshape(-1), labels.reshape(-1))
    work = (flat, areas.shape[1:], runs, boxes, words, offsets, turns)
    run(_flood, _shares(sizes[turns]), *work)
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


def _shares(pixels: NDArray[np.int64]) -> list[int]:
    """Return where to cut a list of components for several cores, by their pixels."""
    done = np.cumsum(pixels)
    pieces = max(4 * cores(), int(done[-1]) >> 18) if done[-1] > _SMALL else 1
    cuts = np.searchsorted(done, np.arange(1, pieces) * done[-1] / pieces) + 1
    return sorted({0, *cuts.tolist(), pixels.size})


@numba.njit(nogil=True, cache=True)
def _boxes(row, start, stop, order, first, shape):  # type: ignore[no-untyped-def]
    """Return the first pixel and the pixel after the last, per component and axis.

    The pixels around a component belong to its box, as far as they are in the image.
    """
    boxes = np.empty((first.shape[0] - 1, 2, 3), np.int64)
    for k in range(boxes.shape[0]):
        box = boxes[k]
        box[0] = 1 << 60
        box[1] = 0
        for i in range(first[k], first[k + 1]):
            run = order[i]
            z, y = row[run] // shape[1], row[run] % shape[1]
            box[0, 0] = min(box[0, 0], z)
            box[1, 0] = max(box[1, 0], z + 1)
            box[0, 1] = min(box[0, 1], y)
            box[1, 1] = max(box[1, 1], y + 1)
            box[0, 2] = min(box[0, 2], start[run])
            box[1, 2] = max(box[1, 2], stop[run])
        for axis in range(3):
            box[0, axis] = max(box[0, axis] - 1, 0)
            box[1, axis] = min(box[1, axis] + 1, shape[axis])
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
def _fill(seeds, labels, runs, wanted, given_up, start, stop):  # type: ignore[no-untyped-def]
    """Fill the components that have one seed; they, and those with none, are done."""
    row, begin, end, order, first = runs
    height = seeds.shape[1]
    for k in range(start, stop):
        if not wanted[k + 1]:
            continue
        if given_up[0]:
            return
        mine = order[first[k] : first[k + 1]]
        seed, several = _seeds_of(seeds, row, begin, end, mine, given_up)
        wanted[k + 1] = several
        if seed and not several:
            for run in mine:
                if given_up[0]:
                    return
                line = labels[row[run] // height, row[run] % height]
                line[begin[run] : end[run]] = seed


@numba.njit(nogil=True, cache=True)
def _flood(  # type: ignore[no-untyped-def]
    images, shape, runs, boxes, words, offsets, turns, given_up, start, stop
):
    """Flood components without a seed from the seeds around them."""
    heights, seeds, targets = images
    row, begin, end, order, first = runs
    height, width = shape
    room = pixels = 0
    for k in turns[start:stop]:
        area = 0
        for run in order[first[k] : first[k + 1]]:
            area += end[run] - begin[run]
        around = np.prod(boxes[k, 1] - boxes[k, 0])
        pixels = max(pixels, min(area * (1 + offsets.shape[0]), around))
        room = max(room, words[k])
    free = np.zeros(room, np.uint64)  # a bit for each pixel not yet reached
    chunks, taken, ends, bits = new_chunks(pixels), new_taken(), new_ends(), new_bits()
    steps = np.empty((offsets.shape[0], 2), np.int64)
    for k in turns[start:stop]:
        box = boxes[k]
        stride = (box[1, 2] - box[0, 2]) // 64 + 1
        plane = (box[1, 1] - box[0, 1] + 2) * stride
        for i in range(steps.shape[0]):
            dz, dy, dx = offsets[i]
            steps[i, 0] = (dz * plane + dy * stride) * 64 + dx
            steps[i, 1] = (dz * height + dy) * width + dx
        for run in order[first[k] : first[k + 1]]:
            z, y = row[run] // height, row[run] % height
            word = first_word(box, plane, stride, z, y)
            left, right = begin[run] - box[0, 2], end[run] - box[0, 2]
            for w in range(word + left // 64, word + (right - 1) // 64 + 1):
                free[w] |= between(left - (w - word) * 64, right - (w - word) * 64)
        for z in range(box[0, 0], box[1, 0]):
            if given_up[0]:
                return
            for y in range(box[0, 1], box[1, 1]):
                word = first_word(box, plane, stride, z, y)
                shift = (z * height + y) * width + box[0, 2] - word * 64
                for w in range(word, word + stride):
                    rim = rim_of(free, w, offsets, plane, stride)
                    rim &= between(0, box[1, 2] - box[0, 2] - (w - word) * 64)
                    while rim:
                        pixel = w * 64 + np.int64(lowest_bit(rim))
                        rim &= rim - uint64(1)
                        place = uint64(pixel + shift)
                        # a seed in the mask, which has its label already
                        if seeds[place] and targets[place]:
                            level, label = uint64(heights[place]), targets[place]
                            push(chunks, taken, ends, bits, level, pixel, place, label)
        spread(chunks, taken, ends, bits, free, heights, targets, steps, given_up)
        if given_up[0]:
            return


@numba.njit(nogil=True, cache=True)
def _seeds_of(seeds, row, begin, end, mine, given_up):  # type: ignore[no-untyped-def]
    """Return a component's seed, and whether it has several; 0 if it has none."""
    seed = np.int32(0)
    height = seeds.shape[1]
    for run in mine:
        if given_up[0]:
            break
        line = seeds[row[run] // height, row[run] % height]
        for x in range(begin[run], end[run]):
            if line[x] and line[x] != seed:
                if seed:
                    return seed, True
                seed = line[x]
    return seed, False
