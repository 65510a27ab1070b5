"""Random changes of a patch's intensities; its targets stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import AugmentSettings


def change_intensities(
    image: NDArray[np.float32],
    settings: AugmentSettings,
    rng: np.random.Generator,
    *,
    spread: NDArray[np.float32],
    spacing: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Change contrast, brightness and so on.

    Parameters
    ----------
    image : ndarray, (C, [Z,] Y, X), normalised
    settings : AugmentSettings
    rng : numpy.random.Generator
        Only asked for what is switched on.
    spread : ndarray, (C,)
        Range of intensities of each channel, which brightness and noise refer to.
    spacing : sequence of float, optional
        Pixel size per axis, for blur along z.

    Returns
    -------
    ndarray
        A changed copy.
    """
    axes = (slice(None), *(None,) * (image.ndim - 1))
    channels = image.shape[0]
    image = np.array(image, dtype=np.float32, order="C")

    def happens() -> bool:
        return bool(rng.random() < settings.chance)

    if settings.gamma and happens():
        _bend_curve(image, settings.gamma, rng)
    if settings.contrast:
        factor = 1 + _uniform(settings.contrast, channels, rng)
        mean = image.reshape(channels, -1).mean(axis=1)
        image *= factor[axes]
        image += ((1 - factor) * mean)[axes]
    if settings.brightness:
        image += (_uniform(settings.brightness, channels, rng) * spread)[axes]
    if settings.blur and happens():
        image = _blurred(image, float(rng.uniform(0, settings.blur)), spacing)
    if settings.noise:
        deviation = np.float32(settings.noise * rng.uniform(0, 1)) * spread
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image += noise * deviation[axes]
    if settings.cutout and happens():
        _cut_out(image, settings.cutout, rng)
    if settings.channel_dropout and channels > 1 and happens():
        lost = np.atleast_1d(rng.random(channels) < settings.channel_dropout)
        lost[rng.integers(channels)] = False
        image[lost] = _middle(image)[lost][axes]
    if settings.missing_sections and image.ndim == 4 and happens():
        lost = np.atleast_1d(rng.random(image.shape[1]) < settings.missing_sections)
        lost[rng.integers(len(lost))] = False
        image[:, lost] = image.reshape(channels, -1).min(axis=1)[axes]
    return image


def _uniform(
    largest: float, count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    return rng.uniform(-largest, largest, count).astype(np.float32)


def _bend_curve(
    image: NDArray[np.float32], largest: float, rng: np.random.Generator
) -> None:
    """Raise each channel, scaled to 0...1 for it, to a power."""
    for channel in image:
        power = (1 + largest) ** rng.uniform(-1, 1)
        low, high = channel.min(), channel.max()
        if high > low:
            share = (channel - low) / (high - low)
            channel[...] = share ** np.float32(power) * (high - low) + low


def _blurred(
    image: NDArray[np.float32], width: float, spacing: Sequence[float] | None
) -> NDArray[np.float32]:
    from scipy import ndimage

    sizes = np.array(spacing or (1.0,) * (image.ndim - 1))
    widths = width * sizes[-1] / sizes
    return np.asarray(
        ndimage.gaussian_filter(image, (0, *widths), mode="reflect", truncate=3.0)
    )


def _cut_out(
    image: NDArray[np.float32], largest: float, rng: np.random.Generator
) -> None:
    box: list[slice] = [slice(None)]
    for length in image.shape[1:]:
        size = max(1, round(length * largest * rng.uniform(0.25, 1)))
        start = int(rng.integers(0, length - size + 1))
        box.append(slice(start, start + size))
    axes = (slice(None), *(None,) * (image.ndim - 1))
    image[tuple(box)] = _middle(image)[axes]


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(image.reshape(len(image), -1).mean(axis=1))
