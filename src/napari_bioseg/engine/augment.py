"""Random changes to patches; what moves the image moves its targets too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import AugmentSettings

from .patches import Sample


def augment(
    sample: Sample,
    settings: AugmentSettings,
    rng: np.random.Generator,
    *,
    spread: NDArray[np.float32],
    quarter_turns: bool = True,
) -> Sample:
    """Return a changed copy of one patch.

    Parameters
    ----------
    sample : tuple of ndarray
        Image (C, [Z,] Y, X), normalised, and targets (T, [Z,] Y, X).
    settings : AugmentSettings
    rng : numpy.random.Generator
    spread : ndarray, (C,)
        Range of intensities of each channel, which brightness and noise refer to.
    quarter_turns : bool
        Whether y and x have pixels of one size, so that 90 degrees are allowed. A patch
        that is not square is turned by 180 degrees only.

    Returns
    -------
    tuple of ndarray
        Image and targets.
    """
    image, targets = _move(sample, settings, rng, quarter_turns)
    axes = (slice(None), *(None,) * (image.ndim - 1))
    channels = image.shape[0]
    image = np.array(image, dtype=np.float32, order="C")
    if settings.contrast:
        factor = 1 + _uniform(settings.contrast, channels, rng)
        mean = image.reshape(channels, -1).mean(axis=1)
        image *= factor[axes]
        image += ((1 - factor) * mean)[axes]
    if settings.brightness:
        image += (_uniform(settings.brightness, channels, rng) * spread)[axes]
    if settings.noise:
        deviation = np.float32(settings.noise * rng.uniform(0, 1)) * spread
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image += noise * deviation[axes]
    return image, np.ascontiguousarray(targets)


def _move(
    sample: Sample,
    settings: AugmentSettings,
    rng: np.random.Generator,
    quarter_turns: bool,
) -> Sample:
    image, targets = sample
    if settings.flips:
        flipped = tuple(axis for axis in range(1, image.ndim) if rng.random() < 0.5)
        image, targets = np.flip(image, flipped), np.flip(targets, flipped)
    if settings.rotations:
        square = image.shape[-1] == image.shape[-2]
        quarters = quarter_turns and square
        turns = int(rng.integers(4) if quarters else 2 * rng.integers(2))
        image = np.rot90(image, turns, axes=(-2, -1))
        targets = np.rot90(targets, turns, axes=(-2, -1))
    return image, targets


def _uniform(
    largest: float, count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    return rng.uniform(-largest, largest, count).astype(np.float32)
