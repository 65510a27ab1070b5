"""Repair large objects that were cut into pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import dense_labels, restored


def repair_large(labels: NDArray[Any], size: int = 10_000) -> NDArray[Any]:
    """Let large objects absorb the objects inside them and fill their holes.

    Meant for seeds from points: a large object may get several of them, and is cut.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    size : int
        Objects with at least so many pixels are repaired, the largest first.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes.

    Notes
    -----
    A large object absorbs smaller ones whose bounding box lies within its own and that
    touch it, at a corner at least, or touch one that it absorbed. Its holes are filled
    then, as by `fill_holes`.

    Examples
    --------
    >>> import numpy as np
    >>> repair_large(np.array([[1, 1, 1, 1], [1, 2, 0, 1], [1, 1, 1, 1]]), size=9)
    array([[1, 1, 1, 1],
           [1, 1, 1, 1],
           [1, 1, 1, 1]])
    """
    from .kernels import bounding_boxes, count_pixels, fill_objects

    dense, numbers = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    counts = count_pixels(dense)
    large = np.flatnonzero(counts >= size)
    large = large[large > 0]
    if not large.size:
        return labels.copy()
    boxes = bounding_boxes(dense, len(counts) - 1)
    owner = _absorb(counts, boxes, large, _neighbours(dense))
    joined = owner.astype(np.int32)[dense]
    out = joined.copy()
    fill_objects(joined, boxes, large[owner[large] == large], out)
    return restored(out, numbers, labels)


def _neighbours(dense: NDArray[np.int32]) -> dict[int, list[int]]:
    """Return the objects that each object touches."""
    from .kernels import touching_pairs

    pairs = touching_pairs(dense)
    met: dict[int, list[int]] = {}
    for a, b in np.unique(pairs, axis=0).tolist():
        met.setdefault(a, []).append(b)
        met.setdefault(b, []).append(a)
    return met


def _absorb(
    counts: NDArray[np.int64],
    boxes: NDArray[np.int32],
    large: NDArray[np.int64],
    met: dict[int, list[int]],
) -> NDArray[np.int64]:
    """Return for every object the one that it belongs to."""
    owner = np.arange(len(counts))
    order = large[np.argsort(-counts[large], kind="stable")]
    for big in order.tolist():
        if owner[big] != big:
            continue
        waiting = [big]
        while waiting:
            for other in met.get(waiting.pop(), ()):
                inside = (boxes[other, :3] >= boxes[big, :3]).all()
                inside &= (boxes[other, 3:] <= boxes[big, 3:]).all()
                free = owner[other] == other and other != big
                if free and inside and counts[other] <= counts[big]:
                    owner[other] = big
                    waiting.append(other)
    return owner
