"""Seeds that somebody changed by hand, on top of those that thresholds give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .prediction import Region

ERASED = -1
"""No seed lies here."""
REMOVED = -2
"""The seed that lay here is gone: a seed found here is dropped, unless it has grown
together with one that was kept."""
JOINED = -3
"""A seed lies here too, the same as those that it touches."""


@dataclass(frozen=True, eq=False)
class SeedEdits:
    """Changes to the seeds of one image.

    Attributes
    ----------
    marks : ndarray
        Int32, ``([Z,] Y, X)``: 0 where nothing was changed, `ERASED`, `REMOVED`,
        `JOINED`, or the number from 1 on of a seed that was drawn.
    kept : ndarray
        Bool, of the same shape: where seeds lay that were left when these changes were
        made.
    """

    marks: NDArray[np.int32]
    kept: NDArray[np.bool_]

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> SeedEdits:
        """Return no changes.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image.

        Returns
        -------
        SeedEdits
        """
        return cls(np.zeros(shape, np.int32), np.zeros(shape, np.bool_))

    @property
    def drawn(self) -> int:
        """Number of seeds that were drawn."""
        numbers = np.unique(self.marks)
        return int(np.count_nonzero(numbers > 0))

    def part(self, region: Region) -> SeedEdits:
        """Return the changes in a part of the image.

        Parameters
        ----------
        region : tuple of slice
            One slice per axis.

        Returns
        -------
        SeedEdits
        """
        return SeedEdits(self.marks[region], self.kept[region])

    def change_mask(self, mask: NDArray[np.bool_]) -> None:
        """Erase and join in the mask of the seeds, before it falls into pieces.

        Parameters
        ----------
        mask : ndarray
            Bool, ``(Z, Y, X)``; changed in place.
        """
        marks = self.marks.reshape(mask.shape)
        mask[marks == ERASED] = False
        mask[marks == JOINED] = True

    def change_seeds(
        self, seeds: NDArray[np.int32], count: int, foreground: NDArray[np.bool_]
    ) -> int:
        """Drop and draw seeds, and number them anew; drawn ones come last.

        Parameters
        ----------
        seeds : ndarray
            Int32, ``(Z, Y, X)``: 1…n within the foreground; changed in place.
        count : int
            Number of these seeds.
        foreground : ndarray
            Bool, of the same shape: seeds drawn outside keep nothing.

        Returns
        -------
        int
            Number of seeds now.
        """
        marks = self.marks.reshape(seeds.shape)
        kept = self.kept.reshape(seeds.shape)
        gone = np.zeros(count + 1, np.bool_)
        # what is found where one was drawn or removed goes, unless it was there then
        gone[seeds[(marks == REMOVED) | (marks > 0)]] = True
        gone[seeds[kept & (marks <= 0) & (marks != REMOVED)]] = False
        own = (marks > 0) & foreground
        seeds[own] = marks[own] + count
        top = int(seeds.max(initial=0))
        there = np.bincount(seeds.reshape(-1), minlength=max(top, count) + 1) > 0
        there[: count + 1] &= ~gone
        there[0] = False
        numbers = np.where(there, np.cumsum(there), 0).astype(np.int32)
        np.take(numbers, seeds, out=seeds)
        return int(np.count_nonzero(there))


def edited(
    before: NDArray[np.int32], after: NDArray[np.int32], edits: SeedEdits | None
) -> SeedEdits | None:
    """Find out what somebody changed in a picture of seeds.

    Parameters
    ----------
    before, after : ndarray
        Int32, ``([Z,] Y, X)``: the seeds shown, and what has become of them. A pixel
        that took on the number of another seed joins it where they touch; one with a
        number that no seed had belongs to a seed of its own.
    edits : SeedEdits or None
        Changes made before, which ``before`` shows already.

    Returns
    -------
    SeedEdits or None
        All changes together; the same object if there are no new ones.
    """
    changed = before != after
    if not changed.any():
        return edits
    marks = np.zeros(before.shape, np.int32) if edits is None else edits.marks.copy()
    old, new, values = before[changed], after[changed], marks[changed]
    top = int(before.max(initial=0))
    sizes = np.bincount(before.reshape(-1), minlength=top + 1)
    there = sizes > 0
    # a drawn seed is known by the number its pixels have in the marks
    drawn = np.zeros(top + 1, np.int32)
    own = (before > 0) & (marks > 0)
    drawn[before[own]] = marks[own]
    erased = new == 0
    known = ~erased & (new <= top)
    known[known] = there[new[known]]
    whole = there & (np.bincount(old, minlength=top + 1) == sizes)
    whole[new[known]] = False
    whole[0] = False
    values[erased] = np.where(values[erased] > 0, 0, ERASED)
    values[whole[old] & (drawn[old] == 0)] = REMOVED
    joins = new[known]
    values[known] = np.where(drawn[joins] > 0, drawn[joins], JOINED)
    last = int(max(marks.max(initial=0), 0))
    fresh = ~erased & ~known
    values[fresh] = last + 1 + np.unique(new[fresh], return_inverse=True)[1]
    marks[changed] = values
    return SeedEdits(marks, after > 0)
