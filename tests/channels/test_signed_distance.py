"""Distances that are negative outside of objects, as some other programs write them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_bioseg.channels import LiveDecoder, Prediction, decode
from napari_bioseg.settings import InstanceSettings

SHIFT = 4


@pytest.fixture
def discs() -> np.ndarray:
    """Distance to the edge of three touching discs, negative outside, in 1/64."""
    y, x = np.ogrid[:40, :70]
    depths = [12 - np.hypot(y - 20, x - middle) for middle in (15, 35, 55)]
    return (np.round(np.max(depths, axis=0) * 64) / 64).astype(np.float32)


def settings(**changes: object) -> InstanceSettings:
    return InstanceSettings(smoothing=0).replace(**changes)


@pytest.mark.parametrize("level", [-3.0, -1.5, 0.0, 2.5])
def test_only_differences_count(discs: np.ndarray, level: float) -> None:
    given = settings(seed_distance=level + 2, foreground_distance=level)
    moved = settings(seed_distance=level + 2 - SHIFT, foreground_distance=level - SHIFT)
    found = decode(Prediction(discs[np.newaxis], "D"), given)
    lower = decode(Prediction(discs[np.newaxis] - SHIFT, "D"), moved)
    assert found.count == (1 if level + 2 < 12 - 10 else 3)
    np.testing.assert_array_equal(found.foreground, discs > level)
    np.testing.assert_array_equal(found.labels, lower.labels)
    np.testing.assert_array_equal(found.seeds, lower.seeds)


def test_negative_everywhere(discs: np.ndarray) -> None:
    prediction = Prediction(discs[np.newaxis] - 13, "D")
    assert prediction.ranges[0][1] < 0
    found = decode(prediction, settings(seed_distance=-9, foreground_distance=-13))
    assert found.count == 3
    np.testing.assert_array_equal(found.foreground, discs > 0)
    auto = decode(prediction, settings(foreground_distance="auto"))
    seed, foreground = (
        auto.thresholds[f"{k}_distance"] for k in ("seed", "foreground")
    )
    assert seed < 0
    assert foreground <= seed, "the foreground is never less than the seeds"
    assert (auto.labels[auto.seeds > 0] > 0).all()


def test_auto_of_signed_distances(discs: np.ndarray) -> None:
    counts, edges = LiveDecoder(Prediction(discs[np.newaxis], "D")).histogram("D")
    expected, _ = np.histogram(discs, 256)
    np.testing.assert_array_equal(counts, expected)
    assert edges[0] == discs.min() < 0
    assert edges[-1] == discs.max()
    both = [
        decode(
            Prediction(discs[np.newaxis] - shift, "D"), settings(foreground_distance=0)
        ).thresholds["seed_distance"]
        for shift in (0, SHIFT)
    ]
    assert both[0] - both[1] == pytest.approx(SHIFT, abs=1e-4)


def test_one_negative_value_is_background() -> None:
    flat = np.full((1, 9, 9), -2, np.float32)
    found = decode(Prediction(flat, "D"), settings(foreground_distance="auto"))
    assert found.count == 0
    assert not found.labels.any()


@pytest.mark.parametrize("names", ["D", "BD", "FCD"])
def test_sliders_below_zero_equal_decode(discs: np.ndarray, names: str) -> None:
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=discs.shape), 1)
    inside = np.clip(0.5 + discs / 8 + noise / 2, 0, 1)
    contour = np.clip(1 - np.abs(discs) / 3 + noise / 2, 0, 1)
    channels = {"B": inside, "F": inside, "C": contour, "D": discs + noise - 3}
    data = np.stack([channels[name] for name in names])
    decoder = LiveDecoder(Prediction(data, tuple(names)))
    found = set()
    for seed in ("auto", -6.0, -2.0, -0.5, 3.0):
        for foreground in ("auto", -6.0, -2.5, 0.0):
            given = InstanceSettings(seed_distance=seed, foreground_distance=foreground)
            live, once = decoder.update(given), decode(decoder.prediction, given)
            np.testing.assert_array_equal(live.labels, once.labels)
            np.testing.assert_array_equal(live.seeds, once.seeds)
            assert live.thresholds == once.thresholds
            found.add(live.count)
    assert len(found) > 1
