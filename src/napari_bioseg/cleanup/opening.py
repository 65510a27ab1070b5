"""Cut thin parts off every object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_radius, dense_labels


def opening(labels: NDArray[Any], radius: float = 2.0) -> NDArray[Any]:
    """Keep of every object what a disc or ball reaches that lies inside of it.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    radius : float
        Radius of the disc or ball, in pixels.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers. Objects too thin for the disc
        vanish. The edge of the image is no border.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``radius`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[0, 5, 5, 5, 0, 0], [0, 5, 5, 5, 5, 5], [0, 5, 5, 5, 0, 0]])
    >>> opening(labels, radius=1.5)
    array([[0, 5, 5, 5, 0, 0],
           [0, 5, 5, 5, 0, 0],
           [0, 5, 5, 5, 0, 0]])
    """
    from napari_bioseg.channels.distance import squared_border_distance

    check_radius(radius)
    dense, _ = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    core = squared_border_distance(dense) > radius**2
    if not core.any():
        return np.zeros_like(labels)
    # A disc around a pixel of the core lies in one object, so whatever pixel of the
    # core is near belongs to the same object.
    stays = squared_border_distance(~core) <= radius**2
    return np.where(stays.reshape(labels.shape), labels, labels.dtype.type(0))
