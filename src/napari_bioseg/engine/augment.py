"""Random changes to patches; what moves the image moves its targets too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import AugmentSettings

from .intensity import change_intensities
from .patches import Sample


def augment(
    sample: Sample,
    settings: AugmentSettings,
    rng: np.random.Generator,
    *,
    spread: NDArray[np.float32],
    quarter_turns: bool = True,
    spacing: Sequence[float] | None = None,
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
    spacing : sequence of float, optional
        Pixel size per axis, for blur along z.

    Returns
    -------
    tuple of ndarray
        Image and targets.

    Notes
    -----
    Turns by any angle, zoom and the like are not made here: such a patch is read from
    the image through them (see `read_warped`), so that nothing is missing at its edges.
    """
    image, targets = _move(sample, settings, rng, quarter_turns)
    image = change_intensities(image, settings, rng, spread=spread, spacing=spacing)
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
