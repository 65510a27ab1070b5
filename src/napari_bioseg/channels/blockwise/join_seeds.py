"""Pieces of seeds that touch across the faces of blocks become one seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from .grid import Place


@dataclass(frozen=True, eq=False)
class SeedNumbers:
    """The number of the seed that each piece of each block belongs to.

    Attributes
    ----------
    offsets : dict
        Where the pieces of a block begin in ``numbers``; its piece ``k`` is at
        ``offsets[place] + k``.
    numbers : ndarray
        uint64, 1…n by seed; 0 for seeds that are too small or outside the foreground.
    count : int
        Number of seeds.
    """

    offsets: dict[Place, int]
    numbers: NDArray[np.uint64]
    count: int

    def of(self, place: Place) -> NDArray[np.uint64]:
        """Return the seed of each piece of a block.

        Parameters
        ----------
        place : tuple of int
            Which block.

        Returns
        -------
        ndarray
            uint64, by piece; entry 0, where there is none, is 0.
        """
        start = self.offsets[place]
        return self.numbers[start : self._ends[start]]

    @cached_property
    def _ends(self) -> dict[int, int]:
        starts = sorted(self.offsets.values())
        return dict(zip(starts, [*starts[1:], len(self.numbers)], strict=True))


def join_seeds(
    sizes: Mapping[Place, NDArray[np.int64]],
    inside: Mapping[Place, NDArray[np.int64]],
    faces: Iterable[tuple[Place, Place, NDArray[np.int32], NDArray[np.int32]]],
    smallest: int = 0,
    first: int = 1,
) -> SeedNumbers:
    """Join the pieces of all blocks.

    Parameters
    ----------
    sizes, inside : mapping
        Of each block's pieces, from `SeedBlock`.
    faces : iterable
        Two blocks, the last plane of the first and the first plane of the second.
    smallest : int
        Seeds with fewer pixels are dropped.
    first : int
        Number of the first seed; the numbers of several volumes need not meet.

    Returns
    -------
    SeedNumbers
        Numbered block by block in scan order.

    References
    ----------
    .. [1] R. E. Tarjan, "Efficiency of a good but not linear set union algorithm",
       J. ACM 22 (1975) 215-225, :doi:`10.1145/321879.321884`
    """
    offsets: dict[Place, int] = {}
    total = 0
    for place in sorted(sizes):
        offsets[place] = total
        total += len(sizes[place])
    parent = np.arange(total, dtype=np.int64)
    for one, other, last, next_ in faces:
        both = (last > 0) & (next_ > 0)
        pairs = np.unique(
            np.stack(
                (
                    last[both].astype(np.int64) + offsets[one],
                    next_[both].astype(np.int64) + offsets[other],
                )
            ),
            axis=1,
        )
        _unite(parent, pairs[0], pairs[1])
    _flatten(parent)
    pixels = np.zeros(total, np.int64)
    reached = np.zeros(total, np.int64)
    for place, start in offsets.items():
        stop = start + len(sizes[place])
        np.add.at(pixels, parent[start:stop], sizes[place])
        np.add.at(reached, parent[start:stop], inside[place])
    kept = (reached > 0) & (pixels >= smallest) & (parent == np.arange(total))
    numbers = np.where(kept, np.cumsum(kept) + (first - 1), 0).astype(np.uint64)
    return SeedNumbers(offsets, numbers[parent], int(kept.sum()))


@numba.njit(nogil=True, cache=True)
def _root(parent, item):  # type: ignore[no-untyped-def]
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@numba.njit(nogil=True, cache=True)
def _unite(parent, one, other):  # type: ignore[no-untyped-def]
    for i in range(one.size):
        a, b = _root(parent, one[i]), _root(parent, other[i])
        if a < b:
            parent[b] = a
        else:
            parent[a] = b


@numba.njit(nogil=True, cache=True)
def _flatten(parent):  # type: ignore[no-untyped-def]
    for item in range(parent.size):
        parent[item] = _root(parent, item)
