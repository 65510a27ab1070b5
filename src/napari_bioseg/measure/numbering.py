"""Bring object numbers to a range small enough to index tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TABLE = 1 << 22  # object numbers up to here may always index a table directly


def check_labels(labels: NDArray[Any]) -> None:
    """Refuse what is no label image.

    Parameters
    ----------
    labels : ndarray
        Anything.

    Raises
    ------
    ValueError
        If the array is not of whole numbers of 0 and more, with 2 or 3 axes.
    """
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels are whole numbers, one per object, not {labels.dtype}; "
            "round them, or number the parts of a mask first"
        )
    if labels.ndim not in (2, 3):
        raise ValueError(
            f"labels have the axes (Y, X) or (Z, Y, X), not shape {labels.shape}"
        )
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise ValueError(
            f"labels start at 0 (background), but {labels.min()} occurs among them"
        )


def dense_labels(
    labels: NDArray[Any],
) -> tuple[NDArray[np.int32], NDArray[Any] | None]:
    """Bring labels to numbers small enough to index a table of objects.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background.

    Returns
    -------
    dense : ndarray of int32, shape (Z, Y, X)
        The same objects; a view of ``labels`` where that serves.
    numbers : ndarray or None
        The original number of every dense one; None if they are the same.

    Raises
    ------
    ValueError
        As for `check_labels`.
    """
    check_labels(labels)
    flat = labels if labels.ndim == 3 else labels[np.newaxis]
    if not flat.size or int(flat.max()) <= max(_TABLE, 2 * flat.size):
        return np.ascontiguousarray(flat, np.int32), None
    numbers, dense = np.unique(flat, return_inverse=True)
    if numbers[0] != 0:  # background keeps the number 0 even where there is none
        numbers, dense = np.r_[numbers.dtype.type(0), numbers], dense + 1
    return np.ascontiguousarray(dense.reshape(flat.shape), np.int32), numbers
