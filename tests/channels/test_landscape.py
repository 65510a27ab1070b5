from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_bioseg.channels.landscape import LEVELS, channel_levels


@pytest.mark.parametrize("shape", [(1, 70, 45), (9, 40, 21), (1, 1, 9), (2, 3, 2)])
@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0, 1.5, 4.0])
@pytest.mark.parametrize("by_slice", [False, True])
def test_smoothing_is_scipys_to_the_last_bit(
    shape: tuple[int, int, int], smoothing: float, by_slice: bool
) -> None:
    rng = np.random.default_rng(4)
    channel = rng.random(shape).astype(np.float32)
    sigma = [0.0 if by_slice else smoothing, smoothing, smoothing]
    smooth = channel
    if smoothing:
        smooth = ndimage.gaussian_filter(channel, sigma, truncate=1)
    low, high = float(channel.min()), float(channel.max())
    levels = channel_levels(
        channel, (low, high), smoothing, falling=False, by_slice=by_slice
    )
    scaled = (smooth.astype(np.float64) - low) * ((LEVELS - 1) / (high - low))
    np.testing.assert_array_equal(
        levels, np.clip(scaled, 0, LEVELS - 1).astype(np.uint16)
    )


def test_order_is_kept_and_turned() -> None:
    channel = np.random.default_rng(0).random((1, 20, 30)).astype(np.float32)
    rising = channel_levels(channel, (0, 1), 0, falling=False)
    falling = channel_levels(channel, (0, 1), 0, falling=True)
    order = np.argsort(channel, axis=None)
    assert (np.diff(rising.ravel()[order].astype(int)) >= 0).all()
    assert (np.diff(falling.ravel()[order].astype(int)) <= 0).all()


def test_a_channel_of_one_value_is_level() -> None:
    flat = np.full((1, 4, 5), 0.25, np.float32)
    assert not channel_levels(flat, (0.25, 0.25), 1, falling=True).any()
