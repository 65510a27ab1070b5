"""What every clean-up step needs to know about labels: sizes, boxes, dense numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TABLE = 1 << 22  # object numbers up to here may always index a table directly
_WORTH_THREADS = 1 << 18  # pixels below which starting threads takes longer


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


def pieces_of(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Give each piece of a class a number, so that it can be treated as an object.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Classes, 0 for background.

    Returns
    -------
    ndarray of int32
        Same shape: 1…n in scan order. Pixels that meet at a corner belong to one piece.

    Raises
    ------
    ValueError
        As for `check_labels`.

    Examples
    --------
    >>> pieces_of(np.array([[1, 2, 0, 1], [1, 2, 0, 1]]))
    array([[1, 2, 0, 3],
           [1, 2, 0, 3]], dtype=int32)
    """
    from .kernels import number_pieces

    pieces: NDArray[np.int32] = number_pieces(dense_labels(labels)[0])
    return pieces.reshape(labels.shape)


def keep_objects(
    labels: NDArray[Any], dense: NDArray[np.int32], keep: NDArray[np.bool_]
) -> NDArray[Any]:
    """Return labels with the objects that are not kept set to 0.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers.
    dense : ndarray of int32, shape (Z, Y, X)
        From `dense_labels`.
    keep : ndarray of bool
        For each dense number whether it stays.

    Returns
    -------
    ndarray
        Same shape and type as ``labels``.
    """
    if keep[1:].all():
        return labels.copy()
    kept = keep[dense].reshape(labels.shape)
    return np.where(kept, labels, labels.dtype.type(0))


def restored(
    dense: NDArray[np.int32], numbers: NDArray[Any] | None, like: NDArray[Any]
) -> NDArray[Any]:
    """Turn dense numbers back into the ones they came from.

    Parameters
    ----------
    dense : ndarray of int32, shape (Z, Y, X)
        Dense numbers.
    numbers : ndarray or None
        From `dense_labels`.
    like : ndarray
        The labels they came from.

    Returns
    -------
    ndarray
        Same shape and type as ``like``.
    """
    out = dense if numbers is None else numbers[dense]
    return np.asarray(out.reshape(like.shape), like.dtype)


def in_threads(
    work: Callable[[NDArray[np.int64]], None], objects: NDArray[np.int64], pixels: int
) -> None:
    """Call a compiled function that releases the GIL on shares of the objects.

    Parameters
    ----------
    work : callable
        Takes the numbers of some objects.
    objects : ndarray of int64
        The numbers of all of them.
    pixels : int
        Size of the image, which decides whether threads pay.
    """
    count = min(8, os.cpu_count() or 1, len(objects))
    if count < 2 or pixels < _WORTH_THREADS:
        work(objects)
        return
    # Every n-th object each: neighbours in number are often alike in size.
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, [objects[start::count] for start in range(count)]))
