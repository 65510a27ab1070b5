"""Quantities per instance id, gathered and spread in one pass over the pixels."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .parallel import divide, in_parallel


def instance_ids(labels: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """Return the labels as int32 small enough to index a table.

    Parameters
    ----------
    labels : ndarray
        Integers from 0 up.

    Returns
    -------
    ids : ndarray
        C-contiguous int32 of the same shape; the same ids, or renumbered in their
        order where some are huge.
    largest : int
        The largest id.
    """
    largest = int(labels.max(initial=0))
    if largest <= max(labels.size, 1 << 16):
        return np.ascontiguousarray(labels, dtype=np.int32), largest
    values, ids = np.unique(labels, return_inverse=True)
    ids = ids.reshape(labels.shape) + (values[0] != 0)
    return ids.astype(np.int32), int(ids.max())


def extremes(
    ids: NDArray[np.int32], values: NDArray[np.float32], largest: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the smallest and the largest value of every instance.

    Parameters
    ----------
    ids : ndarray
        int32, 0 is background.
    values : ndarray
        float32, same shape.
    largest : int
        The largest id.

    Returns
    -------
    low, high : ndarray
        float32, indexed by id; infinity and minus infinity for ids without pixels.
    """
    edges = divide(ids.size, ids.size)
    parts = in_parallel(_extremes, edges, ids.ravel(), values.ravel(), largest)
    low = np.min([part[0] for part in parts], axis=0)
    high = np.max([part[1] for part in parts], axis=0)
    return low, high


def rescale(
    ids: NDArray[np.int32],
    values: NDArray[np.float32],
    base: NDArray[np.float32],
    span: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write ``(values - base) / span``, with a base and a span for every instance.

    Parameters
    ----------
    ids : ndarray
        int32, 0 is background.
    values : ndarray
        float32, same shape.
    base, span : ndarray
        float32, indexed by id.
    out : ndarray
        float32, shape of ``ids``, C-contiguous.
    """
    arrays = (ids.ravel(), values.ravel(), base, span, out.reshape(-1))
    in_parallel(_rescale, divide(ids.size, ids.size), *arrays)


def centroids(
    ids: NDArray[np.int32], largest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixel of every instance at, or nearest to, its centre of mass.

    Parameters
    ----------
    ids : ndarray
        int32, 2-D or 3-D; 0 is background.
    largest : int
        The largest id.

    Returns
    -------
    present : ndarray
        Ids that have pixels, ascending.
    centres : ndarray
        Shape ``(n, ndim)``: the rounded centre of mass of each, or the nearest pixel
        of the instance where that lies outside it.
    """
    volume = ids if ids.ndim == 3 else ids[np.newaxis]
    sums = _sums(volume, largest)
    present = np.flatnonzero(sums[:, 3])
    centres = sums[present, :3] / sums[present, 3:]
    pixels = np.round(centres).astype(np.int64)
    outside = np.zeros(largest + 1, np.int64)
    stray = volume[tuple(pixels.T)] != present
    outside[present[stray]] = np.flatnonzero(stray) + 1
    if stray.any():
        _move_inside(volume, outside, centres, pixels)
    return present, pixels[:, 3 - ids.ndim :]


@numba.njit(nogil=True, cache=True)
def _extremes(ids, values, largest, start, stop):  # type: ignore[no-untyped-def]
    low = np.full(largest + 1, np.inf, np.float32)
    high = np.full(largest + 1, -np.inf, np.float32)
    for i in range(start, stop):
        label = ids[i]
        if label:
            value = values[i]
            if value < low[label]:
                low[label] = value
            if value > high[label]:
                high[label] = value
    return low, high


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _rescale(ids, values, base, span, out, start, stop):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        label = ids[i]
        out[i] = (values[i] - base[label]) / span[label]


@numba.njit(nogil=True, cache=True)
def _sums(ids, largest):  # type: ignore[no-untyped-def]
    sums = np.zeros((largest + 1, 4), np.float64)
    for z in range(ids.shape[0]):
        for y in range(ids.shape[1]):
            for x in range(ids.shape[2]):
                label = ids[z, y, x]
                if label:
                    sums[label, 0] += z
                    sums[label, 1] += y
                    sums[label, 2] += x
                    sums[label, 3] += 1
    return sums


@numba.njit(nogil=True, cache=True)
def _move_inside(ids, outside, centres, pixels):  # type: ignore[no-untyped-def]
    best = np.full(centres.shape[0], np.inf)
    for z in range(ids.shape[0]):
        for y in range(ids.shape[1]):
            for x in range(ids.shape[2]):
                entry = outside[ids[z, y, x]] - 1
                if entry < 0:
                    continue
                distance = (
                    (z - centres[entry, 0]) ** 2
                    + (y - centres[entry, 1]) ** 2
                    + (x - centres[entry, 2]) ** 2
                )
                if distance < best[entry]:
                    best[entry] = distance
                    pixels[entry, 0] = z
                    pixels[entry, 1] = y
                    pixels[entry, 2] = x
