"""Fill the holes of every object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import dense_labels, in_threads, restored


def fill_holes(labels: NDArray[Any]) -> NDArray[Any]:
    """Give the background that an object encloses to that object.

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
    A hole is what cannot be reached from outside the object by steps over pixel sides
    (`scipy.ndimage.binary_fill_holes` of each object). In 3-D a hole is closed all
    around; a stack of one slice is treated as an image. Other objects in a hole stay;
    background enclosed by several objects goes to the innermost one. The gap between
    touching objects is no hole of any of them and stays.

    Examples
    --------
    >>> import numpy as np
    >>> fill_holes(np.array([[3, 3, 3, 0], [3, 0, 3, 0], [3, 3, 3, 0]]))
    array([[3, 3, 3, 0],
           [3, 3, 3, 0],
           [3, 3, 3, 0]])
    """
    from .kernels import bounding_boxes, count_holes, count_pixels, fill_objects

    dense, numbers = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    counts = count_pixels(dense)
    boxes = bounding_boxes(dense, len(counts) - 1)
    objects = np.flatnonzero(counts[1:]) + 1
    holes = np.zeros(len(counts), np.int64)
    in_threads(lambda some: count_holes(dense, boxes, some, holes), objects, dense.size)
    hollow = np.flatnonzero(holes)
    # From the outermost to the innermost, so that the innermost wins.
    volumes = np.prod((boxes[hollow, 3:] - boxes[hollow, :3]).astype(np.int64), axis=1)
    out = dense.copy()
    fill_objects(dense, boxes, hollow[np.argsort(-volumes, kind="stable")], out)
    return restored(out, numbers, labels)
