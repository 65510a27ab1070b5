"""The flips and quarter turns of an image, and the way back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """One flip or turn of the last axes of an array.

    Parameters
    ----------
    flipped : tuple of int
        Axes that are reversed, counted from the end: -1 is X.
    swapped : bool
        Whether Y and X change places first.

    Notes
    -----
    All channels that a network can learn here (inside, contours, distances, points)
    are plain numbers per pixel, which a flip moves but does not change.
    """

    flipped: tuple[int, ...] = ()
    swapped: bool = False

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the array flipped and turned, as a view.

        Parameters
        ----------
        values : ndarray, (..., [Z,] Y, X)
        """
        turned = np.swapaxes(values, -1, -2) if self.swapped else values
        return np.flip(turned, self.flipped) if self.flipped else turned

    def undo(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what `apply` was given, as a view.

        Parameters
        ----------
        values : ndarray, (..., [Z,] Y, X)
        """
        back = np.flip(values, self.flipped) if self.flipped else values
        return np.swapaxes(back, -1, -2) if self.swapped else back


def orientations(dimensions: int) -> tuple[Orientation, ...]:
    """Return all flips and quarter turns in the plane, times the flip of Z in 3-D.

    Parameters
    ----------
    dimensions : int
        2 or 3.

    Returns
    -------
    tuple of Orientation
        8 or 16, the unchanged one first. Z never changes places with Y or X, whose
        pixels mostly have another size.

    Examples
    --------
    >>> len(orientations(2)), len(orientations(3))
    (8, 16)
    """
    choices = [(False, True)] * dimensions
    return tuple(
        Orientation(tuple(-1 - n for n, flip in enumerate(flips) if flip), swapped)
        for swapped in (False, True)
        for flips in itertools.product(*choices)
    )
