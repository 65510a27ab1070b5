"""Divide objects: by a line drawn across them, or by seeds put into them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.distance import border_distance
from napari_bioseg.channels.flood import flood

from .change import Box, Change, NothingToDo, change_of

Landscape = Callable[[Box], NDArray[Any]]
"""Returns what parts are flooded over in a box: low inside, high between them."""

LEVELS = 65_535


def split(
    labels: Any,
    number: int,
    box: Box,
    points: NDArray[np.int64],
    first_id: int,
    landscape: Landscape | None = None,
    spacing: Sequence[float] | None = None,
) -> Change:
    """Divide an object into one part per seed.

    Parameters
    ----------
    labels : array
        Integer labels, 2-D or 3-D; only the box is read.
    number : int
        Id of the object.
    box : tuple of slice
        Where it lies.
    points : ndarray
        Pixels of the seeds, ``(seeds, axes)``; those outside the object do not count.
    first_id : int
        Id of the first new part; the largest part keeps the old one.
    landscape : callable, optional
        Gives for a box what to flood; by default the object is flooded from its
        middle outwards, so that it divides at its narrowest place.
    spacing : sequence of float, optional
        Size of a pixel per axis.

    Returns
    -------
    Change
        Only the object's own pixels change.

    Raises
    ------
    NothingToDo
        If fewer than two seeds lie in the object.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[3, 3, 3, 3, 3]], np.int32)
    >>> box = (slice(0, 1), slice(0, 5))
    >>> split(labels, 3, box, np.array([[0, 0], [0, 4]]), 8).new
    array([8, 8], dtype=int32)
    """
    before = np.asarray(labels[box])
    mine = before == number
    seeds = np.zeros(before.shape, np.int32)
    count = 0
    for point in np.asarray(points, np.int64) - [side.start for side in box]:
        inside = all(0 <= p < size for p, size in zip(point, mine.shape, strict=True))
        if inside and mine[tuple(point)] and not seeds[tuple(point)]:
            count += 1
            seeds[tuple(point)] = count
    if count < 2:
        raise NothingToDo(
            f"object {number} holds {count} of the seeds: put one into each part"
        )
    parts = _flooded(mine, seeds, box, landscape, spacing)
    return _numbered(before, mine, parts, box, number, first_id)


def cut(
    labels: Any,
    number: int,
    box: Box,
    line: NDArray[np.int64],
    first_id: int,
    landscape: Landscape | None = None,
    spacing: Sequence[float] | None = None,
) -> Change:
    """Divide an object along a line drawn across it.

    In 2-D it divides exactly there. In 3-D the line divides its slice; above and below
    the two sides grow through the object until they meet.

    Parameters
    ----------
    labels : array
        Integer labels, 2-D or 3-D; only the box is read.
    number : int
        Id of the object.
    box : tuple of slice
        Where it lies.
    line : ndarray
        Pixels of the line without gaps, ``(pixels, axes)``, all in one plane.
    first_id, landscape, spacing
        See `split`.

    Returns
    -------
    Change

    Raises
    ------
    NothingToDo
        If the line does not divide the object.
    """
    from scipy import ndimage

    before = np.asarray(labels[box])
    mine = before == number
    pixels = np.asarray(line, np.int64) - [side.start for side in box]
    kept = ((pixels >= 0) & (pixels < mine.shape)).all(1)
    pixels = pixels[kept]
    if not len(pixels):
        raise NothingToDo(f"the line does not reach object {number}")
    plane = _plane(pixels, mine.shape)
    sides = mine[plane].copy()
    drawn = np.zeros(mine.shape, bool)
    drawn[tuple(pixels.T)] = True
    sides &= ~drawn[plane]
    pieces, count = ndimage.label(sides)
    pieces = _beside(pieces, count, drawn[plane])
    if pieces.max(initial=0) < 2:
        raise NothingToDo(
            f"the line does not divide object {number}: draw it from one side of the "
            "object to the other"
        )
    seeds = np.zeros(mine.shape, np.int32)
    seeds[plane] = pieces
    if mine.ndim == 2:
        # the line is the border: only its own pixels and crumbs are to be given away
        parts = flood(np.zeros(mine.shape, np.uint16), seeds, mine)
    else:
        parts = _flooded(mine, seeds, box, landscape, spacing)
    return _numbered(before, mine, parts, box, number, first_id)


def trace(points: NDArray[Any]) -> NDArray[np.int64]:
    """Return all pixels of a line through some points, without gaps for either side.

    Parameters
    ----------
    points : ndarray
        Corners, ``(points, axes)``, in pixels.

    Returns
    -------
    ndarray
        int64, ``(pixels, axes)``; successive pixels share a side, so that what lies on
        the two sides of the line does not touch.

    Examples
    --------
    >>> trace(np.array([[0, 0], [1, 1]])).tolist()
    [[0, 0], [1, 0], [1, 1]]
    """
    corners = np.rint(np.atleast_2d(points)).astype(np.int64)
    out = [corners[0]]
    for start, stop in itertools.pairwise(corners):
        steps = int(np.abs(stop - start).sum())
        if steps:
            share = np.linspace(0, 1, steps + 1)[1:, None]
            for pixel in np.rint(start + share * (stop - start)).astype(np.int64):
                while (pixel != out[-1]).any():
                    axis = int(np.flatnonzero(pixel != out[-1])[0])
                    step = out[-1].copy()
                    step[axis] += np.sign(pixel[axis] - step[axis])
                    out.append(step)
    return np.array(out)


def _flooded(
    mine: NDArray[np.bool_],
    seeds: NDArray[np.int32],
    box: Box,
    landscape: Landscape | None,
    spacing: Sequence[float] | None,
) -> NDArray[np.int32]:
    if landscape is None:
        heights = -border_distance(mine, spacing)
    else:
        heights = np.asarray(landscape(box), np.float32)
    low, high = float(heights[mine].min()), float(heights[mine].max())
    scale = LEVELS / (high - low) if high > low else 0.0
    levels = np.clip((heights - low) * scale, 0, LEVELS).astype(np.uint16)
    parts = flood(levels, seeds, mine)
    if landscape is not None and (mine & (parts == 0)).any():
        parts = flood(levels, np.where(parts > 0, parts, seeds), mine, mine.ndim)
    return parts


def _numbered(
    before: NDArray[Any],
    mine: NDArray[np.bool_],
    parts: NDArray[np.int32],
    box: Box,
    number: int,
    first_id: int,
) -> Change:
    """Give the largest part the old id and the others new ones."""
    sizes = np.bincount(parts[mine])
    sizes[:1] = 0  # pieces that no seed reaches stay with the old id
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    check_ids(first_id + len(order) - 2, before.dtype)
    ids = np.full(len(sizes), number, np.int64)
    ids[order[1:]] = first_id + np.arange(len(order) - 1)
    after = np.where(mine, ids[parts].astype(before.dtype), before)
    touched = (number, *(int(i) for i in ids[order[1:]]))
    return change_of(box, before, after, touched)


def check_ids(largest: int, dtype: np.dtype[Any]) -> None:
    """Refuse an id that the type of an image cannot hold.

    Parameters
    ----------
    largest : int
        The id.
    dtype : numpy.dtype
        Type of the labels.

    Raises
    ------
    ValueError
    """
    room = 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)
    if largest > room:
        raise ValueError(
            f"a new object would be number {largest}, but labels of type {dtype} end "
            f"at {room}; convert the layer to int32 first"
        )


def _plane(pixels: NDArray[np.int64], shape: tuple[int, ...]) -> Any:
    """Return the index of the plane that a line lies in."""
    if len(shape) == 2:
        return ...
    flat = [axis for axis in range(3) if np.ptp(pixels[:, axis]) == 0]
    axis = flat[0] if flat else 0
    index: list[Any] = [slice(None)] * 3
    index[axis] = int(np.median(pixels[:, axis]))
    return tuple(index)


def _beside(
    pieces: NDArray[Any], count: int, drawn: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Keep the pieces that the line made, numbered from 1.

    Pieces that it does not touch are other parts of the object; of those that it
    does touch, at least the two largest stay, and crumbs that a wobble cut off go.
    """
    from scipy import ndimage

    near = ndimage.binary_dilation(drawn)
    touched = np.zeros(count + 1, bool)
    touched[np.unique(pieces[near])] = True
    sizes = np.bincount(pieces.ravel(), minlength=count + 1) * touched
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    least = int(drawn.sum()) / 4
    wanted = [
        piece for rank, piece in enumerate(order) if rank < 2 or sizes[piece] > least
    ]
    ids = np.zeros(count + 1, np.int32)
    ids[wanted] = np.arange(1, len(wanted) + 1)
    return np.asarray(ids[pieces])
