"""What labels say about each pixel: an object or class, background, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import DataSettings

from .pair import Pair

IGNORED = -1
"""Stands for pixels of which nobody says what they are."""
HIDDEN = -2
"""Less a label: pixels that take no part in training, although their label is known."""
SLAB_PIXELS = 1 << 25
"""Labels are looked through in slabs of about this many pixels."""

Region = tuple[slice, ...]
"""A part of an image, one slice with start and stop per spatial axis."""


def read_ids(
    pair: Pair, region: Region, data: DataSettings, *, classes: int = 0
) -> NDArray[np.int32]:
    """Read a part of the labels and sort out what counts.

    Parameters
    ----------
    pair : Pair
    region : tuple of slice
        One per spatial axis.
    data : DataSettings
        Which labels mean background or are to be ignored, and what no label means.
    classes : int
        Number of classes, where labels are classes: 2 reads any label as class 1.

    Returns
    -------
    ndarray, ([Z,] Y, X), int32
        Numbers of objects or classes; 0 is background. Negative numbers count for
        nothing: `IGNORED`, or `HIDDEN` less the label where that is known.
    """
    # in C order, however the labels lie in memory: others go through it as it is
    ids = np.asarray(pair.labels[region]).astype(np.int32, order="C")
    ignored = _ignored(ids, data)
    if data.background_label != "off":
        ids[ids == data.background_label] = 0
    if classes == 2:
        np.minimum(ids, 1, out=ids)
    if ignored is not None:
        ids[ignored] = IGNORED
    if pair.counts is not None:
        hidden = ~np.asarray(pair.counts[region]).astype(bool)
        hidden &= ids >= 0
        ids[hidden] = HIDDEN - ids[hidden]
    return ids


def known_ids(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the labels of all pixels, also of those that count for nothing.

    Examples
    --------
    >>> known_ids(np.array([0, 7, IGNORED, HIDDEN - 7, HIDDEN]))
    array([0, 7, 0, 7, 0])
    """
    if not (ids < 0).any():
        return ids
    return np.where(ids <= HIDDEN, HIDDEN - ids, np.maximum(ids, 0))


def _ignored(ids: NDArray[np.int32], data: DataSettings) -> NDArray[np.bool_] | None:
    if data.unlabelled == "ignored":
        ignored = np.asarray(ids == 0)
        if data.ignore_label != "off":
            ignored |= ids == data.ignore_label
        return ignored
    if data.ignore_label != "off":
        return np.asarray(ids == data.ignore_label)
    return None


def may_ignore(pair: Pair, data: DataSettings) -> bool:
    """Whether some pixels may take no part in training."""
    named = data.unlabelled == "ignored" or data.ignore_label != "off"
    return named or pair.counts is not None


def slabs(array: Any, region: Region | None = None) -> Iterator[Region]:
    """Cut an array into slabs along its first axis that fit well into memory.

    Parameters
    ----------
    array : array, ([Z,] Y, X)
        numpy, dask or zarr; slabs are whole chunks where chunks are known.
    region : tuple of slice, optional
        The part to cut up; all of it if not given.

    Yields
    ------
    tuple of slice
    """
    region = region or tuple(slice(0, length) for length in array.shape)
    row = int(np.prod([part.stop - part.start for part in region[1:]]))
    depth = max(1, SLAB_PIXELS // max(row, 1))
    chunk = _first_chunk(array)
    if chunk and depth > chunk:
        depth -= depth % chunk
    first = region[0]
    at = first.start
    while at < first.stop:
        stop = min((at // depth + 1) * depth, first.stop)
        yield (slice(at, stop), *region[1:])
        at = stop


def _first_chunk(array: Any) -> int:
    chunks = getattr(array, "chunks", None)
    if not chunks:
        return 0
    first = chunks[0]
    return int(first[0] if isinstance(first, tuple) else first)
