"""A correction of labels as a value: which pixels, from what, to what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
"""One slice per axis, with a start and a stop each."""


class NothingToDo(ValueError):
    """A correction would change nothing, or nothing sensible."""


@dataclass(frozen=True, eq=False)
class Change:
    """What a correction does to an image of labels.

    Attributes
    ----------
    indices : tuple of ndarray
        int64, one array per axis: the pixels that change, as numpy indexes them.
    old : ndarray
        Their labels before.
    new : ndarray
        Their labels afterwards, of the type of the image.
    touched : tuple of int
        Ids of the objects that it leaves behind, the one to go on with first.
    gone : tuple of int
        Ids that no pixel has any more.
    """

    indices: tuple[NDArray[np.int64], ...]
    old: NDArray[Any]
    new: NDArray[Any]
    touched: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Number of pixels that change."""
        return int(self.old.size)

    @property
    def box(self) -> Box:
        """The smallest box around the pixels that change."""
        return tuple(
            slice(int(places.min()), int(places.max()) + 1) for places in self.indices
        )

    def apply_to(self, labels: Any) -> None:
        """Write the new labels into an array that can be written to.

        Parameters
        ----------
        labels : array
            The image the change was made for.
        """
        labels[self.indices] = self.new

    def undo_in(self, labels: Any) -> None:
        """Write the old labels back.

        Parameters
        ----------
        labels : array
            The image the change was applied to.
        """
        labels[self.indices] = self.old

    def at(self, leading: Sequence[int]) -> Change:
        """Return the change for an image with more axes in front.

        Parameters
        ----------
        leading : sequence of int
            Place along each of these axes, for example the time point.

        Returns
        -------
        Change
        """
        if not leading:
            return self
        before = tuple(np.full(self.size, place, np.int64) for place in leading)
        return Change(
            (*before, *self.indices), self.old, self.new, self.touched, self.gone
        )


def change_of(
    box: Box,
    before: NDArray[Any],
    after: NDArray[Any],
    touched: Sequence[int] = (),
    gone: Sequence[int] = (),
) -> Change:
    """Return the change between two versions of a part of an image.

    Parameters
    ----------
    box : tuple of slice
        Where the part lies.
    before, after : ndarray
        Labels of the part, of one shape and type.
    touched, gone : sequence of int
        See `Change`.

    Returns
    -------
    Change

    Raises
    ------
    NothingToDo
        If both are equal.

    Examples
    --------
    >>> import numpy as np
    >>> box = (slice(5, 6), slice(2, 4))
    >>> change = change_of(box, np.array([[1, 1]]), np.array([[1, 3]]))
    >>> change.indices
    (array([5]), array([3]))
    """
    different = np.flatnonzero(before.ravel() != after.ravel())
    if different.size == 0:
        raise NothingToDo("this changes nothing")
    places = np.unravel_index(different, before.shape)
    indices = tuple(
        place.astype(np.int64, copy=False) + side.start
        for place, side in zip(places, box, strict=True)
    )
    new = after.ravel()[different].astype(before.dtype, copy=False)
    return Change(indices, before.ravel()[different], new, tuple(touched), tuple(gone))
