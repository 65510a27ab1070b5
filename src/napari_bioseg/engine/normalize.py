"""Bring the intensities of an image to one scale, in training and prediction alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import (
    MinMaxNormalization,
    Normalization,
    PercentileNormalization,
    ZScoreNormalization,
)

MAX_SAMPLES = 4_000_000
"""Statistics of larger images are taken from an even grid of about this many pixels."""


@dataclass(frozen=True)
class Scale:
    """One shift and one factor per channel: ``(image - shift) * factor``."""

    shift: NDArray[np.float32]
    factor: NDArray[np.float32]

    def __call__(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Return a normalised copy of (C, [Z,] Y, X), with NaN and infinity as 0."""
        axes = (slice(None), *(None,) * (image.ndim - 1))
        out = image.astype(np.float32)
        out -= self.shift[axes]
        out *= self.factor[axes]
        if image.dtype.kind == "f" and not np.isfinite(out).all():
            np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return out


def scale_of(image: Any, normalization: Normalization) -> Scale:
    """Measure how to normalise one image.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        numpy, dask or zarr; only a grid of about four million pixels is read of larger
        images.
    normalization : settings
        Percentile, z-score, min-max or the range of the data type.

    Returns
    -------
    Scale
        Of each channel by itself. A constant channel becomes 0 everywhere; NaN and
        infinite values take no part.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import MinMaxNormalization
    >>> image = np.array([[[2, 4], [6, 10]]], dtype=np.uint8)
    >>> scale_of(image, MinMaxNormalization())(image).tolist()
    [[[0.0, 0.25], [0.5, 1.0]]]
    """
    channels = image.shape[0]
    shift = np.zeros(channels, dtype=np.float32)
    factor = np.ones(channels, dtype=np.float32)
    dtype = np.dtype(image.dtype)
    for channel in range(channels):
        if dtype.kind in "iu" and _by_type(normalization):
            factor[channel] = 1.0 / np.iinfo(dtype).max
        elif not _by_type(normalization):
            values = _sample(image, channel)
            low, width = _low_and_width(values, normalization)
            shift[channel] = low
            factor[channel] = 1.0 / width if width > 0 else 0.0
    return Scale(shift, factor)


def _by_type(normalization: Normalization) -> bool:
    return normalization.kind == "dtype"


def _sample(image: Any, channel: int) -> NDArray[np.float64]:
    """Read an even grid of one channel's pixels, without NaN and infinity."""
    size = int(np.prod(image.shape[1:]))
    axes = len(image.shape) - 1
    step = max(1, int(np.ceil((size / MAX_SAMPLES) ** (1 / axes))))
    grid = (channel, *(slice(None, None, step),) * axes)
    values = np.asarray(image[grid]).ravel()
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return values


def _low_and_width(
    values: NDArray[Any], normalization: Normalization
) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 0.0
    if isinstance(normalization, PercentileNormalization):
        low, high = np.percentile(values, (normalization.low, normalization.high))
        if high <= low:  # sparse signal: nearly all pixels have one value
            low, high = values.min(), values.max()
        return float(low), float(high) - float(low)
    if isinstance(normalization, ZScoreNormalization):
        return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    if isinstance(normalization, MinMaxNormalization):
        return float(values.min()), float(values.max()) - float(values.min())
    raise TypeError(f"unknown normalization {normalization!r}")
