"""Images of one size along time or slices, predicted one by one into one array."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Place = tuple[int, ...]


@dataclass(frozen=True)
class Stack:
    """Images of one size, each predicted by itself.

    Parameters
    ----------
    read : callable
        Returns the image (C, [Z,] Y, X) at a place: one number per leading axis.
    leading : tuple of int
        How many images there are along each leading axis; empty for a single one.
    letters : str
        What these axes are: ``T``, ``Z`` or ``TZ``.
    """

    read: Callable[[Place], Any]
    leading: tuple[int, ...] = ()
    letters: str = ""

    @property
    def places(self) -> Iterator[Place]:
        """All places, the last axis fastest."""
        return itertools.product(*(range(length) for length in self.leading))

    @property
    def first(self) -> Any:
        """The image at the first place."""
        return self.read((0,) * len(self.leading))

    def axes(self, dimensions: int) -> str:
        """Return the axes of the array that all predictions go into.

        Parameters
        ----------
        dimensions : int
            Spatial axes of one image.

        Returns
        -------
        str
            Time, channel, space, as OME-Zarr has them.

        Examples
        --------
        >>> Stack(lambda _: None, (5, 7), "TZ").axes(2)
        'TCZYX'
        """
        time = "T" if "T" in self.letters else ""
        return f"{time}C{self.letters.replace('T', '')}{'ZYX'[-dimensions:]}"

    def around(self, place: tuple[Any, ...], channel: Any) -> tuple[Any, ...]:
        """Return what goes before the spatial axes in an index of that array.

        Parameters
        ----------
        place : tuple of int or slice
            One per leading axis.
        channel : int or slice
            Index of the channels.

        Returns
        -------
        tuple
        """
        ahead = 1 if "T" in self.letters else 0
        return (*place[:ahead], channel, *place[ahead:])

    def into(self, out: Any, place: Place) -> Any:
        """Return the array into which the prediction at a place goes.

        Parameters
        ----------
        out : array
            With the axes `axes`.
        place : tuple of int
            Which one.

        Returns
        -------
        array, (C, [Z,] Y, X)
            The array itself for a single image; else it can only be written to.
        """
        return _Slot(self, out, place) if self.leading else out


class _Slot:
    """The place of one image in an array of all, to be written into by regions."""

    def __init__(self, stack: Stack, out: Any, place: Place) -> None:
        self._stack, self._out, self._place = stack, out, place
        ahead = stack.around(tuple(slice(0, 0) for _ in place), None)
        axes = [axis for axis, at in enumerate(ahead) if at is None]
        spatial = out.shape[len(ahead) :]
        self.shape = (*(out.shape[axis] for axis in axes), *spatial)

    def __setitem__(self, index: tuple[Any, ...], values: Any) -> None:
        ahead = self._stack.around(self._place, index[0])
        self._out[(*ahead, *index[1:])] = values
