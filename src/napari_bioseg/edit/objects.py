"""Corrections of single objects: merge, delete, fill holes, smooth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import around
from .change import Box, Change, NothingToDo, change_of


def merge(labels: Any, ids: Sequence[int], boxes: Sequence[Box]) -> Change:
    """Make several objects one, which keeps the id of the first.

    Parameters
    ----------
    labels : array
        Integer labels, 2-D or 3-D; only the boxes are read.
    ids : sequence of int
        The objects, at least two different ones.
    boxes : sequence of box
        Where each of them lies.

    Returns
    -------
    Change

    Raises
    ------
    NothingToDo
        If there are fewer than two objects.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1, 1, 2, 2]])
    >>> box = (slice(0, 1), slice(0, 4))
    >>> change = merge(labels, [1, 2], [box, box])
    >>> change.apply_to(labels)
    >>> labels, change.gone
    (array([[1, 1, 1, 1]]), (2,))
    """
    others = dict.fromkeys(number for number in ids if number != ids[0])
    if not others:
        raise NothingToDo("merging takes two objects: this is one")
    places: list[NDArray[np.int64]] = []
    old: list[NDArray[Any]] = []
    for number, box in zip(ids, boxes, strict=True):
        if number in others:
            found = _pixels(labels, number, box)
            places.append(found)
            old.append(np.full(found.shape[1], number, labels.dtype))
    indices = tuple(np.concatenate(places, axis=1))
    new = np.full(indices[0].size, ids[0], labels.dtype)
    return Change(indices, np.concatenate(old), new, (int(ids[0]),), tuple(others))


def delete(labels: Any, number: int, box: Box) -> Change:
    """Make an object background.

    Parameters
    ----------
    labels : array
        Integer labels; only the box is read.
    number : int
        Id of the object.
    box : tuple of slice
        Where it lies.

    Returns
    -------
    Change
    """
    indices = tuple(_pixels(labels, number, box))
    old = np.full(indices[0].size, number, labels.dtype)
    return Change(indices, old, np.zeros_like(old), (), (int(number),))


def fill_holes(labels: Any, number: int, box: Box) -> Change:
    """Fill background that an object encloses.

    Parameters
    ----------
    labels : array
        Integer labels; only the box is read. In 3-D a hole is a cavity: a tunnel from
        one side to the other is none.
    number : int
        Id of the object.
    box : tuple of slice
        Where it lies.

    Returns
    -------
    Change
        Other objects inside it stay.

    Raises
    ------
    NothingToDo
        If it has no hole.
    """
    from scipy import ndimage

    before = np.asarray(labels[box])
    filled = ndimage.binary_fill_holes(before == number)
    after = np.where(filled & (before == 0), before.dtype.type(number), before)
    try:
        return change_of(box, before, after, (number,))
    except NothingToDo:
        raise NothingToDo(f"object {number} has no holes") from None


def smooth(
    labels: Any,
    number: int,
    box: Box,
    radius: float = 2.0,
    spacing: Sequence[float] | None = None,
) -> Change:
    """Round off the outline of an object.

    Its mask is blurred and cut at one half, which keeps straight borders where they
    are, takes thin bridges and spikes away and fills bays.

    Parameters
    ----------
    labels : array
        Integer labels; only the box and a margin are read.
    number : int
        Id of the object.
    box : tuple of slice
        Where it lies.
    radius : float
        Standard deviation of the blur, in pixels of the finest axis.
    spacing : sequence of float, optional
        Size of a pixel per axis; along coarser axes fewer pixels are blurred.

    Returns
    -------
    Change
        The object grows into background only, never into other objects.

    Raises
    ------
    NothingToDo
        If nothing of it would be left, or it is smooth already.
    """
    from scipy import ndimage

    sizes = np.ones(len(box)) if spacing is None else np.asarray(spacing, float)
    sigma = radius * sizes.min() / sizes
    box = around([box], int(np.ceil(2 * radius)), labels.shape)
    before = np.asarray(labels[box])
    mine = before == number
    blurred = ndimage.gaussian_filter(mine.astype(np.float32), sigma, truncate=3)
    inside = (blurred >= 0.5) & (mine | (before == 0))
    if not inside.any():
        raise NothingToDo(
            f"object {number} is too thin for a smoothing of {radius:g} pixels: "
            "nothing would be left; choose a smaller one"
        )
    after = np.where(mine & ~inside, before.dtype.type(0), before)
    after[inside] = number
    try:
        return change_of(box, before, after, (number,))
    except NothingToDo:
        raise NothingToDo(f"object {number} is smooth already") from None


def _pixels(labels: Any, number: int, box: Box) -> NDArray[np.int64]:
    """Return where an object is, ``(axes, pixels)``."""
    part = np.asarray(labels[box])
    found = np.flatnonzero(part.ravel() == number)
    if found.size == 0:
        raise ValueError(f"there is no object {number} here any more")
    places = np.array(np.unravel_index(found, part.shape), dtype=np.int64)
    places += np.array([[side.start] for side in box])
    return places
