"""Corrections on top of labels that can only be read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
"""Side of the blocks that are kept once they were corrected, where there are none."""


class EditedArray:
    """An array that can be written to, over one that cannot.

    Blocks that are written to are kept in memory; everything else is read from below
    whenever it is asked for.

    Parameters
    ----------
    base : array
        Lazy labels, for example a dask array.

    Attributes
    ----------
    shape, dtype, ndim, size, chunks
        As of the array below; ``chunks`` is the shape of a block.

    Examples
    --------
    >>> import dask.array
    >>> labels = EditedArray(dask.array.zeros((4, 6), dtype="int32", chunks=2))
    >>> labels[1:3, 1] = 5
    >>> labels[:, 1], labels.blocks
    (array([0, 5, 5, 0], dtype=int32), 2)
    """

    def __init__(self, base: Any) -> None:
        self._base = base
        self.shape: tuple[int, ...] = tuple(int(size) for size in base.shape)
        self.dtype = np.dtype(base.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self.chunks = _block_shape(base, self.shape)
        self._blocks: dict[tuple[int, ...], NDArray[Any]] = {}

    @property
    def blocks(self) -> int:
        """How many blocks are kept in memory."""
        return len(self._blocks)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        places = _places(key, self.ndim)
        if places is not None:
            box = _box_of(places)
            if box is None:
                return np.zeros(places[0].shape, self.dtype)
            return self[box][_relative(places, box)]
        box, rest = _box_and_rest(key, self.shape)
        part = np.asarray(self._base[box])
        copied = False
        for block in self._touched(box):
            if block in self._blocks:
                if not copied:
                    part, copied = part.copy(), True
                outer, inner = self._overlap(block, box)
                part[outer] = self._blocks[block][inner]
        return part[rest]

    def __setitem__(self, key: Any, value: Any) -> None:
        places = _places(key, self.ndim)
        if places is not None:
            box = _box_of(places)
            if box is None:
                return
            part = self[box].copy()
            part[_relative(places, box)] = value
        else:
            box, rest = _box_and_rest(key, self.shape)
            part = self[box].copy()
            part[rest] = value
        for block in self._touched(box):
            outer, inner = self._overlap(block, box)
            if block not in self._blocks:
                held = np.asarray(self._base[self._box(block)])
                if np.array_equal(held[inner], part[outer]):
                    continue
                self._blocks[block] = held.copy()
            self._blocks[block][inner] = part[outer]

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        del copy  # it is always one
        return np.asarray(self[(slice(None),) * self.ndim], dtype)

    def __dask_tokenize__(self) -> tuple[str, int]:
        # corrections change it, so nothing that dask made of it stays valid
        return "EditedArray", id(self)

    def _touched(self, box: tuple[slice, ...]) -> itertools.product[tuple[int, ...]]:
        ranges = [
            range(side.start // size, -(-side.stop // size))
            for side, size in zip(box, self.chunks, strict=True)
        ]
        return itertools.product(*ranges)

    def _box(self, block: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(
            slice(place * size, min((place + 1) * size, length))
            for place, size, length in zip(block, self.chunks, self.shape, strict=True)
        )

    def _overlap(
        self, block: tuple[int, ...], box: tuple[slice, ...]
    ) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return where a block lies in a box, and where that is in the block."""
        outer, inner = [], []
        for mine, side in zip(self._box(block), box, strict=True):
            start, stop = max(mine.start, side.start), min(mine.stop, side.stop)
            outer.append(slice(start - side.start, stop - side.start))
            inner.append(slice(start - mine.start, stop - mine.start))
        return tuple(outer), tuple(inner)


def _block_shape(base: Any, shape: Sequence[int]) -> tuple[int, ...]:
    chunks = getattr(base, "chunks", None)
    if chunks:
        sizes = [int(c[0]) if isinstance(c, tuple) else int(c) for c in chunks]
    else:
        sizes = [min(BLOCK, size) for size in shape]
    return tuple(max(size, 1) for size in sizes)


def _places(key: Any, ndim: int) -> tuple[NDArray[np.int64], ...] | None:
    """Return one array of indices per axis, if the key is that."""
    if not isinstance(key, tuple) or len(key) != ndim:
        return None
    if not all(isinstance(k, list | np.ndarray) for k in key):
        return None
    arrays = [np.asarray(k) for k in key]
    if not all(array.dtype.kind in "iu" for array in arrays):
        return None
    return tuple(array.astype(np.int64, copy=False) for array in arrays)


def _box_of(places: tuple[NDArray[np.int64], ...]) -> tuple[slice, ...] | None:
    if places[0].size == 0:
        return None
    return tuple(slice(int(p.min()), int(p.max()) + 1) for p in places)


def _relative(
    places: tuple[NDArray[np.int64], ...], box: tuple[slice, ...]
) -> tuple[NDArray[np.int64], ...]:
    return tuple(p - side.start for p, side in zip(places, box, strict=True))


def _box_and_rest(
    key: Any, shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[Any, ...]]:
    """Divide an index into a box to read and what to take of it."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (len(shape) - len(keys) + 1)
    keys += [slice(None)] * (len(shape) - len(keys))
    if len(keys) != len(shape):
        raise IndexError(f"{len(keys)} indices for labels of shape {tuple(shape)}")
    box: list[slice] = []
    rest: list[Any] = []
    for index, size in zip(keys, shape, strict=True):
        if isinstance(index, slice):
            start, stop, step = index.indices(size)
            chosen = range(start, stop, step)
            if not chosen:
                box.append(slice(start, start))
                rest.append(slice(None))
                continue
            low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
            box.append(slice(low, high + 1))
            rest.append(slice(None, None, step))
        else:
            place = int(index)
            place += size if place < 0 else 0
            if not 0 <= place < size:
                raise IndexError(f"index {index} of an axis of {size} pixels")
            box.append(slice(place, place + 1))
            rest.append(0)
    return tuple(box), tuple(rest)
