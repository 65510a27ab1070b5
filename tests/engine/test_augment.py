from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine.augment import augment
from napari_bioseg.settings import AugmentSettings

STILL = AugmentSettings(flips=False, rotations=False, brightness=0, contrast=0, noise=0)
SPREAD = np.ones(2, np.float32)


def sample(*size: int):
    image = np.arange(2 * np.prod(size), dtype=np.float32).reshape(2, *size)
    return image, image[:1].copy()


def test_nothing_switched_on_changes_nothing():
    image, targets = sample(8, 8)
    rng = np.random.default_rng(0)
    out = augment((image, targets), STILL, rng, spread=SPREAD)
    np.testing.assert_array_equal(out[0], image)
    np.testing.assert_array_equal(out[1], targets)


@pytest.mark.parametrize("size", [(8, 8), (8, 12), (4, 8, 8)])
def test_targets_move_with_the_image(size):
    image, targets = sample(*size)
    settings = STILL.replace(flips=True, rotations=True)
    seen = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        moved, moved_targets = augment((image, targets), settings, rng, spread=SPREAD)
        assert moved.shape == image.shape
        np.testing.assert_array_equal(moved[:1], moved_targets)
        np.testing.assert_array_equal(np.sort(moved.ravel()), image.ravel())
        seen.add(moved.tobytes())
    # 8 poses of a square, 4 of a rectangle; twice as many with z mirrored
    assert len(seen) == {(8, 8): 8, (8, 12): 4, (4, 8, 8): 16}[size]


def test_no_quarter_turn_where_pixels_are_not_square():
    image, targets = sample(8, 8)
    settings = STILL.replace(rotations=True)
    seen = {
        augment(
            (image, targets), settings, np.random.default_rng(seed),
            spread=SPREAD, quarter_turns=False,
        )[0].tobytes()
        for seed in range(30)
    }  # fmt: skip
    assert len(seen) == 2


@pytest.mark.parametrize("name", ["brightness", "contrast", "noise"])
def test_intensity_changes_spare_the_targets(name):
    image, targets = sample(32, 32)
    settings = STILL.replace(**{name: 0.2})
    spread = np.array([1000, 0], np.float32)
    changed, kept = augment(
        (image, targets), settings, np.random.default_rng(1), spread=spread
    )
    np.testing.assert_array_equal(kept, targets)
    assert not np.array_equal(changed[0], image[0])
    difference = changed[0] - image[0]
    if name == "brightness":
        assert np.ptp(difference) < 1e-3
        assert 0 < abs(difference.mean()) <= 200
    if name == "contrast":
        np.testing.assert_allclose(changed.mean(), image.mean(), rtol=1e-5)
        assert 0.8 <= changed[0].std() / image[0].std() <= 1.2
    if name == "noise":
        assert 0 < difference.std() <= 220
    if name != "contrast":  # a channel without spread is left alone
        np.testing.assert_array_equal(changed[1], image[1])


def test_same_seed_same_patch():
    first, second = (
        augment(
            sample(8, 8), AugmentSettings(), np.random.default_rng(5), spread=SPREAD
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
