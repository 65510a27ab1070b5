"""Where each object lies, found once and kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import cores, in_parallel, never

from .change import Box, Change

WINDOW = 48
"""Pixels around a point in which the search for an object begins."""
SLAB = 1 << 25
"""Pixels of a lazy image that are read at once."""
LARGEST_ID = 1 << 26
"""Ids up to here have a row in a table; larger ones are renumbered while searching."""


class Boxes:
    """The box of every object of an image of labels.

    Boxes only ever grow, so they stay right when a correction is undone or done
    again: a box may be too large afterwards, never too small. `box_of` shrinks what it
    reads to the object.

    Parameters
    ----------
    boxes : dict
        First pixel and the pixel after the last, ``(2, axes)``, by id.

    Examples
    --------
    >>> import numpy as np
    >>> boxes = find_boxes(np.array([[0, 4, 4], [7, 0, 4]]))
    >>> boxes[4], boxes.largest
    ((slice(0, 2, None), slice(1, 3, None)), 7)
    """

    def __init__(self, boxes: dict[int, NDArray[np.int64]]) -> None:
        self._boxes = boxes
        self.largest = max(boxes, default=0)

    def __getitem__(self, number: int) -> Box:
        low, high = self._boxes[number]
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def __contains__(self, number: int) -> bool:
        return number in self._boxes

    def __len__(self) -> int:
        return len(self._boxes)

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the objects, those included that went and may come back."""
        return tuple(self._boxes)

    def get(self, number: int) -> Box | None:
        """Return the box of an object, or None where it is not known.

        Parameters
        ----------
        number : int
            Id of the object.

        Returns
        -------
        tuple of slice or None
        """
        return self[number] if number in self._boxes else None

    def include(self, number: int, box: Box) -> None:
        """Let the box of an object reach around another box too.

        Parameters
        ----------
        number : int
            Id of the object, known or new.
        box : tuple of slice
            Where some of its pixels may be.
        """
        corners = np.array([[s.start for s in box], [s.stop for s in box]], np.int64)
        known = self._boxes.get(number)
        if known is not None:
            corners[0] = np.minimum(corners[0], known[0])
            corners[1] = np.maximum(corners[1], known[1])
        self._boxes[number] = corners
        self.largest = max(self.largest, number)

    def follow(self, change: Change) -> None:
        """Take a correction into account.

        Parameters
        ----------
        change : Change
            What was corrected, in the axes of the boxes.
        """
        for number in np.unique(change.new):
            if number > 0:
                mine = change.new == number
                box = tuple(
                    slice(int(places[mine].min()), int(places[mine].max()) + 1)
                    for places in change.indices
                )
                self.include(int(number), box)


def find_boxes(labels: Any, cancelled: Callable[[], bool] = never) -> Boxes:
    """Find the box of every object in one pass over the image.

    Parameters
    ----------
    labels : array
        Integer labels, 2-D or 3-D, numpy or lazy (dask, zarr); a lazy image is read in
        slabs, never all at once.
    cancelled : callable
        Asked between slabs whether to give up.

    Returns
    -------
    Boxes
        Of ids above 0; negative ids are no objects.
    """
    found = Boxes({})
    for start, part in slabs(labels):
        if cancelled():
            break
        for number, corners in _boxes_in(part).items():
            corners[:, 0] += start
            known = found._boxes.get(number)
            if known is not None:
                corners[0] = np.minimum(corners[0], known[0])
                corners[1] = np.maximum(corners[1], known[1])
            found._boxes[number] = corners
    found.largest = max(found._boxes, default=0)
    return found


