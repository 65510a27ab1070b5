"""A coarse picture in memory of a result that grows on disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 8_000_000
"""Pixels of all channels together."""


class Overview:
    """Every so many pixels of a prediction, filled as its tiles are done.

    Parameters
    ----------
    channels : int
        How many there are.
    size : tuple of int
        Of the result without its channels.
    full : float
        What a probability of 1 is stored as.
    spatial : int
        How many of the last axes are space: of the others all entries are kept, if
        that is possible.
    """

    def __init__(
        self, channels: int, size: Sequence[int], full: float, spatial: int
    ) -> None:
        self.size = tuple(size)
        self.full = full
        self.factors = _factors(channels, self.size, spatial)
        coarse = [
            math.ceil(n / f) for n, f in zip(self.size, self.factors, strict=True)
        ]
        self.data: NDArray[np.float32] = np.zeros((channels, *coarse), np.float32)
        self.tops = np.zeros(channels, np.float32)

    def fill(self, region: Sequence[Any], values: NDArray[Any]) -> None:
        """Note what a part holds.

        Parameters
        ----------
        region : sequence of slice or int
            The part, per axis of the result.
        values : ndarray
            Its pixels, channels first.
        """
        spans = [r if isinstance(r, slice) else slice(r, r + 1) for r in region]
        shape = tuple(span.stop - span.start for span in spans)
        values = np.asarray(values).reshape((values.shape[0], *shape))
        inner, outer = [], []
        for span, factor in zip(spans, self.factors, strict=True):
            first = -span.start % factor
            inner.append(slice(first, None, factor))
            start = (span.start + first) // factor
            count = len(range(span.start + first, span.stop, factor))
            outer.append(slice(start, start + count))
        picked = values[(slice(None), *inner)].astype(np.float32) / self.full
        self.data[(slice(None), *outer)] = picked
        highest = values.reshape(len(values), -1).max(axis=1) / self.full
        np.maximum(self.tops, highest.astype(np.float32), out=self.tops)

    def levels(self, channel: int) -> list[Any]:
        """Return a channel as the levels of a multiscale layer: enlarged, and as it is.

        Parameters
        ----------
        channel : int
            Which one.

        Returns
        -------
        list of array
        """
        small = self.data[channel]
        return [Enlarged(small, self.size, self.factors), small]


class Enlarged:
    """An array whose pixels are repeated, without taking memory for that.

    Parameters
    ----------
    small : ndarray
        The pixels.
    shape : tuple of int
        To which size they are enlarged.
    factors : tuple of int
        How often a pixel is repeated along each axis, the last one perhaps less often.
    """

    def __init__(
        self, small: NDArray[Any], shape: tuple[int, ...], factors: tuple[int, ...]
    ) -> None:
        self.small = small
        self.shape = shape
        self.factors = factors
        self.dtype = small.dtype
        self.ndim = small.ndim
        self.size = math.prod(shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part."""
        given = index if isinstance(index, tuple) else (index,)
        given += (slice(None),) * (self.ndim - len(given))
        plain: list[slice | int] = []
        repeated: list[tuple[int, NDArray[np.int64]]] = []
        for at, length, factor in zip(given, self.shape, self.factors, strict=True):
            if not isinstance(at, slice):
                plain.append(int(at) % length // factor)
                continue
            if factor > 1:
                axis = sum(isinstance(part, slice) for part in plain)
                repeated.append((axis, np.arange(*at.indices(length)) // factor))
            plain.append(slice(None) if factor > 1 else at)
        picked: NDArray[Any] = self.small[tuple(plain)]
        for axis, places in repeated:
            picked = picked.take(places, axis)
        return picked

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all pixels."""
        del copy
        return np.asarray(self[(slice(None),) * self.ndim], dtype=dtype)


def _factors(channels: int, size: Sequence[int], spatial: int) -> tuple[int, ...]:
    """Halve space, and at last other axes too, until all fits."""
    factors = [1] * len(size)

    def coarse(axis: int) -> int:
        return math.ceil(size[axis] / factors[axis])

    axes = range(len(size))
    while channels * math.prod(coarse(axis) for axis in axes) > MOST:
        space = [axis for axis in axes[-spatial:] if coarse(axis) > 64]
        halved = space or [axis for axis in axes if coarse(axis) > 1]
        longest = max(halved, key=coarse)
        factors[longest] *= 2
    return tuple(factors)
