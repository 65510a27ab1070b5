"""What somebody changed by hand in labels that are also made anew: it stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_bioseg.edit import keep_locked

from .axes import unwrapped
from .locks import lock_ids, locked_ids

SAMPLE = 16
"""Pixels of an edit that tell whether it was undone."""


class _Changed:
    layer = Signal(object)


_CHANGED = _Changed()
hands_changed = _CHANGED.layer
"""Emits the layer in which something was changed by hand, undone or let go."""


@dataclass(eq=False)
class _Step:
    """One edit, as one step of napari's history holds it."""

    atoms: list[Any]
    locked: set[int]
    """Ids that were locked because of it."""
    ids: set[int]
    sample: tuple[NDArray[np.int64], ...]
    old: NDArray[Any]
    new: NDArray[Any]
    emptied: NDArray[np.int64] | None = None
    lost: frozenset[int] = frozenset()
    """Ids that were locked and of which it left no pixel."""


@dataclass(frozen=True, eq=False)
class Held:
    """What new labels must leave alone, as it was at one moment.

    Attributes
    ----------
    labels : ndarray
        All labels as they are.
    locked : tuple of int
        Ids of the objects that stay.
    steps : tuple
        Edits that may have emptied pixels.
    version : int
        Number of edits at that moment.
    """

    labels: NDArray[Any]
    locked: tuple[int, ...] = ()
    steps: tuple[Any, ...] = field(default=(), repr=False)
    version: int = 0

    def __bool__(self) -> bool:
        return bool(self.locked or self.steps)

    def put_back(
        self, new: NDArray[Any], region: tuple[slice, ...]
    ) -> NDArray[np.int32]:
        """Put what was changed by hand back into labels made anew.

        Parameters
        ----------
        new : ndarray
            New labels of a region, perhaps without its leading axes of one pixel.
        region : tuple of slice
            Where they lie.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        old = self.labels[region]
        emptied = self.emptied(region)
        kept = keep_locked(old, new.reshape(old.shape), self.locked, emptied)
        return kept.astype(np.int32, copy=False).reshape(new.shape)

    def emptied(self, region: tuple[slice, ...]) -> tuple[NDArray[np.int64], ...]:
        """Return the pixels that somebody took from objects.

        Parameters
        ----------
        region : tuple of slice
            Where to look.

        Returns
        -------
        tuple of ndarray
            One array of indices in the region per axis.
        """
        shape = self.labels.shape
        flat = [_emptied(step, shape) for step in self.steps]
        every = np.concatenate(flat) if flat else np.zeros(0, np.int64)
        places = np.unravel_index(every, shape)
        inside = np.ones(every.size, bool)
        for place, side in zip(places, region, strict=True):
            inside &= (place >= side.start) & (place < side.stop)
        return tuple(
            place[inside] - side.start
            for place, side in zip(places, region, strict=True)
        )


class HandEdits:
    """Locks what is changed by hand in one layer, and unlocks it if it is undone.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Attributes
    ----------
    version : int
        Counts the edits; labels made for an older one must not be shown.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = ref(layer)
        self._steps: list[_Step] = []
        self._undone: list[_Step] = []
        self.version = 0
        layer.events.paint.connect(self._painted)
        layer.events.set_data.connect(self.look_back)  # undo and redo say no more

    @property
    def painting(self) -> bool:
        """Whether a stroke has begun and not yet ended."""
        return bool(getattr(self._layer(), "_block_history", False))

    @property
    def anything(self) -> bool:
        """Whether something stays as it is."""
        return bool(self._steps) or bool(locked_ids(self._layer()))

    def held(self) -> Held:
        """Return what new labels must leave alone.

        Returns
        -------
        Held
        """
        self.look_back()
        layer: Any = self._layer()  # who asks has it
        steps = tuple(
            step for step in self._steps if step.emptied is None or step.emptied.size
        )
        return Held(layer.data, locked_ids(layer), steps, self.version)

    def let_go(self, ids: Iterable[int] | None = None) -> None:
        """Let new labels change objects again.

        Parameters
        ----------
        ids : iterable of int, optional
            Which objects; by default all, and what was emptied.
        """
        layer = self._layer()
        locked = set(locked_ids(layer))
        gone = locked if ids is None else set(ids)
        if ids is None:
            self._steps, self._undone = [], []
        for step in self._steps:
            if step.ids & gone:
                step.emptied = np.zeros(0, np.int64)
        lock_ids(layer, locked - gone)
        self._tell()

    def gone(self, ids: Iterable[int]) -> None:
        """Note that the last edit left no pixel of some objects.

        Parameters
        ----------
        ids : iterable of int
            Their ids.
        """
        if not self._steps:
            return
        layer, step, lost = self._layer(), self._steps[-1], set(ids)
        locked = set(locked_ids(layer))
        step.lost = frozenset(locked & lost - step.locked)
        step.locked -= lost
        lock_ids(layer, locked - lost)

    def look_back(self, _: object = None) -> None:
        """Find out whether edits were undone or made again."""
        layer = self._layer()
        if layer is None or self.painting or not (self._steps or self._undone):
            return
        told = False
        while self._steps and _holds(layer, self._steps[-1], undone=True):
            step = self._steps.pop()
            self._undone.append(step)
            lock_ids(layer, set(locked_ids(layer)) - step.locked | step.lost)
            told = True
        while not told and self._undone and _holds(layer, self._undone[-1]):
            step = self._undone.pop()
            self._steps.append(step)
            lock_ids(layer, set(locked_ids(layer)) - step.lost | step.locked)
            told = True
        if told:
            self._tell()

    def _painted(self, event: Any) -> None:
        layer = self._layer()
        atoms = list(event.value)
        if layer is None or not atoms:
            return
        ids = set().union(*map(_ids, atoms)) - {0}
        before = set(locked_ids(layer))
        step = _Step(atoms, ids - before, ids, *_sample(atoms[0]))
        self._steps.append(step)
        self._undone = []
        lock_ids(layer, before | ids)
        self._tell()

    def _tell(self) -> None:
        self.version += 1
        hands_changed.emit(self._layer())


