"""Random changes of a patch's intensities; its targets stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import AugmentSettings

TRUNCATE = 3.0
"""A blur reaches so many standard deviations."""


@dataclass(frozen=True)
class IntensityChanges:
    """How the intensities of one patch are changed, in the order of the attributes.

    Attributes
    ----------
    powers : ndarray, (C,), optional
        Each channel, scaled to 0...1 for it, is raised to its power.
    factors : ndarray, (C,), optional
        Contrast: by how much each channel is stretched around its mean.
    shifts : ndarray, (C,), optional
        Brightness: what is added to each channel.
    widths : tuple of float
        Standard deviation of the blur per spatial axis, in pixels; empty for none.
    noise : ndarray, (C,), optional
        Standard deviation of the noise.
    box : tuple of slice
        The part that is blanked with each channel's mean; empty for none.
    lost_channels : ndarray, (C,), bool, optional
        Channels that are blanked with their mean.
    lost_sections : ndarray, (Z,), bool, optional
        Slices that are blanked with each channel's least value.
    """

    powers: NDArray[np.float32] | None = None
    factors: NDArray[np.float32] | None = None
    shifts: NDArray[np.float32] | None = None
    widths: tuple[float, ...] = ()
    noise: NDArray[np.float32] | None = None
    box: tuple[slice, ...] = ()
    lost_channels: NDArray[np.bool_] | None = None
    lost_sections: NDArray[np.bool_] | None = None


def draw_intensity_changes(
    shape: Sequence[int],
    settings: AugmentSettings,
    rng: np.random.Generator,
    *,
    spread: NDArray[np.float32],
    spacing: Sequence[float] | None = None,
) -> IntensityChanges:
    """Draw at random how the intensities of one patch are changed.

    Parameters
    ----------
    shape : sequence of int
        Of the patch, (C, [Z,] Y, X).
    settings : AugmentSettings
    rng : numpy.random.Generator
        Only asked for what is switched on.
    spread : ndarray, (C,)
        Range of intensities of each channel, which brightness and noise refer to.
    spacing : sequence of float, optional
        Pixel size per axis, for blur along z.

    Returns
    -------
    IntensityChanges
    """
    channels, *size = shape

    def happens(amount: float) -> bool:
        return bool(amount and rng.random() < settings.chance)

    found: dict[str, Any] = {}
    if happens(settings.gamma):
        powers = (1 + settings.gamma) ** rng.uniform(-1, 1, channels)
        found["powers"] = powers.astype(np.float32)
    if settings.contrast:
        found["factors"] = 1 + _uniform(settings.contrast, channels, rng)
    if settings.brightness:
        found["shifts"] = _uniform(settings.brightness, channels, rng) * spread
    if happens(settings.blur):
        sizes = np.array(spacing or (1.0,) * len(size))
        widths = rng.uniform(0, settings.blur) * sizes[-1] / sizes
        found["widths"] = tuple(map(float, widths))
    if settings.noise:
        found["noise"] = np.float32(settings.noise * rng.uniform(0, 1)) * spread
    if happens(settings.cutout):
        found["box"] = _draw_box(size, settings.cutout, rng)
    if channels > 1 and happens(settings.channel_dropout):
        found["lost_channels"] = _draw_lost(channels, settings.channel_dropout, rng)
    if len(size) == 3 and happens(settings.missing_sections):
        found["lost_sections"] = _draw_lost(size[0], settings.missing_sections, rng)
    return IntensityChanges(**found)


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
    settings, rng, spread, spacing
        As `draw_intensity_changes` takes them.

    Returns
    -------
    ndarray
        A changed copy.
    """
    changes = draw_intensity_changes(
        image.shape, settings, rng, spread=spread, spacing=spacing
    )
    return apply_intensity_changes(image, changes, rng)


def apply_intensity_changes(
    image: NDArray[np.float32], changes: IntensityChanges, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Change intensities as was drawn.

    Parameters
    ----------
    image : ndarray, (C, [Z,] Y, X), normalised
    changes : IntensityChanges
    rng : numpy.random.Generator
        For the noise alone.

    Returns
    -------
    ndarray
        A changed copy.
    """
    axes = (slice(None), *(None,) * (image.ndim - 1))
    image = np.array(image, dtype=np.float32, order="C")
    if changes.powers is not None:
        _bend_curves(image, changes.powers)
    if changes.factors is not None:
        mean = _middle(image)
        image *= changes.factors[axes]
        image += ((1 - changes.factors) * mean)[axes]
    if changes.shifts is not None:
        image += changes.shifts[axes]
    if changes.widths:
        image = _blurred(image, changes.widths)
    if changes.noise is not None:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image += noise * changes.noise[axes]
    if changes.box:
        image[(slice(None), *changes.box)] = _middle(image)[axes]
    if changes.lost_channels is not None:
        lost = changes.lost_channels
        image[lost] = _middle(image)[lost][axes]
    if changes.lost_sections is not None:
        darkest = image.reshape(len(image), -1).min(axis=1)
        image[:, changes.lost_sections] = darkest[axes]
    return image


def _uniform(
    largest: float, count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    return rng.uniform(-largest, largest, count).astype(np.float32)


def _draw_lost(count: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose which of some channels or slices are lost; one at least stays."""
    lost = np.atleast_1d(rng.random(count) < share)
    lost[rng.integers(count)] = False
    return lost


def _draw_box(
    size: Sequence[int], largest: float, rng: np.random.Generator
) -> tuple[slice, ...]:
    box = []
    for length in size:
        extent = max(1, round(length * largest * rng.uniform(0.25, 1)))
        start = int(rng.integers(0, length - extent + 1))
        box.append(slice(start, start + extent))
    return tuple(box)


def _bend_curves(image: NDArray[np.float32], powers: NDArray[np.float32]) -> None:
    for channel, power in zip(image, powers, strict=True):
        low, high = channel.min(), channel.max()
        if high > low:
            share = (channel - low) / (high - low)
            channel[...] = share**power * (high - low) + low


def _blurred(
    image: NDArray[np.float32], widths: Sequence[float]
) -> NDArray[np.float32]:
    from scipy import ndimage

    return np.asarray(
        ndimage.gaussian_filter(image, (0, *widths), mode="reflect", truncate=TRUNCATE)
    )


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(image.reshape(len(image), -1).mean(axis=1))
