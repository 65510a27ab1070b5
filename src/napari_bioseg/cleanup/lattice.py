"""Gaussian filters over any number of axes, on a lattice of few points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Lattice:
    """Sums values with Gaussian weights of the distance between their features.

    Pixels that are alike in all features count most for each other, however far apart
    they lie in the image; the time taken grows with the number of pixels, not with its
    square.

    Parameters
    ----------
    features : ndarray of float32, shape (pixels, axes)
        Place of every pixel, such as where it lies and how bright it is, each divided
        by the standard deviation along that axis.

    Notes
    -----
    Values are spread over the corners of the simplex of a permutohedral lattice that
    holds the place, blurred along the axes of the lattice, and gathered again. Weights
    are those of a Gaussian up to a common factor and a few per cent.

    References
    ----------
    Adams, Baek & Davis, "Fast high-dimensional filtering using the permutohedral
    lattice", Computer Graphics Forum 29 (2010), 753-762,
    doi:10.1111/j.1467-8659.2009.01645.x
    """

    def __init__(self, features: NDArray[np.float32]) -> None:
        axes = features.shape[1]
        step = np.sqrt(2 / 3) * (axes + 1)
        place = np.arange(axes)
        scale = step / np.sqrt((place + 1.0) * (place + 2.0))
        corners, self._share, keys = _corners_of(
            np.ascontiguousarray(features, np.float32), scale.astype(np.float32)
        )
        self._corners = corners
        self._beside = _neighbours(keys)

    @property
    def points(self) -> int:
        """How many points of the lattice are used."""
        return int(self._beside.shape[1])

    def filter(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sum values over all pixels, each weighed by how alike it is.

        Parameters
        ----------
        values : ndarray of float32, shape (pixels, channels)
            What to sum.

        Returns
        -------
        ndarray of float32
            Same shape.
        """
        summed: NDArray[np.float32] = _filter(
            np.ascontiguousarray(values, np.float32),
            self._corners,
            self._share,
            self._beside,
        )
        return summed


@njit(cache=True, nogil=True)
def _slot(keys: Any, slots: Any, key: Any) -> int:
    """Return where in a hash table a key is, or where it would go."""
    mixed = np.uint64(0)
    for value in key:
        mixed = (mixed + np.uint64(value)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mask = np.uint64(len(slots) - 1)
    place = mixed & mask
    while slots[place] >= 0:
        same = True
        for axis in range(len(key)):
            same = same and keys[slots[place], axis] == key[axis]
        if same:
            break
        place = (place + np.uint64(1)) & mask
    return int(place)


@njit(cache=True, nogil=True)
def _table_of(keys: Any, count: int, size: int) -> Any:
    """Return a hash table of the first keys."""
    slots = np.full(size, -1, np.int64)
    for number in range(count):
        slots[_slot(keys, slots, keys[number])] = number
    return slots


@njit(cache=True, nogil=True)
def _simplex(feature: Any, scale: Any, base: Any, rank: Any, share: Any) -> None:
    """Find the simplex that holds a place, and the share of each of its corners."""
    axes = len(feature)
    high = np.empty(axes + 1, np.float32)
    total = np.float32(0)
    for axis in range(axes, 0, -1):
        part = feature[axis - 1] * scale[axis - 1]
        high[axis] = total - axis * part
        total += part
    high[0] = total
    off = 0
    for axis in range(axes + 1):
        whole = int(np.floor(high[axis] / (axes + 1) + 0.5))
        base[axis] = whole * (axes + 1)
        off += whole
    rank[:] = off
    for one in range(axes):
        for other in range(one + 1, axes + 1):
            if high[one] - base[one] < high[other] - base[other]:
                rank[one] += 1
            else:
                rank[other] += 1
    for axis in range(axes + 1):
        if rank[axis] < 0:
            rank[axis] += axes + 1
            base[axis] += axes + 1
        elif rank[axis] > axes:
            rank[axis] -= axes + 1
            base[axis] -= axes + 1
    share[:] = 0
    for axis in range(axes + 1):
        part = (high[axis] - base[axis]) / np.float32(axes + 1)
        share[axes - rank[axis]] += part
        share[axes + 1 - rank[axis]] -= part
    share[0] += 1 + share[axes + 1]


@njit(cache=True, nogil=True)
def _corners_of(features: Any, scale: Any) -> tuple[Any, Any, Any]:
    """Return the lattice points around every pixel, their shares, and all points."""
    count, axes = features.shape
    corners = np.empty((count, axes + 1), np.int32)
    shares = np.empty((count, axes + 1), np.float32)
    keys = np.empty((1024, axes), np.int32)
    slots = np.full(4096, -1, np.int64)
    used = 0
    base, rank = np.empty(axes + 1, np.int64), np.empty(axes + 1, np.int64)
    share = np.empty(axes + 2, np.float32)
    key = np.empty(axes, np.int32)
    for pixel in range(count):
        _simplex(features[pixel], scale, base, rank, share)
        for corner in range(axes + 1):
            for axis in range(axes):
                over = rank[axis] > axes - corner
                key[axis] = base[axis] + corner - (axes + 1 if over else 0)
            place = _slot(keys, slots, key)
            if slots[place] < 0:
                if used == len(keys):
                    more = np.empty((2 * used, axes), np.int32)
                    more[:used] = keys
                    keys = more
                    slots = _table_of(keys, used, 8 * used)
                    place = _slot(keys, slots, key)
                keys[used] = key
                slots[place] = used
                used += 1
            corners[pixel, corner] = slots[place]
            shares[pixel, corner] = share[corner]
    return corners, shares, keys[:used].copy()


@njit(cache=True, nogil=True)
def _neighbours(keys: Any) -> Any:
    """Return the points before and behind each along every axis; -1 for none."""
    count, axes = keys.shape
    size = 4096
    while size < 4 * count:
        size *= 2
    slots = _table_of(keys, count, size)
    beside = np.empty((axes + 1, count, 2), np.int32)
    key = np.empty(axes, np.int32)
    for axis in range(axes + 1):
        for point in range(count):
            for side, step in enumerate((-1, 1)):
                for other in range(axes):
                    key[other] = keys[point, other] + step
                if axis < axes:
                    key[axis] = keys[point, axis] - step * axes
                beside[axis, point, side] = slots[_slot(keys, slots, key)]
    return beside


@njit(cache=True, nogil=True)
def _filter(values: Any, corners: Any, shares: Any, beside: Any) -> Any:
    """Spread values over the lattice, blur them there, and gather them."""
    count, channels = values.shape
    around = corners.shape[1]
    points = beside.shape[1]
    held = np.zeros((points, channels), np.float32)
    for pixel in range(count):
        for corner in range(around):
            for channel in range(channels):
                part = shares[pixel, corner] * values[pixel, channel]
                held[corners[pixel, corner], channel] += part
    blurred = np.empty_like(held)
    for axis in range(around):
        for point in range(points):
            before, behind = beside[axis, point, 0], beside[axis, point, 1]
            for channel in range(channels):
                both = np.float32(0)
                if before >= 0:
                    both += held[before, channel]
                if behind >= 0:
                    both += held[behind, channel]
                blurred[point, channel] = held[point, channel] + np.float32(0.5) * both
        held, blurred = blurred, held
    out = np.zeros((count, channels), np.float32)
    for pixel in range(count):
        for corner in range(around):
            for channel in range(channels):
                value = held[corners[pixel, corner], channel]
                out[pixel, channel] += shares[pixel, corner] * value
    return out