_known: WeakKeyDictionary[Any, HandEdits] = WeakKeyDictionary()


def watch_hands(layer: Any) -> HandEdits:
    """Return what is changed by hand in a layer from now on, or since it was asked.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    HandEdits
    """
    layer = unwrapped(layer)
    if layer not in _known:
        _known[layer] = HandEdits(layer)
    return _known[layer]


def watched_hands(layer: Any) -> HandEdits | None:
    """Return what was changed by hand in a layer, if anybody watches it.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    HandEdits or None
    """
    return _known.get(unwrapped(layer))


# ---- entries of napari's history of a labels layer ----


def _ids(atom: Any) -> set[int]:
    """Return the labels that an entry replaces and writes."""
    if hasattr(atom, "slice_key"):
        return {*distinct(atom.old_values), int(atom.new_value)}
    _, old, new = atom
    return {*distinct(old), *distinct(new)}


def distinct(values: Any) -> set[int]:
    """Return distinct values; quickly for millions of them, most of them equal.

    Parameters
    ----------
    values : array of int
        Of any shape.

    Returns
    -------
    set of int
    """
    values = np.asarray(values).ravel()
    found: set[int] = set()
    while values.size > 256 and len(found) < 8:
        found.add(int(values[0]))
        values = values[values != values[0]]
    return found | {int(number) for number in np.unique(values)}


def _indices(atom: Any) -> tuple[NDArray[np.int64], ...]:
    if not hasattr(atom, "slice_key"):
        return tuple(np.atleast_1d(np.asarray(axis)) for axis in atom[0])
    shape = tuple(side.stop - side.start for side in atom.slice_key)
    mask = np.ones(shape, bool) if atom.mask is None else atom.mask
    places = np.nonzero(mask)
    return tuple(
        place + side.start for place, side in zip(places, atom.slice_key, strict=True)
    )


def _sample(
    atom: Any,
) -> tuple[tuple[NDArray[np.int64], ...], NDArray[Any], NDArray[Any]]:
    """Return a few pixels of an entry, their old and their new labels."""
    indices = tuple(axis[:SAMPLE] for axis in _indices(atom))
    count = indices[0].size
    if hasattr(atom, "slice_key"):
        old = np.asarray(atom.old_values).ravel()[:count]
        return indices, old, np.full(count, atom.new_value)
    new = np.broadcast_to(atom[2], np.shape(atom[1])).ravel()[:count]
    return indices, np.asarray(atom[1]).ravel()[:count], new


def _holds(layer: Any, step: _Step, *, undone: bool = False) -> bool:
    """Say whether a layer holds the new labels of an edit, or its old ones."""
    shape = layer.data.shape
    if len(shape) != len(step.sample) or any(
        int(axis.max(initial=0)) >= size
        for axis, size in zip(step.sample, shape, strict=True)
    ):
        return False
    now = np.asarray(layer.data[step.sample])
    return bool(np.array_equal(now, step.old if undone else step.new))


def _emptied(step: _Step, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the pixels that an edit took from objects, flat."""
    if step.emptied is None:
        found = [np.zeros(0, np.int64)]
        for atom in step.atoms:
            masked = hasattr(atom, "slice_key")
            old = np.asarray(atom.old_values if masked else atom[1]).ravel()
            new = np.asarray(atom.new_value if masked else atom[2])
            lost = (old != 0) & (new.ravel() == 0)
            if lost.any():
                indices = tuple(axis.ravel()[lost] for axis in _indices(atom))
                found.append(np.ravel_multi_index(indices, shape))
        step.emptied = np.concatenate(found)
        step.atoms = []  # napari keeps them for as long as they can be undone
    return step.emptied
