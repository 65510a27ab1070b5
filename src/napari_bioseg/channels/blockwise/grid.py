"""The blocks of a volume."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

Place = tuple[int, int, int]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Grid:
    """Blocks of one size, (Z, Y, X), those at the far edges smaller.

    Parameters
    ----------
    shape : tuple of int
        Of the volume.
    block : tuple of int
        Of a block.
    """

    shape: tuple[int, int, int]
    block: tuple[int, int, int]

    @property
    def places(self) -> list[Place]:
        """All blocks, in scan order."""
        counts = (
            range(-(-length // size))
            for length, size in zip(self.shape, self.block, strict=True)
        )
        return [(z, y, x) for z, y, x in itertools.product(*counts)]

    def box(self, place: Place, margin: Sequence[int] = (0, 0, 0)) -> Box:
        """Return where a block lies, with a margin as far as the volume reaches.

        Parameters
        ----------
        place : tuple of int
            Which block.
        margin : sequence of int
            Pixels along each axis.
        """
        z, y, x = (
            slice(max(at * size - more, 0), min((at + 1) * size + more, length))
            for at, size, more, length in zip(
                place, self.block, margin, self.shape, strict=True
            )
        )
        return z, y, x

    def touching(self, box: Box) -> list[Place]:
        """Return the blocks that share pixels with a box.

        Parameters
        ----------
        box : tuple of slice
        """
        spans = (
            range(part.start // size, (part.stop - 1) // size + 1)
            for part, size in zip(box, self.block, strict=True)
        )
        return [(z, y, x) for z, y, x in itertools.product(*spans)]

    def neighbours(self) -> list[tuple[Place, Place, int]]:
        """Return each pair of blocks that share a face, and the axis across it."""
        every = self.places
        known = set(every)
        found = []
        for place in every:
            for axis in range(3):
                z, y, x = (at + (n == axis) for n, at in enumerate(place))
                if (z, y, x) in known:
                    found.append((place, (z, y, x), axis))
        return found


def inside(outer: Box, inner: Box) -> Box:
    """Return where one box lies within another.

    Parameters
    ----------
    outer, inner : tuple of slice
        Both in the volume.
    """
    z, y, x = (
        slice(b.start - a.start, b.stop - a.start)
        for a, b in zip(outer, inner, strict=True)
    )
    return z, y, x
