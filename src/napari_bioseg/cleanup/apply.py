"""Run a list of clean-up steps over labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import CleanupStep

from .clear_border import clear_border
from .fill_holes import fill_holes
from .keep_largest import keep_largest
from .labels import check_labels, pieces_of
from .remove_large import remove_large
from .remove_small import remove_small

STEPS: dict[str, Callable[..., NDArray[Any]]] = {
    "remove_small": remove_small,
    "remove_large": remove_large,
    "fill_holes": fill_holes,
    "clear_border": clear_border,
    "keep_largest": keep_largest,
}
"""The function of each step; its arguments carry the names of the step's settings."""

_REMOVE_PIECES = ("remove_small", "remove_large", "clear_border")


def apply(
    labels: NDArray[Any], steps: Iterable[CleanupStep], *, classes: bool = False
) -> NDArray[Any]:
    """Run clean-up steps over labels, in the order given.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    steps : iterable of CleanupStep
        Settings of the steps, for example ``workflow.cleanup.steps``.
    classes : bool
        Whether the numbers are classes instead of objects. Sizes and borders then
        concern every connected piece of a class on its own.

    Returns
    -------
    ndarray
        A cleaned copy of the same shape and type. Objects keep their numbers.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import FillHoles, RemoveSmall
    >>> labels = np.array([[7, 7, 7, 0, 4], [7, 0, 7, 0, 0], [7, 7, 7, 0, 0]])
    >>> apply(labels, [FillHoles(), RemoveSmall(size=2)])
    array([[7, 7, 7, 0, 0],
           [7, 7, 7, 0, 0],
           [7, 7, 7, 0, 0]])
    """
    check_labels(labels)
    out = labels.copy()
    for step in steps:
        values = {name: getattr(step, name) for name in type(step).model_fields}
        name = values.pop("step")
        if classes and name in _REMOVE_PIECES:
            stays = STEPS[name](pieces_of(out), **values) > 0
            out = np.where(stays, out, out.dtype.type(0))
        else:
            out = STEPS[name](out, **values)
    return out
