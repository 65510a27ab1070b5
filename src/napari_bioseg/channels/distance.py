"""Exact Euclidean distances inside labelled objects, for many objects at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distance_kernels import BLOCK, HEAVIEST, along_columns, along_rows
from .parallel import divide, in_parallel, never


def squared_border_distance(
    labels: NDArray[Any],
    spacing: Sequence[float] | None = None,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.float32]:
    """Return each pixel's squared distance to the nearest pixel of another label.

    Every object is measured to its own border, touching neighbours included. The edge
    of the image is no border.

    Parameters
    ----------
    labels : ndarray
        Integers or bool, 2-D or 3-D; 0 is background.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        float32, shape of ``labels``; 0 in the background and infinity in an object
        that leaves no other pixel in the image. With a spacing of 1 the values are
        whole numbers, exact up to 2²⁴.

    Notes
    -----
    One pass per axis takes the lower envelope of parabolas along every line [1]_,
    within runs of one label, so the cost is linear in the pixels and does not depend
    on the number of objects. Where all distances are short and whole, the parabolas
    around each pixel are tried instead, which is faster and gives the same.

    References
    ----------
    .. [1] P. F. Felzenszwalb and D. P. Huttenlocher, "Distance transforms of sampled
       functions", Theory of Computing 8 (2012) 415-428,
       :doi:`10.4086/toc.2012.v008a019`

    Examples
    --------
    >>> import numpy as np
    >>> squared_border_distance(np.array([[0, 1, 1, 1, 2, 2]]))
    array([[0., 1., 4., 1., 1., 4.]], dtype=float32)
    """
    if labels.dtype == np.bool_:
        labels = labels.view(np.uint8)
    steps = (1.0,) * labels.ndim if spacing is None else tuple(spacing)
    weights = [float(step**2) for step in steps]
    whole = all(weight.is_integer() and weight <= HEAVIEST for weight in weights)
    depth, height, width = labels.shape if labels.ndim == 3 else (1, *labels.shape)
    rows = np.ascontiguousarray(labels).reshape(depth * height, width)
    out = np.empty(rows.shape, np.float32)
    blocks = -(-width // BLOCK)
    edges = divide(len(rows), out.size)
    in_parallel(along_rows, edges, rows, out, weights[-1], cancelled=cancelled)
    # lines of pixels: how many, how long, and how many rows lie between two lines and
    # between two pixels of one
    lines = [
        (depth, height, height, 1, weights[-2]),
        (height, depth, 1, height, weights[0]),
    ]
    for many, length, apart, stride, weight in lines[: labels.ndim - 1]:
        edges = divide(many * blocks, out.size)
        arguments = (rows, out, weight, whole, length, apart, stride)
        in_parallel(along_columns, edges, *arguments, cancelled=cancelled)
    return out.reshape(labels.shape)


def border_distance(
    labels: NDArray[Any], spacing: Sequence[float] | None = None
) -> NDArray[np.float32]:
    """Return each pixel's distance to the nearest pixel of another label.

    As `squared_border_distance`, in the units of ``spacing``. An object that fills
    the whole image has no border in it; it is measured to the image's edge.

    Parameters
    ----------
    labels : ndarray
        Integers or bool, 2-D or 3-D; 0 is background.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.

    Returns
    -------
    ndarray
        float32, shape of ``labels``.

    Examples
    --------
    >>> import numpy as np
    >>> border_distance(np.array([[0, 0, 3, 3, 3, 0]]), spacing=(1, 2))
    array([[0., 0., 2., 4., 2., 0.]], dtype=float32)
    """
    distance = finite_squared_border_distance(labels, spacing)
    # of a volume with a frame, a part that does not lie in one piece comes back
    flat = np.ascontiguousarray(distance).reshape(-1)

    def root(start: int, stop: int) -> None:
        np.sqrt(flat[start:stop], out=flat[start:stop])

    in_parallel(root, divide(flat.size, flat.size))
    return flat.reshape(labels.shape)


def finite_squared_border_distance(
    labels: NDArray[Any], spacing: Sequence[float] | None = None
) -> NDArray[np.float32]:
    """Return squared distances, measured to the edge where no border is in sight.

    Parameters
    ----------
    labels : ndarray
        Integers or bool, 2-D or 3-D; 0 is background.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.

    Returns
    -------
    ndarray
        float32, shape of ``labels``.
    """
    squared = squared_border_distance(labels, spacing)
    if labels.size and np.isinf(squared.flat[0]):
        # one object fills the image: a frame of background around it is its border
        framed = squared_border_distance(np.pad(labels, 1), spacing)
        squared = framed[(slice(1, -1),) * labels.ndim]
    return squared
