"""Smooth the outlines of objects."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_radius, dense_labels, restored


def smooth(labels: NDArray[Any], radius: float = 2.0) -> NDArray[Any]:
    """Give every pixel to the commonest object in a disc or ball around it.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    radius : float
        Radius of the disc or ball, in pixels. The background counts as an object.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers. Where two are equally common a
        pixel stays as it is, or takes the lower number if it has neither.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``radius`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> smooth(np.array([[4, 4, 4, 0, 0], [4, 4, 4, 4, 0], [4, 4, 4, 0, 0]]), radius=1)
    array([[4, 4, 4, 0, 0],
           [4, 4, 4, 0, 0],
           [4, 4, 4, 0, 0]])
    """
    from napari_bioseg.channels.parallel import divide, in_parallel

    from .kernels import commonest

    check_radius(radius)
    dense, numbers = dense_labels(labels)
    out = np.empty_like(dense)
    depth, height, _ = dense.shape
    edges = divide(depth * height, dense.size)
    in_parallel(commonest, edges, dense, _window(radius, flat=depth == 1), out)
    return restored(out, numbers, labels)


def _window(radius: float, *, flat: bool) -> NDArray[np.int64]:
    """Return steps to the pixels around one, the nearest first."""
    reach = math.floor(radius)
    line = np.arange(-reach, reach + 1)
    steps = np.stack(np.meshgrid(line[:1] * 0 if flat else line, line, line), -1)
    steps = steps.reshape(-1, 3)
    far = (steps**2).sum(axis=1)
    order = np.argsort(far, kind="stable")
    return np.ascontiguousarray(steps[order[far[order] <= radius**2]], np.int64)
