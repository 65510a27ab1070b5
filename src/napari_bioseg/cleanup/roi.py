"""Keep what lies in a region of interest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_labels, dense_labels, keep_objects


def roi(
    labels: NDArray[Any], cut: bool = True, *, region: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Keep what lies in a region of interest.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    cut : bool
        Whether objects are cut at the edge of the region; otherwise those with at least
        half of their pixels inside stay whole and the others go.
    region : ndarray, shape ([Z,] Y, X) or (Y, X)
        Anything but 0 is inside; one plane serves for all slices of a volume.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or there is
        no region, or one of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> labels, inside = np.array([[1, 1, 1, 0, 2]]), np.array([[1, 1, 0, 0, 0]])
    >>> roi(labels, region=inside)
    array([[1, 1, 0, 0, 0]])
    >>> roi(labels, cut=False, region=inside)
    array([[1, 1, 1, 0, 0]])
    """
    check_labels(labels)
    if region is None:
        raise ValueError(
            "the step 'roi' needs a region of interest: an image that is 0 outside of "
            "it, of the size of the labels"
        )
    dense, _ = dense_labels(labels)
    inside = np.asarray(region) != 0
    if inside.shape not in (labels.shape, labels.shape[-2:]):
        raise ValueError(
            f"the region of interest has shape {inside.shape}, the labels have "
            f"{labels.shape}; they must be equal, or the region one slice"
        )
    inside = np.broadcast_to(inside, dense.shape)
    if cut:
        flat = inside.reshape(labels.shape)
        return np.where(flat, labels, labels.dtype.type(0))
    top = int(dense.max(initial=0)) + 1
    counts = np.bincount(dense.ravel(), minlength=top)
    within = np.bincount(dense[inside], minlength=top)
    return keep_objects(labels, dense, 2 * within >= counts)
