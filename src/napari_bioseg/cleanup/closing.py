"""Close narrow bays of every object."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_radius, dense_labels, restored


def closing(labels: NDArray[Any], radius: float = 2.0) -> NDArray[Any]:
    """Give every object the bays that a disc or ball cannot enter.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    radius : float
        Radius of the disc or ball, in pixels.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers and all their pixels. The gap
        between two objects belongs to none and stays.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``radius`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> closing(np.array([[0, 3, 3, 3, 0], [0, 3, 0, 3, 0], [0, 3, 3, 3, 0]]), radius=1)
    array([[0, 3, 3, 3, 0],
           [0, 3, 3, 3, 0],
           [0, 3, 3, 3, 0]])
    """
    from napari_bioseg.channels.distance import squared_border_distance

    from .nearest import nearest_object

    check_radius(radius)
    dense, numbers = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    # Room around it, or objects near the edge of the image would be drawn to it.
    room = math.ceil(radius) + 1
    margins = [(room if size > 1 else 0,) * 2 for size in dense.shape]
    grown, squared = nearest_object(np.pad(dense, margins))
    grown[squared > radius**2] = 0
    inner = squared_border_distance(grown) > radius**2
    kept = tuple(
        slice(a, a + n) for (a, _), n in zip(margins, dense.shape, strict=True)
    )
    out = np.where((dense == 0) & inner[kept], grown[kept], dense)
    return restored(out, numbers, labels)
