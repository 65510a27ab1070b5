"""What the Proofread panel computes in its thread: corrections, boxes, doubts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.edit import (
    Box,
    Boxes,
    Change,
    NothingToDo,
    box_of,
    cut,
    delete,
    doubt,
    fill_holes,
    find_boxes,
    merge,
    smooth,
    sparse,
    split,
    window,
)
from napari_bioseg.edit.sparse import BACKGROUND
from napari_bioseg.widgets.bridge.hand_edits import Held

from .guide import Guide
from .target import Frame, Target

if TYPE_CHECKING:
    import pandas as pd

Action = Literal["join", "cut", "split", "delete", "fill", "smooth", "redraw"]
DONE: dict[Action, str] = {
    "join": "Joined {ids}",
    "cut": "Cut {ids} apart",
    "split": "Divided {ids}",
    "delete": "Deleted {ids}",
    "fill": "Filled the holes of {ids}",
    "smooth": "Smoothed {ids}",
    "redraw": "Cleared {ids}: paint it anew",
}
"""What to say once it is done."""


@dataclass(frozen=True, eq=False)
class Order:
    """One correction that was asked for.

    Attributes
    ----------
    action : str
        Which one.
    frame : tuple of int
        In which frame.
    ids : tuple of int
        The objects it is about.
    points : ndarray
        Pixels ``(n, axes)``: of the line, of the seeds, or of the clicks on the
        objects, in this order.
    radius : float
        How much to smooth, pixels.
    """

    action: Action
    frame: Frame
    ids: tuple[int, ...]
    points: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), int))
    radius: float = 2.0


@dataclass(frozen=True, eq=False)
class Corrected:
    """A correction that was worked out and is to be applied."""

    order: Order
    change: Change

    @property
    def text(self) -> str:
        """What was done, in words."""
        ids = [*self.change.gone, *self.change.touched][:4]
        names = ", ".join(str(number) for number in sorted(ids))
        kind = "object" if len(ids) == 1 else "objects"
        return DONE[self.order.action].format(ids=f"{kind} {names}")


def correct(
    target: Target,
    order: Order,
    boxes: Boxes | None,
    guide: Guide | None,
    *,
    cancelled: Callable[[], bool],
) -> Corrected:
    """Work one correction out; nothing is changed yet.

    Parameters
    ----------
    target : Target
        The labels.
    order : Order
        What to do.
    boxes : Boxes, optional
        Where objects lie, if that is known already.
    guide : Guide, optional
        What splits follow.
    cancelled : callable
        Not asked: a correction is worked out to its end.

    Returns
    -------
    Corrected

    Raises
    ------
    ValueError
        If there is nothing sensible to do.
    """
    del cancelled
    pixels = target.pixels(order.frame)
    where = [
        box_of(pixels, number, _hint(boxes, number, order, index, pixels.shape))
        for index, number in enumerate(order.ids)
    ]
    if order.action == "join":
        return Corrected(order, merge(pixels, order.ids, where))
    if order.action in ("cut", "split"):
        return Corrected(order, _divided(target, order, where, boxes, guide))
    number, box = order.ids[0], where[0]
    if order.action == "fill":
        change = fill_holes(pixels, number, box)
    elif order.action == "smooth":
        change = smooth(pixels, number, box, order.radius, target.spacing)
    else:
        change = delete(pixels, number, box)
    return Corrected(order, change)


def _divided(
    target: Target,
    order: Order,
    where: list[Box],
    boxes: Boxes | None,
    guide: Guide | None,
) -> Change:
    """Divide every object that the line or the seeds divide."""
    if boxes is None:
        boxes = find_boxes(target.pixels(order.frame).whole)
    pixels = target.pixels(order.frame)
    landscape = None
    if guide is not None:
        held = guide

        def landscape(box: Box) -> NDArray[np.float32]:
            return held.landscape(order.frame, box)

    divide = cut if order.action == "cut" else split
    changes: list[Change] = []
    problem: NothingToDo | None = None
    fresh = max(boxes.largest, *order.ids) + 1
    for number, box in zip(order.ids, where, strict=True):
        try:
            change = divide(
                pixels, number, box, order.points, fresh, landscape, target.spacing
            )
        except NothingToDo as error:
            problem = problem or error
            continue
        changes.append(change)
        fresh = max(fresh, *change.touched) + 1
    if not changes:
        raise problem or NothingToDo("there is no object here")
    return together(changes)


def together(changes: list[Change]) -> Change:
    """Return several changes of different pixels as one.

    Parameters
    ----------
    changes : list of Change
        At least one.

    Returns
    -------
    Change
    """
    if len(changes) == 1:
        return changes[0]
    return Change(
        tuple(
            np.concatenate(axis)
            for axis in zip(*(change.indices for change in changes), strict=True)
        ),
        np.concatenate([change.old for change in changes]),
        np.concatenate([change.new for change in changes]),
        tuple(number for change in changes for number in change.touched),
        tuple(number for change in changes for number in change.gone),
    )


def _hint(
    boxes: Boxes | None,
    number: int,
    order: Order,
    index: int,
    shape: tuple[int, ...],
) -> Box:
    """Return where to begin the search for an object."""
    known = None if boxes is None else boxes.get(number)
    if known is not None:
        return known
    points = order.points
    if order.action == "join" and index < len(points):
        return window(points[index], shape)
    if order.action in ("delete", "fill", "smooth", "redraw") and len(points):
        return window(points[0], shape)
    if len(points):
        low = np.clip(points.min(0), 0, None)
        high = np.minimum(points.max(0) + 1, shape)
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return tuple(slice(0, size) for size in shape)


def known_only(
    target: Target, held: Held, *, cancelled: Callable[[], bool]
) -> tuple[Target, NDArray[np.int32]]:
    """Find what somebody corrected or locked, and leave everything else out.

    Parameters
    ----------
    target : Target
        The labels.
    held : Held
        What was changed by hand in them.
    cancelled : callable
        Says whether to give up.

    Returns
    -------
    tuple
        What was asked for, and labels as `edit.sparse` returns them. Pixels that
        somebody emptied are background.
    """
    shape = tuple(target.layer.data.shape)
    known = np.zeros(shape, np.int32)
    for frame in np.ndindex(shape[: target.leading]):
        pixels = target.pixels(frame).whole
        boxes = find_boxes(pixels, cancelled)
        known[frame] = sparse(pixels, held.locked, boxes)
    emptied = held.emptied(tuple(slice(0, size) for size in shape))
    if emptied[0].size:
        empty = np.asarray(held.labels[emptied]) == 0
        known[tuple(axis[empty] for axis in emptied)] = BACKGROUND
    return target, known


def index(
    target: Target, frame: Frame, *, cancelled: Callable[[], bool]
) -> tuple[Target, Frame, Boxes]:
    """Find where all objects of a frame lie.

    Parameters
    ----------
    target : Target
        The labels.
    frame : tuple of int
        Which frame.
    cancelled : callable
        Says whether to give up.

    Returns
    -------
    tuple
        What was asked for, and the boxes.
    """
    return target, frame, find_boxes(target.pixels(frame).whole, cancelled)


def doubts(
    target: Target,
    frame: Frame,
    guide: Guide | None,
    *,
    cancelled: Callable[[], bool],
) -> tuple[Target, Frame, pd.DataFrame]:
    """Order the objects of a frame by how doubtful they are.

    Parameters
    ----------
    target : Target
        The labels.
    frame : tuple of int
        Which frame.
    guide : Guide, optional
        What the network predicted.
    cancelled : callable
        Not asked.

    Returns
    -------
    tuple
        What was asked for, and the table.
    """
    del cancelled
    pixels: Any = target.pixels(frame).whole
    if guide is None:
        return target, frame, doubt(pixels)
    return target, frame, doubt(pixels, guide.inside(frame), guide.threshold)
