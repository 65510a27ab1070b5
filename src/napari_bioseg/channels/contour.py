"""Contours of labelled objects."""

from __future__ import annotations

from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from .parallel import divide, in_parallel

ContourMode = Literal["thick", "inner", "outer", "dense"]
_MODES = ("thick", "inner", "outer", "dense")


def contour(labels: NDArray[Any], mode: ContourMode = "thick") -> NDArray[np.bool_]:
    """Return where objects border on something else.

    Parameters
    ----------
    labels : ndarray
        Integers, 2-D or 3-D; 0 is background.
    mode : {"thick", "inner", "outer", "dense"}
        On both sides of the border; on the object's side; outside the object, and
        where objects touch; or on every pixel one of whose neighbours, corners
        included, has another label.

    Returns
    -------
    ndarray
        bool, shape of ``labels``. The edge of the image is no border. The first three
        modes equal `skimage.segmentation.find_boundaries`.

    Examples
    --------
    >>> import numpy as np
    >>> contour(np.array([[0, 0, 1, 1, 1, 2, 2]])).astype(int)
    array([[0, 1, 1, 0, 1, 1, 0]])
    >>> contour(np.array([[0, 0, 1, 1, 1, 2, 2]]), "inner").astype(int)
    array([[0, 0, 1, 0, 1, 1, 0]])
    """
    volume = labels if labels.ndim == 3 else labels[np.newaxis]
    out = np.empty(volume.shape, np.bool_)
    rows = volume.shape[0] * volume.shape[1]
    in_parallel(_mark, divide(rows, volume.size), volume, out, _MODES.index(mode))
    return out.reshape(labels.shape)


@numba.njit(nogil=True, cache=True)
def _mark(labels, out, mode, start, stop):  # type: ignore[no-untyped-def]
    depth, height, width = labels.shape
    for row in range(start, stop):
        z, y = row // height, row % height
        for x in range(width):
            label = labels[z, y, x]
            border = (
                (x > 0 and labels[z, y, x - 1] != label)
                or (x + 1 < width and labels[z, y, x + 1] != label)
                or (y > 0 and labels[z, y - 1, x] != label)
                or (y + 1 < height and labels[z, y + 1, x] != label)
                or (z > 0 and labels[z - 1, y, x] != label)
                or (z + 1 < depth and labels[z + 1, y, x] != label)
            )
            if mode == 1:
                border = border and label != 0
            elif mode == 2:
                border = border and (label == 0 or _another(labels, z, y, x, False))
            elif mode == 3:
                border = border or _another(labels, z, y, x, True)
            out[z, y, x] = border


@numba.njit(nogil=True, cache=True)
def _another(labels, z, y, x, background):  # type: ignore[no-untyped-def]
    """Whether a neighbour, corners included, is another object (or background)."""
    depth, height, width = labels.shape
    label = labels[z, y, x]
    for k in range(max(z - 1, 0), min(z + 2, depth)):
        for j in range(max(y - 1, 0), min(y + 2, height)):
            for i in range(max(x - 1, 0), min(x + 2, width)):
                other = labels[k, j, i]
                if other != label and (background or other != 0):
                    return True
    return False
