"""Median of channels along Z."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings.cleanup import odd


def z_filter(channel: NDArray[Any], size: int = 5) -> NDArray[np.float32]:
    """Replace every value of a volume by the median along Z.

    Parameters
    ----------
    channel : ndarray, shape (Z, Y, X)
        Values, such as probabilities.
    size : int
        Slices that are looked at, odd.

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
    >>> z_filter(np.array([0.9, 0.1, 0.8]).reshape(3, 1, 1), size=3).ravel().tolist()
    [0.8999999761581421, 0.800000011920929, 0.800000011920929]
    """
    from .median import median

    return median(volume(channel, "z_filter"), (odd(size), 1))


def volume(channel: NDArray[Any], step: str) -> NDArray[np.float32]:
    """Refuse what is no volume.

    Parameters
    ----------
    channel : ndarray
        Anything.
    step : str
        The filter, for the message.

    Returns
    -------
    ndarray of float32

    Raises
    ------
    ValueError
        If there are not three axes.
    """
    if channel.ndim != 3:
        raise ValueError(
            f"{step} works along Z, which channels of shape {channel.shape} do not "
            "have; remove the filter, or give the stack as one volume"
        )
    return np.ascontiguousarray(channel, np.float32)
