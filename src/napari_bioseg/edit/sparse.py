"""Labels of which only some objects, and the background around them, are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import Boxes, around

BACKGROUND = 1
"""Label of what is known to be background; objects are numbered from 2."""
REACH = 10.0
"""Pixels around a known object in which background is known too."""


def sparse(
    labels: Any,
    ids: Iterable[int],
    boxes: Boxes,
    *,
    reach: float = REACH,
) -> NDArray[np.int32]:
    """Keep what is known of labels, to train on that alone.

    Parameters
    ----------
    labels : array
        Integer labels, 2-D or 3-D, numpy or lazy; only around known objects they are
        read.
    ids : iterable of int
        The objects that are known to be right; those that are not there are passed
        over.
    boxes : Boxes
        Where objects lie.
    reach : float
        Background at most so many pixels away from them is known to be background.

    Returns
    -------
    ndarray of int32
        Same shape: 0 is unknown, 1 background, 2…n the objects in the order of their
        ids.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.edit import find_boxes
    >>> labels = np.array([[7, 7, 0, 0, 0, 4, 4]])
    >>> sparse(labels, [7], find_boxes(labels), reach=2)
    array([[2, 2, 1, 1, 0, 0, 0]], dtype=int32)
    """
    from scipy import ndimage

    out = np.zeros(labels.shape, np.int32)
    known = [number for number in sorted(set(ids)) if number in boxes]
    for place, number in enumerate(known):
        box = around([boxes[number]], int(np.ceil(reach)), labels.shape)
        part = np.asarray(labels[box])
        mine = part == number
        if not mine.any():  # boxes remember objects that went
            continue
        near = ndimage.distance_transform_edt(~mine) <= reach
        here = out[box]
        here[near & (part == 0)] = BACKGROUND
        here[mine] = BACKGROUND + 1 + place
    return out
