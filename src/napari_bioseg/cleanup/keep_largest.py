"""Keep only the largest piece of every object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import dense_labels, in_threads, restored


def keep_largest(labels: NDArray[Any]) -> NDArray[Any]:
    """Keep only the largest piece of every object.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.

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
    Pixels that meet at a corner belong to one piece. Of pieces of the same size the
    first in scan order stays.

    Examples
    --------
    >>> import numpy as np
    >>> keep_largest(np.array([[1, 0, 1, 1], [0, 0, 0, 1], [2, 0, 0, 0]]))
    array([[0, 0, 1, 1],
           [0, 0, 0, 1],
           [2, 0, 0, 0]])
    """
    from .kernels import bounding_boxes, count_pixels, keep_largest_pieces

    dense, numbers = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    counts = count_pixels(dense)
    boxes = bounding_boxes(dense, len(counts) - 1)
    objects = np.flatnonzero(counts[1:]) + 1
    out = dense.copy()
    in_threads(
        lambda some: keep_largest_pieces(dense, boxes, counts, some, out),
        objects,
        dense.size,
    )
    return restored(out, numbers, labels)
