"""Join the objects of a stack of images to objects of a volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import check_labels


def join_slices(labels: NDArray[Any], overlap: float = 0.25) -> NDArray[Any]:
    """Give objects that overlap in neighbouring slices one number.

    For stacks that were segmented slice by slice, each with numbers of its own.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    overlap : float
        Smallest intersection over union of an object in two slices, above 0 up to 1.

    Returns
    -------
    ndarray
        Same shape and type, numbered 1…n in scan order; a single image is only copied.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or
        ``overlap`` is out of range.

    Notes
    -----
    Neighbouring slices are matched one to one, as `napari_bioseg.measure.match` does.
    An object that is missing in one slice starts anew after it.

    Examples
    --------
    >>> import numpy as np
    >>> join_slices(np.array([[[1, 1, 0, 2]], [[7, 7, 0, 0]], [[0, 0, 1, 1]]])).tolist()
    [[[1, 1, 0, 2]], [[1, 1, 0, 0]], [[0, 0, 3, 3]]]
    """
    from napari_bioseg.measure import match

    check_labels(labels)
    if labels.ndim == 2 or not labels.size:
        return labels.copy()
    out = np.zeros_like(labels)
    last = 0
    for z, plane in enumerate(labels):
        names, where, first = _names(plane)
        numbers = np.zeros(len(names), labels.dtype)
        if z:
            pairs = match(out[z - 1], where, overlap)[0].pairs
            for before, name, _ in pairs:
                numbers[name] = before
        new = [place for place in first.tolist() if not numbers[place]]
        numbers[new] = np.arange(last + 1, last + 1 + len(new))
        last += len(new)
        out[z] = numbers[where]
    return out


def _names(plane: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.intp]]:
    """Return the numbers of a slice, it with their places, and these in scan order."""
    names, where = np.unique(np.append(plane, 0), return_inverse=True)
    where = where[:-1].reshape(plane.shape)
    seen, first = np.unique(where, return_index=True)
    order = seen[np.argsort(first)]
    return names, where, order[order > 0]
