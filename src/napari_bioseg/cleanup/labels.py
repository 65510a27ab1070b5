"""What clean-up steps share: pieces, objects kept, numbers restored, threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.measure.numbering import check_labels, dense_labels

__all__ = [
    "check_labels",
    "check_radius",
    "dense_labels",
    "in_threads",
    "keep_objects",
    "pieces_of",
    "restored",
]

_WORTH_THREADS = 1 << 18  # pixels below which starting threads takes longer


def check_radius(radius: float) -> None:
    """Refuse what is no radius.

    Parameters
    ----------
    radius : float
        Anything.

    Raises
    ------
    ValueError
        If it is negative or no number.
    """
    if not radius >= 0:
        raise ValueError(f"radius = {radius}: must be 0 or more pixels")


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
