"""What a network predicts, with the names that tell its channels apart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.counted import counted
from napari_bioseg.settings import CHANNEL_NAMES, channel_list

from .extent import extent

Region = tuple[slice, ...]
"""One slice per spatial axis."""

MAX_PIXELS = 2**31 - 1
"""Pixels of an image at most: the watershed numbers them in 32 bits."""
_CLASS = re.compile(r"foreground|class \d+")
_SLACK = 1e-3
"""How far blended probabilities may leave 0…1 before they look like logits."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Channels predicted for one image, checked once.

    Parameters
    ----------
    data : array_like
        Shape ``(C, [Z,] Y, X)``; kept as C-contiguous float32, without a copy where
        it already is.
    channels : sequence of str
        Name of each channel, e.g. ``("B", "C")``, or ``"BC"`` for short.
    spacing : sequence of float, optional
        Size of a pixel per spatial axis, in physical units; 1 by default.

    Raises
    ------
    ValueError
        If shape and names do not fit, a name is unknown, a value is not finite, or a
        channel of probabilities holds something else.

    Examples
    --------
    >>> import numpy as np
    >>> prediction = Prediction(np.zeros((2, 5, 7)), "BC")
    >>> prediction.spatial_shape, prediction.spacing
    ((5, 7), (1.0, 1.0))
    """

    data: NDArray[np.float32]
    channels: tuple[str, ...] = ("B", "C", "D")
    spacing: tuple[float, ...] = ()
    ranges: tuple[tuple[float, float], ...] = field(default=(), init=False, repr=False)
    """Smallest and largest value of each channel."""

    def __init__(
        self,
        data: object,
        channels: Sequence[str] = ("B", "C", "D"),
        spacing: Sequence[float] | None = None,
    ) -> None:
        names = _names(channels)
        array = _array(data, names)
        ranges = tuple(
            _check_values(name, channel)
            for name, channel in zip(names, array, strict=True)
        )
        if array.dtype != np.float32 or not array.flags.c_contiguous:
            array = np.ascontiguousarray(array, dtype=np.float32)
        object.__setattr__(self, "data", array)
        object.__setattr__(self, "channels", names)
        object.__setattr__(self, "spacing", check_spacing(spacing, array.ndim - 1))
        object.__setattr__(self, "ranges", ranges)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Shape without the channel axis: ``(Y, X)`` or ``(Z, Y, X)``."""
        return self.data.shape[1:]

    def channel(self, name: str) -> NDArray[np.float32]:
        """Return one channel.

        Parameters
        ----------
        name : str
            For example ``"B"``.

        Returns
        -------
        ndarray
            Shape ``([Z,] Y, X)``, a view.

        Raises
        ------
        ValueError
            If the prediction has no such channel.
        """
        if name not in self.channels:
            raise ValueError(
                f"there is no channel {name!r} in this prediction, "
                f"only {', '.join(self.channels)}"
            )
        channel: NDArray[np.float32] = self.data[self.channels.index(name)]
        return channel


def check_spacing(spacing: Sequence[float] | None, ndim: int) -> tuple[float, ...]:
    """Check the pixel size against the number of spatial axes.

    Parameters
    ----------
    spacing : sequence of float or None
        None means 1 along every axis.
    ndim : int
        Number of spatial axes.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If there are too few or too many values, or one is not above 0.
    """
    if spacing is None or len(spacing) == 0:
        return (1.0,) * ndim
    values = tuple(float(value) for value in spacing)
    if len(values) != ndim:
        raise ValueError(
            f"spacing {values} has {len(values)} values for {ndim} spatial axes; "
            f"give one per axis, {'(Z, Y, X)' if ndim == 3 else '(Y, X)'}"
        )
    if not all(0 < value < np.inf for value in values):
        raise ValueError(f"spacing {values} must be above 0 along every axis")
    return values


def _names(channels: Sequence[str]) -> tuple[str, ...]:
    if isinstance(channels, str) and not _CLASS.fullmatch(channels):
        return tuple(channel.name for channel in channel_list(channels))
    names = (channels,) if isinstance(channels, str) else tuple(channels)
    for name in names:
        if name not in CHANNEL_NAMES and not _CLASS.fullmatch(str(name)):
            raise ValueError(
                f"no channel is called {name!r}; there are {', '.join(CHANNEL_NAMES)}, "
                "and 'foreground' or 'class 0', 'class 1'… for semantic predictions"
            )
        if names.count(name) > 1:
            raise ValueError(f"channel {name!r} is named twice in {names}")
    return names


def _array(data: object, names: tuple[str, ...]) -> NDArray[np.generic]:
    _check_size(getattr(data, "shape", ()))
    array = np.asarray(data)
    wanted = f"({len(names)}, [Z,] Y, X) for channels {', '.join(names)}"
    if array.ndim not in (3, 4):
        raise ValueError(
            f"a prediction has shape {wanted}, this one {array.shape}; "
            "the channel axis comes first, also for one channel"
        )
    if array.shape[0] != len(names):
        raise ValueError(
            f"the prediction has {counted(array.shape[0], 'channel')} "
            f"(shape {array.shape}) but "
            f"{len(names)} names ({', '.join(names)}); its shape must be {wanted}"
        )
    if array.size == 0:
        raise ValueError(f"the prediction is empty: shape {array.shape}")
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"a prediction holds real numbers, this one {array.dtype}; use float32"
        )
    return array


def _check_size(shape: tuple[int, ...]) -> None:
    # before anything is read: the data may be lazy, or on a disk
    pixels = math.prod(shape[1:])
    if pixels > MAX_PIXELS:
        raise ValueError(
            f"an image of shape {shape[1:]} has {pixels:,} pixels, but instances are "
            f"found in at most {MAX_PIXELS:,} at once; segment it in smaller blocks "
            "or cut out a part"
        )


def _check_values(name: str, channel: NDArray[np.generic]) -> tuple[float, float]:
    low, high = extent(channel)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            f"channel {name} holds values that are not finite (NaN or infinity); "
            "replace them, e.g. with numpy.nan_to_num"
        )
    if name in ("D", "Dv2") or (low >= -_SLACK and high <= 1 + _SLACK):
        return low, high
    way_out = "apply a sigmoid to logits first"
    if channel.dtype.kind in "iu" or (low >= 0 and 2 < high <= 255):
        way_out = "divide integers such as 0…255 by their largest possible value"
    raise ValueError(
        f"channel {name} holds values from {low:g} to {high:g} ({channel.dtype}), "
        f"but probabilities lie in 0…1; {way_out}"
    )
