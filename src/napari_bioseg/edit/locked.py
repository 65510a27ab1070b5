"""Objects that somebody corrected stay as they are in new labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOSTLY = 0.5
"""A new object that shares more than this part of itself with locked ones is theirs."""


def keep_locked(
    old: NDArray[Any],
    new: NDArray[Any],
    locked: Iterable[int],
    emptied: Sequence[NDArray[np.int64]] = (),
) -> NDArray[Any]:
    """Put locked objects back into labels that were made anew.

    Parameters
    ----------
    old : ndarray
        Labels with the locked objects as they are to stay.
    new : ndarray
        Labels made anew, same shape.
    locked : iterable of int
        Ids of objects of ``old``.
    emptied : sequence of ndarray, optional
        Pixels that were taken from objects, one array of indices per axis: those that
        hold nothing in ``old`` stay empty.

    Returns
    -------
    ndarray
        Of the type of ``old``: locked objects with their pixels and ids; of the new
        objects what lies beside them. New objects that share more than half of
        their pixels with locked ones or with emptied pixels are left out, so that no
        slivers remain, and those that have the id of a locked one get a new id above
        all others.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> old = np.array([5, 5, 5, 0, 0, 2, 2])
    >>> new = np.array([1, 1, 0, 0, 5, 5, 5])
    >>> keep_locked(old, new, [5])
    array([5, 5, 5, 0, 6, 6, 6])
    """
    if old.shape != new.shape:
        raise ValueError(
            f"the locked objects lie in labels of shape {old.shape}, the new labels "
            f"have shape {new.shape}; they must be equal"
        )
    wanted = np.unique(np.fromiter(locked, np.int64))
    out: NDArray[Any] = new.astype(old.dtype)
    kept = is_one_of(old, wanted)
    held = kept
    if len(emptied) and emptied[0].size:
        still = old[tuple(emptied)] == 0
        held = kept.copy()
        held[tuple(axis[still] for axis in emptied)] = True
    if not held.any():
        return out
    count = int(new.max(initial=0)) + 1
    sizes = np.bincount(new.ravel(), minlength=count)
    shared = np.bincount(new[held], minlength=count)
    ids = np.arange(count)
    ids[shared > MOSTLY * sizes] = 0
    taken = wanted[(wanted > 0) & (wanted < count)]
    taken = taken[ids[taken] > 0]
    top = max(int(old.max(initial=0)), count - 1)
    ids[taken] = np.arange(top + 1, top + 1 + taken.size)
    ids[0] = 0
    out = ids[new].astype(old.dtype)
    out[held] = 0
    out[kept] = old[kept]
    return out


def is_one_of(labels: NDArray[Any], ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where labels are one of some ids.

    Parameters
    ----------
    labels : ndarray
        Integers.
    ids : ndarray
        The ids, sorted.

    Returns
    -------
    ndarray of bool
    """
    if ids.size == 0:
        return np.zeros(labels.shape, bool)
    largest = int(labels.max(initial=0))
    smallest = int(labels.min(initial=0))
    if smallest < 0 or largest > max(labels.size, 1 << 16):
        return np.isin(labels, ids)
    table = np.zeros(largest + 1, bool)
    table[ids[(ids > 0) & (ids <= largest)]] = True
    return np.asarray(table[labels])
