"""Bring the intensities of an image to one scale, in training and prediction alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import (
    Intensities,
    MinMaxNormalization,
    Normalization,
    PercentileNormalization,
    Workflow,
    ZScoreNormalization,
)

from .pixel_sample import pixel_sample


@dataclass(frozen=True)
class Scale:
    """One shift and one factor per channel: ``(image - shift) * factor``.

    Intensities are limited to ``low`` and ``high`` first, where these are given.
    """

    shift: NDArray[np.float64]
    factor: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    def __call__(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Return a normalised copy of (C, [Z,] Y, X), with NaN and infinity as 0."""
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            out: NDArray[Any] = image.astype(exact_type(image.dtype))
            if image.dtype.kind == "f" and not usable(out).all():
                out[~usable(out)] = np.nan
            if self.low is not None and self.high is not None:
                np.clip(out, _beside(out, self.low), _beside(out, self.high), out=out)
            out -= _beside(out, self.shift)
            out *= _beside(out, self.factor)
            scaled: NDArray[np.float32] = out.astype(np.float32, copy=False)
        if image.dtype.kind == "f" and not np.isfinite(scaled).all():
            np.nan_to_num(scaled, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return scaled

    def stored(self) -> Intensities:
        """Return the numbers as a model keeps them."""
        low, high = self.low, self.high
        return Intensities(
            shift=tuple(map(float, self.shift)),
            factor=tuple(map(float, self.factor)),
            low=() if low is None else tuple(map(float, low)),
            high=() if high is None else tuple(map(float, high)),
        )


def exact_type(dtype: np.dtype[Any]) -> type[np.float32] | type[np.float64]:
    """Return the type in which to subtract from the numbers of another one.

    Parameters
    ----------
    dtype : numpy.dtype
        Of an image.

    Returns
    -------
    type
        float64 for integers of 32 or 64 bits and for float64, else float32. Of numbers
        with a large offset float32 would hold the offset, and lose the picture.
    """
    wide = dtype.itemsize > (2 if dtype.kind in "iu" else 4)
    return np.float64 if wide else np.float32


def _beside(image: NDArray[Any], numbers: NDArray[np.float64]) -> NDArray[Any]:
    """Return one number per channel in the type and with the axes of an image."""
    axes = (slice(None), *(None,) * (image.ndim - 1))
    return numbers.astype(image.dtype)[axes]


def image_scale(image: Any, workflow: Workflow, *, skip_damage: bool = False) -> Scale:
    """Return how to normalise an image for a workflow.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        numpy, dask or zarr; not read where the model keeps its training set's numbers.
    workflow : Workflow
        With ``trained`` filled in where intensities were measured on the training set.
    skip_damage : bool
        As for `scale_of`.

    Returns
    -------
    Scale
    """
    facts, how = workflow.trained, workflow.data.normalization
    if facts is None or facts.intensities is None or not is_common(how):
        return scale_of(image, how, skip_damage=skip_damage)
    kept = facts.intensities
    arrays = [np.array(part, np.float64) for part in (kept.shift, kept.factor)]
    if kept.low:
        arrays += [np.array(part, np.float64) for part in (kept.low, kept.high)]
    return Scale(*arrays)


def is_common(normalization: Normalization) -> bool:
    """Whether intensities are measured on all training images together."""
    return getattr(normalization, "measured_on", "image") == "training set"


def common_scale(images: Sequence[Any], normalization: Normalization) -> Scale:
    """Measure how to normalise all images of a training set alike.

    Parameters
    ----------
    images : sequence of array, each (C, [Z,] Y, X)
        An even grid of pixels is read of each, together about four million a channel.
    normalization : settings

    Returns
    -------
    Scale
        Large images count for more, as they have more pixels.
    """
    total = sum(int(np.prod(image.shape[1:])) for image in images)

    def pixels(channel: int) -> NDArray[Any]:
        return np.concatenate(
            [_finite(pixel_sample(image, channel, total)) for image in images]
        )

    return _measured(images[0].shape[0], pixels, normalization)


def scale_of(
    image: Any, normalization: Normalization, *, skip_damage: bool = False
) -> Scale:
    """Measure how to normalise one image.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        numpy, dask or zarr; of images with more than 16 million pixels only blocks
        are read, see `pixel_sample`.
    normalization : settings
        Percentile, z-score, min-max or the range of the data type.
    skip_damage : bool
        Whether to leave out what cannot be read, instead of raising an error.

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
    dtype = np.dtype(image.dtype)
    channels = image.shape[0]
    if normalization.kind == "dtype":
        largest = np.iinfo(dtype).max if dtype.kind in "iu" else 1.0
        return Scale(np.zeros(channels), np.full(channels, 1.0 / largest))

    def pixels(channel: int) -> NDArray[Any]:
        return _finite(pixel_sample(image, channel, skip_damage=skip_damage))

    return _measured(channels, pixels, normalization)


def _measured(
    channels: int, pixels: Callable[[int], NDArray[Any]], normalization: Normalization
) -> Scale:
    shift, factor = np.zeros(channels), np.ones(channels)
    limits = np.zeros((2, channels))
    clips = getattr(normalization, "clip", False)
    for channel in range(channels):
        values = pixels(channel)
        if clips:
            limits[:, channel] = _limits(values, normalization)
            if not isinstance(normalization, PercentileNormalization):
                exact = exact_type(values.dtype)
                values = np.clip(values, *limits[:, channel].astype(exact))
        low, width = _low_and_width(values, normalization)
        shift[channel] = low
        factor[channel] = 1.0 / width if width > 0 else 0.0
    return Scale(shift, factor, *limits) if clips else Scale(shift, factor)


def _limits(values: NDArray[Any], normalization: Normalization) -> tuple[float, float]:
    """Return the percentiles that intensities are limited to."""
    how = normalization
    if not isinstance(how, PercentileNormalization):
        how = PercentileNormalization()
    low, width = _low_and_width(values, how)
    return low, low + width


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    return values[usable(values)] if values.dtype.kind == "f" else values


def usable(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values are finite as float32, in which networks compute."""
    with np.errstate(over="ignore"):
        found: NDArray[np.bool_] = np.isfinite(values.astype(np.float32, copy=False))
    return found


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
