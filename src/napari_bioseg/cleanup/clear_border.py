"""Remove objects that the edge of the image cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import dense_labels, keep_objects


def clear_border(labels: NDArray[Any], distance: int = 0) -> NDArray[Any]:
    """Remove objects that touch the edge of the image.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    distance : int
        Objects with a pixel at most this far from an edge pixel go too.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``distance`` is negative.

    Notes
    -----
    An object goes as a whole, also where only one of its pieces touches the edge. In
    3-D the first and the last slice are edges too, unless there is only one slice.

    Examples
    --------
    >>> import numpy as np
    >>> clear_border(np.array([[1, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]))
    array([[0, 0, 0, 0],
           [0, 0, 2, 0],
           [0, 0, 0, 0]])
    """
    if distance < 0:
        raise ValueError(f"distance = {distance}: must be 0 or more pixels")
    dense, _ = dense_labels(labels)
    keep = np.ones(int(dense.max(initial=0)) + 1, bool)
    for axis in range(3):
        if axis == 0 and dense.shape[0] == 1:
            continue
        across = np.moveaxis(dense, axis, 0)
        keep[across[: distance + 1]] = False
        keep[across[-distance - 1 :]] = False
    return keep_objects(labels, dense, keep)
