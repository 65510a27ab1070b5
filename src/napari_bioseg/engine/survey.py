"""Look through the labels of an image once, slab by slab, however large it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .labelled import Region, read_ids, slabs
from .pair import Pair

_DENSE = 1 << 20  # labels below this number index tables as they are


@dataclass(frozen=True)
class Survey:
    """What the labels of one image, or of a part of it, hold.

    Parameters
    ----------
    values : ndarray, (n,)
        Numbers of the objects or classes that occur, in order, without background.
    pixels : ndarray, (n,)
        How many pixels each has.
    middles : ndarray, (n, axes)
        Mean position of each, in the whole image.
    extents : ndarray, (n, axes)
        Size of each one's bounding box.
    background, ignored : int
        How many pixels are background, and how many take no part.
    digest : str
        Tells labels apart.
    """

    values: NDArray[np.int64]
    pixels: NDArray[np.int64]
    middles: NDArray[np.float64]
    extents: NDArray[np.int64]
    background: int
    ignored: int
    digest: str


def survey(pair: Pair, workflow: Workflow, region: Region | None = None) -> Survey:
    """Look through the labels of a pair.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow
        Says which labels count.
    region : tuple of slice, optional
        The part to look at; all of it if not given.

    Returns
    -------
    Survey

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((8, 8), np.int32)
    >>> labels[2:5, 3:6] = 7
    >>> found = survey(Pair(labels, labels), Workflow())
    >>> found.values, found.middles, found.extents
    (array([7]), array([[3., 4.]]), array([[3, 3]]))
    """
    digest = hashlib.sha256()
    parts = []
    background = ignored = 0
    for slab in slabs(pair.labels, region):
        ids = read_ids(pair, slab, workflow.data)
        digest.update(ids.data)
        background += int(np.count_nonzero(ids == 0))
        ignored += int(np.count_nonzero(ids < 0))
        parts.append(_tables(ids, [part.start for part in slab]))
    values, pixels, sums, low, high = _joined(parts, pair.dimensions)
    return Survey(
        values=values,
        pixels=pixels,
        middles=sums / np.maximum(pixels, 1)[:, np.newaxis],
        extents=high - low + 1,
        background=background,
        ignored=ignored,
        digest=digest.hexdigest(),
    )


_Tables = tuple[NDArray[np.int64], ...]


def _tables(ids: NDArray[np.int32], start: list[int]) -> _Tables:
    """Return values, pixels, sums, lowest and highest positions of one slab."""
    largest = int(ids.max(initial=0))
    if largest < _DENSE:
        values = np.arange(largest + 1, dtype=np.int64)
    else:
        found, inverse = np.unique(np.maximum(ids, 0), return_inverse=True)
        values = found.astype(np.int64)
        ids = inverse.reshape(ids.shape).astype(np.int32)
    volume = ids if ids.ndim == 3 else ids[np.newaxis]
    pixels = np.zeros(len(values), np.int64)
    sums = np.zeros((len(values), 3), np.int64)
    low = np.full((len(values), 3), np.iinfo(np.int64).max)
    high = np.full((len(values), 3), -1, np.int64)
    _count(np.ascontiguousarray(volume), pixels, sums, low, high)
    seen = (pixels > 0) & (values > 0)
    axes = slice(3 - ids.ndim, 3)
    offset = np.array(start, np.int64)
    pixels = pixels[seen]
    return (
        values[seen].astype(np.int64),
        pixels,
        sums[seen, axes] + pixels[:, np.newaxis] * offset,
        low[seen, axes] + offset,
        high[seen, axes] + offset,
    )


@numba.njit(nogil=True, cache=True)
def _count(ids, pixels, sums, low, high):  # type: ignore[no-untyped-def]
    depth, height, width = ids.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                value = ids[z, y, x]
                if value < 0:
                    continue
                pixels[value] += 1
                place = (z, y, x)
                for axis in range(3):
                    at = place[axis]
                    sums[value, axis] += at
                    if at < low[value, axis]:
                        low[value, axis] = at
                    if at > high[value, axis]:
                        high[value, axis] = at


def _joined(parts: list[_Tables], axes: int) -> _Tables:
    """Add up what slabs hold of the same object."""
    values, owner = np.unique(
        np.concatenate([part[0] for part in parts]), return_inverse=True
    )
    pixels = np.zeros(len(values), np.int64)
    sums = np.zeros((len(values), axes), np.int64)
    low = np.full((len(values), axes), np.iinfo(np.int64).max)
    high = np.full((len(values), axes), -1, np.int64)
    np.add.at(pixels, owner, np.concatenate([part[1] for part in parts]))
    np.add.at(sums, owner, np.concatenate([part[2] for part in parts]))
    np.minimum.at(low, owner, np.concatenate([part[3] for part in parts]))
    np.maximum.at(high, owner, np.concatenate([part[4] for part in parts]))
    return values, pixels, sums, low, high
