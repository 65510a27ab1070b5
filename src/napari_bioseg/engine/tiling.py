"""Cut an image into tiles that overlap, and join what a network says about them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Region = tuple[slice, ...]
Index = tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """The tiles along one axis.

    Parameters
    ----------
    length : int
        Pixels of the image.
    edges : tuple of int
        Where tiles meet, from 0 to ``length``; multiples of the network's smallest
        size, so that pooling windows lie where they lie in the whole image.
    overlap : int
        How far each tile looks beyond its edges.
    blend : int
        On either side of an edge, this many pixels fade from one tile to the next; 0
        if the overlap is so large that the tiles agree there.
    step : int
        Blocks start at multiples of this; 0 if they are not that regular.
    """

    length: int
    edges: tuple[int, ...]
    overlap: int
    blend: int
    step: int = 0

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return len(self.edges) - 1

    def read(self, tile: int) -> slice:
        """Return what a tile looks at."""
        start, stop = self.edges[tile], self.edges[tile + 1]
        return slice(
            max(0, start - self.overlap), min(self.length, stop + self.overlap)
        )

    def block(self, tile: int) -> slice:
        """Return what is final once this tile and those before it are done."""
        start, stop = self.edges[tile], self.edges[tile + 1]
        first = start if start == 0 else start - self.blend
        return slice(first, stop if stop == self.length else stop - self.blend)

    def weight(self, tile: int, part: slice) -> NDArray[np.float32]:
        """Return how much a tile counts at each pixel of ``part``; all tiles give 1."""
        place = np.arange(part.start, part.stop, dtype=np.float32) + 0.5
        weight = np.ones(len(place), dtype=np.float32)
        start, stop = self.edges[tile], self.edges[tile + 1]
        if self.blend and start > 0:
            weight *= np.clip((place - start) / (2 * self.blend) + 0.5, 0, 1)
        if self.blend and stop < self.length:
            weight *= np.clip((stop - place) / (2 * self.blend) + 0.5, 0, 1)
        return weight


@dataclass(frozen=True)
class Tiling:
    """Tiles along every axis."""

    axes: tuple[Axis, ...]

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of tiles per axis."""
        return tuple(axis.tiles for axis in self.axes)

    def indices(self, focus: Sequence[float] | None = None) -> list[Index]:
        """Return all tiles, row by row, or those next to ``focus`` first."""
        every = list(itertools.product(*(range(count) for count in self.grid)))
        if focus is None:
            return every
        return sorted(every, key=lambda index: self.distance(index, focus))

    def distance(self, index: Index, place: Sequence[float]) -> float:
        """Return how many pixels a block is away from a place; 0 inside."""
        gaps = (
            max(part.start - at, at - part.stop + 1, 0.0)
            for part, at in zip(self.block(index), place, strict=True)
        )
        return math.hypot(*gaps)

    def read(self, index: Index) -> Region:
        """Return what a tile looks at."""
        return self._each("read", index)

    def block(self, index: Index) -> Region:
        """Return the region that is joined out of `needs`; blocks fill the image."""
        return self._each("block", index)

    def needs(self, index: Index) -> list[Index]:
        """Return the tiles that have a say in a block."""
        choices = [
            (place - 1, place) if axis.blend and place else (place,)
            for axis, place in zip(self.axes, index, strict=True)
        ]
        return list(itertools.product(*choices))

    def serves(self, index: Index) -> list[Index]:
        """Return the blocks in which a tile has a say."""
        choices = [
            (place, place + 1) if axis.blend and place + 1 < axis.tiles else (place,)
            for axis, place in zip(self.axes, index, strict=True)
        ]
        return list(itertools.product(*choices))

    def join(
        self, index: Index, tiles: Mapping[Index, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Join a block out of the tiles that it needs.

        Parameters
        ----------
        index : tuple of int
            Which block.
        tiles : mapping of index to ndarray, (C, *size of its read region)
            What the network said about each of ``needs(index)``.

        Returns
        -------
        ndarray, (C, *size of the block), float32
        """
        block = self.block(index)
        needed = self.needs(index)
        if len(needed) == 1:
            return _crop(tiles[index], self.read(index), block)
        channels = tiles[index].shape[0]
        size = (part.stop - part.start for part in block)
        out = np.zeros((channels, *size), dtype=np.float32)
        for other in needed:
            read = self.read(other)
            part = tuple(
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(read, block, strict=True)
            )
            values = _crop(tiles[other], read, part).copy()
            for number, axis in enumerate(self.axes, start=1):
                weight = axis.weight(other[number - 1], part[number - 1])
                values *= weight.reshape((-1, *(1,) * (values.ndim - 1 - number)))
            _crop(out, block, part)[...] += values
        return out

    def _each(self, method: str, index: Index) -> Region:
        return tuple(
            getattr(axis, method)(place)
            for axis, place in zip(self.axes, index, strict=True)
        )


def make_axis(
    length: int, core: int, overlap: int, multiple: int, halo: int, chunk: int = 0
) -> Axis:
    """Divide one axis into tiles: evenly, or where chunks of the result end.

    Parameters
    ----------
    length : int
        Pixels of the image.
    core : int
        Wanted size of a tile without overlap.
    overlap : int
        How far tiles look beyond; rounded up to a multiple.
    multiple : int
        Tiles start at multiples of this.
    halo : int
        Overlap from which on tiles agree exactly, or a large number if they never do;
        with less, neighbours are blended in half of the overlap.
    chunk : int
        Size of the chunks that results are written into. Blocks then hold whole
        chunks, or, if tiles are smaller than that, are all of one size.

    Returns
    -------
    Axis

    Examples
    --------
    >>> make_axis(100, 40, 8, 4, halo=8).edges
    (0, 32, 68, 100)
    """
    overlap = math.ceil(overlap / multiple) * multiple
    if chunk and core < length:
        return _regular_axis(length, core, overlap, multiple, halo, chunk)
    count = max(1, math.ceil(length / max(core, multiple)))
    edges = [round(length * i / count / multiple) * multiple for i in range(count)]
    edges = [*sorted(set(edges)), length]
    narrowest = min(b - a for a, b in itertools.pairwise(edges))
    blend = 0 if overlap >= halo else min(overlap // 2, narrowest // 2)
    return Axis(length, tuple(edges), overlap, blend)


def _regular_axis(
    length: int, core: int, overlap: int, multiple: int, halo: int, chunk: int
) -> Axis:
    unit = math.lcm(chunk, multiple)
    if core < unit:
        unit = multiple
    step = max(core // unit, 1) * unit
    blend = 0
    if overlap < halo:  # edges and blocks both start at multiples
        blend = min(overlap // 2, step // 2) // multiple * multiple
    edges = [0, *range(step + blend, length, step), length]
    return Axis(length, tuple(edges), overlap, blend, step)


def _crop(
    values: NDArray[np.float32], region: Region, wanted: Region
) -> NDArray[np.float32]:
    inside = tuple(
        slice(want.start - have.start, want.stop - have.start)
        for have, want in zip(region, wanted, strict=True)
    )
    return values[(slice(None), *inside)]