def slabs(labels: Any) -> Iterable[tuple[int, NDArray[Any]]]:
    """Read an image piece by piece along its first axis.

    Parameters
    ----------
    labels : array
        Numpy or lazy; numpy comes in one piece.

    Yields
    ------
    start : int
        First index of the piece.
    part : ndarray
        The piece.
    """
    if isinstance(labels, np.ndarray):
        yield 0, labels
        return
    plane = max(int(np.prod(labels.shape[1:])), 1)
    deep = max(SLAB // plane, 1)
    chunk = _chunk(labels)
    deep = max(deep // chunk, 1) * chunk if deep >= chunk else deep
    for start in range(0, labels.shape[0], deep):
        yield start, np.asarray(labels[start : start + deep])


def box_of(labels: Any, number: int, hint: Box) -> Box:
    """Return the smallest box around an object, beginning from a guess.

    Parameters
    ----------
    labels : array
        The image, numpy or lazy.
    number : int
        Id of the object.
    hint : tuple of slice
        A box that holds a part of it, at least. It grows while the object reaches its
        sides, so only what is near is ever read.

    Returns
    -------
    tuple of slice

    Raises
    ------
    ValueError
        If the object is not there.
    """
    shape = labels.shape
    box = around([hint], 1, shape)  # whether it goes on shows one pixel further
    while True:
        mask = np.asarray(labels[box]) == number
        if not mask.any():
            raise ValueError(f"there is no object {number} here any more")
        low = [side.start for side in box]
        high = [side.stop for side in box]
        for axis in range(mask.ndim):
            reach = max((high[axis] - low[axis]) // 2, WINDOW // 2)
            if low[axis] > 0 and mask.take(0, axis).any():
                low[axis] = max(low[axis] - reach, 0)
            if high[axis] < shape[axis] and mask.take(-1, axis).any():
                high[axis] = min(high[axis] + reach, shape[axis])
        grown = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        if grown == box:
            return _shrunk(mask, box)
        box = grown


def window(point: Sequence[int], shape: Sequence[int]) -> Box:
    """Return a small box around a pixel, to begin the search for its object.

    Parameters
    ----------
    point : sequence of int
        The pixel.
    shape : sequence of int
        Shape of the image.

    Returns
    -------
    tuple of slice
    """
    half = WINDOW // 2
    return tuple(
        slice(max(int(place) - half, 0), min(int(place) + half, int(size)))
        for place, size in zip(point, shape, strict=True)
    )


def around(boxes: Sequence[Box], margin: int, shape: Sequence[int]) -> Box:
    """Return the box around several boxes, with a margin inside the image.

    Parameters
    ----------
    boxes : sequence of box
        At least one.
    margin : int
        Pixels to add on every side.
    shape : sequence of int
        Shape of the image.

    Returns
    -------
    tuple of slice
    """
    return tuple(
        slice(
            max(min(box[axis].start for box in boxes) - margin, 0),
            min(max(box[axis].stop for box in boxes) + margin, int(shape[axis])),
        )
        for axis in range(len(shape))
    )


def _shrunk(mask: NDArray[np.bool_], box: Box) -> Box:
    sides = []
    for axis, side in enumerate(box):
        others = tuple(a for a in range(mask.ndim) if a != axis)
        filled = np.flatnonzero(mask.any(others))
        sides.append(
            slice(side.start + int(filled[0]), side.start + int(filled[-1]) + 1)
        )
    return tuple(sides)


def _chunk(labels: Any) -> int:
    chunks = getattr(labels, "chunks", None)
    if not chunks:
        return 1
    first = chunks[0]
    return int(first[0] if isinstance(first, tuple) else first)


def _boxes_in(part: NDArray[Any]) -> dict[int, NDArray[np.int64]]:
    if part.size == 0:
        return {}
    largest = int(part.max())
    if largest > LARGEST_ID:
        names, inverse = np.unique(part, return_inverse=True)
        part = (inverse.reshape(part.shape) + 1).astype(np.int32)
        part[np.isin(part, np.flatnonzero(names <= 0) + 1)] = 0
        names = np.concatenate(([0], names))
        largest = len(names) - 1
    else:
        names = np.arange(max(largest, 0) + 1)
    volume = part.reshape((1,) * (3 - part.ndim) + part.shape)
    volume = np.ascontiguousarray(volume)
    rows = volume.shape[0] * volume.shape[1]
    # one table of all ids per piece, so no more pieces than cores
    count = 1 if volume.size < 1 << 16 else min(cores(), rows)
    edges = [rows * piece // count for piece in range(count + 1)]
    pieces = in_parallel(_corners, edges, volume, len(names))
    low = np.min([piece[0] for piece in pieces], axis=0)
    high = np.max([piece[1] for piece in pieces], axis=0)
    there = np.flatnonzero(high[:, 2] > 0)
    corners = np.stack([low[there], high[there]], axis=1)[:, :, 3 - part.ndim :]
    return dict(zip(names[there].tolist(), corners, strict=True))


@numba.njit(nogil=True, cache=True)
def _corners(volume, count, start, stop):  # type: ignore[no-untyped-def]
    height, width = volume.shape[1:]
    low = np.full((count, 3), 1 << 60, np.int64)
    high = np.zeros((count, 3), np.int64)
    for row in range(start, stop):
        z, y = row // height, row % height
        x = 0
        while x < width:
            number = volume[z, y, x]
            first = x
            x += 1
            while x < width and volume[z, y, x] == number:
                x += 1
            if number > 0:
                low[number, 0] = min(low[number, 0], z)
                low[number, 1] = min(low[number, 1], y)
                low[number, 2] = min(low[number, 2], first)
                high[number, 0] = max(high[number, 0], z + 1)
                high[number, 1] = max(high[number, 1], y + 1)
                high[number, 2] = max(high[number, 2], x)
    return low, high
