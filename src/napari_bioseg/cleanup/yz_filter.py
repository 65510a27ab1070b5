"""Median of channels in Z and Y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings.cleanup import odd

from .z_filter import volume


def yz_filter(channel: NDArray[Any], size: int = 3) -> NDArray[np.float32]:
    """Replace every value of a volume by the median in Z and Y.

    Parameters
    ----------
    channel : ndarray, shape (Z, Y, X)
        Values, such as probabilities.
    size : int
        Width and height of the window, odd.

    Returns
    -------
    ndarray of float32
        Same shape.

    Raises
    ------
    ValueError
        If the array is no volume or ``size`` is even.

    Examples
    --------
    >>> import numpy as np
    >>> bright = np.zeros((3, 3, 1))
    >>> bright[1, 1] = 1
    >>> yz_filter(bright).max()
    np.float32(0.0)
    """
    from .median import median

    return median(volume(channel, "yz_filter"), (odd(size), odd(size)))
