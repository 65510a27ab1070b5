from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine.intensity import change_intensities
from napari_bioseg.settings import AugmentSettings

STILL = AugmentSettings(
    flips=False, rotations=False, brightness=0, contrast=0, noise=0, chance=1
)


def changed(image, seed: int = 0, spacing=None, **settings):
    spread = np.ones(len(image), np.float32)
    rng = np.random.default_rng(seed)
    how = STILL.replace(**settings)
    return change_intensities(image, how, rng, spread=spread, spacing=spacing)


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(5).random(size, np.float32)


def test_nothing_switched_on_copies():
    image = noise(2, 8, 8)
    out = changed(image)
    np.testing.assert_array_equal(out, image)
    assert out is not image


def test_blur_smooths_less_along_coarse_z():
    image = np.zeros((1, 21, 21, 21), np.float32)
    image[0, 10, 10, 10] = 1
    flat, cube = (
        changed(image, blur=4, spacing=s) for s in ((4.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    )
    assert cube.sum() == pytest.approx(1, abs=1e-3)
    assert np.allclose(cube, cube.transpose(0, 3, 2, 1), atol=1e-6)

    def width(array, axis):
        line = array.sum(tuple(a for a in range(4) if a != axis))
        return np.sqrt((line * (np.arange(21) - 10) ** 2).sum() / line.sum())

    assert width(flat, 1) < 0.5 * width(flat, 2)


def test_gamma_keeps_range_and_order():
    image = noise(2, 16, 16) * 3 - 1
    out = changed(image, gamma=1)
    assert not np.allclose(out, image, atol=0.05)
    for before, after in zip(image, out, strict=True):
        np.testing.assert_allclose(
            [after.min(), after.max()], [before.min(), before.max()], atol=1e-5
        )
        assert (np.diff(after.ravel()[np.argsort(before.ravel())]) >= -1e-6).all()


def test_a_constant_channel_has_no_curve():
    image = np.full((1, 8, 8), 3, np.float32)
    np.testing.assert_array_equal(changed(image, gamma=1), image)


@pytest.mark.parametrize("size", [(1, 40, 40), (2, 20, 40, 40)])
def test_cutout_blanks_one_box_of_the_image(size):
    image = noise(*size)
    shares = []
    for seed in range(20):
        out = changed(image, seed, cutout=0.5)
        lost = out != image
        for channel, hole in enumerate(lost):
            assert np.ptp(out[channel][hole]) == 0
            places = np.argwhere(hole)
            box = np.ptp(places, axis=0) + 1
            assert np.prod(box) == len(places)  # a full box
        shares.append(max(box / np.array(size[1:])))
    assert 0.3 < max(shares) <= 0.55


def test_channel_dropout_leaves_a_channel():
    image = noise(3, 8, 8)
    for seed in range(10):
        out = changed(image, seed, channel_dropout=1)
        kept = [bool((a == b).all()) for a, b in zip(out, image, strict=True)]
        assert sum(kept) == 1
    single = noise(1, 8, 8)
    np.testing.assert_array_equal(changed(single, channel_dropout=1), single)


def test_missing_sections_are_whole_dark_slices():
    image = noise(2, 12, 8, 8)
    out = changed(image, missing_sections=0.5)
    lost = (out != image).any(axis=(0, 2, 3))
    assert 0 < lost.sum() < 12
    assert (out[0, lost] == image[0].min()).all()
    assert (out[1, lost] == image[1].min()).all()
    flat = noise(2, 8, 8)
    np.testing.assert_array_equal(changed(flat, missing_sections=0.5), flat)


def test_chance_says_how_often():
    image = noise(1, 8, 8)
    often = [
        not np.array_equal(changed(image, seed, cutout=0.5, chance=0.3), image)
        for seed in range(200)
    ]
    assert 0.2 < np.mean(often) < 0.4
