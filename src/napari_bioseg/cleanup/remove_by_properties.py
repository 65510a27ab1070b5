"""Remove objects by what they measure, as a clean-up step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from napari_bioseg import measure
from napari_bioseg.settings import Condition, groups_of


def remove_by_properties(
    labels: NDArray[Any],
    conditions: Sequence[Condition] = (Condition(),),
    *,
    spacing: Sequence[float] | None = None,
    image: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Remove the objects of which all conditions of a group hold.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    conditions : sequence of Condition
        Joined by *and*, which binds closer, or by *or*; none at all remove nothing.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.
    image : ndarray, shape ([C,] [Z,] Y, X), optional
        Brightness, for conditions about it.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or a
        condition is about something that cannot be measured of them.

    Examples
    --------
    >>> import numpy as np
    >>> remove_by_properties(np.array([[1, 1, 2]]), [Condition(value=2)])
    array([[1, 1, 0]])
    """
    kept, _ = measure.remove_by_properties(
        labels, groups_of(conditions), spacing=spacing, image=image
    )
    return kept
