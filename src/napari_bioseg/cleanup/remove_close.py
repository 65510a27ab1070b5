"""Remove objects that are too close to a larger one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import dense_labels, keep_objects


def remove_close(
    labels: NDArray[Any],
    distance: float = 5.0,
    *,
    spacing: Sequence[float] | None = None,
) -> NDArray[Any]:
    """Remove objects whose centre is close to the centre of a larger one.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    distance : float
        Centres of mass at most so far apart are too close, in units of ``spacing``.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.

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
    Objects are looked at from the largest to the smallest; one goes if another that
    stays is too close. Of objects of the same size the lower number stays.

    Examples
    --------
    >>> import numpy as np
    >>> remove_close(np.array([[1, 1, 0, 2, 0, 0, 0, 3]]), distance=3)
    array([[1, 1, 0, 0, 0, 0, 0, 3]])
    """
    from scipy.spatial import KDTree

    from napari_bioseg.measure.tally import tally

    if not distance >= 0:
        raise ValueError(f"distance = {distance}: must be 0 or more")
    dense, _ = dense_labels(labels)
    found = tally(dense)
    objects = found.objects
    keep = np.ones(len(found.counts), bool)
    if not objects.size:
        return labels.copy()
    steps = np.ones(3)
    if spacing is not None:
        steps[-labels.ndim :] = spacing
    order = objects[np.argsort(-found.counts[objects], kind="stable")]
    close = KDTree(found.centres[order] * steps).query_pairs(
        distance, output_type="ndarray"
    )
    # The larger of a pair comes first, so each is settled before it removes others.
    for larger, smaller in close[np.argsort(close[:, 0], kind="stable")].tolist():
        if keep[order[larger]]:
            keep[order[smaller]] = False
    return keep_objects(labels, dense, keep)
