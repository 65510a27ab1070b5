from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_bioseg.engine.normalize import MAX_SAMPLES, scale_of
from napari_bioseg.settings import (
    MinMaxNormalization,
    PercentileNormalization,
    RangeNormalization,
    ZScoreNormalization,
)

EVERY = [
    MinMaxNormalization(),
    PercentileNormalization(),
    RangeNormalization(),
    ZScoreNormalization(),
]


def test_minmax_and_zscore_of_each_channel_by_itself():
    image = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    image[1] *= 10
    scaled = scale_of(image, MinMaxNormalization())(image)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.min(axis=(1, 2)), 0)
    np.testing.assert_allclose(scaled.max(axis=(1, 2)), 1, rtol=1e-6)
    scaled = scale_of(image, ZScoreNormalization())(image)
    np.testing.assert_allclose(scaled.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=(1, 2)), 1, rtol=1e-5)


def test_percentiles_become_0_and_1():
    image = np.random.default_rng(0).normal(1000, 50, (1, 64, 64))
    scaled = scale_of(image, PercentileNormalization(low=5, high=95))(image)
    low, high = np.percentile(scaled, (5, 95))
    np.testing.assert_allclose((low, high), (0, 1), atol=1e-5)


@pytest.mark.parametrize(("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_range_divides_by_the_type(dtype, largest):
    image = np.array([[[0, 51]]], dtype)
    np.testing.assert_allclose(
        scale_of(image, RangeNormalization())(image), [[[0, 51 / largest]]], rtol=1e-6
    )
    floats = image.astype(np.float64)
    np.testing.assert_array_equal(scale_of(floats, RangeNormalization())(floats), image)


@pytest.mark.parametrize("how", EVERY, ids=lambda how: how.kind)
@pytest.mark.parametrize("value", [0, 7])
def test_constant_image_is_finite(how, value):
    image = np.full((2, 8, 8), value, np.uint8)
    scaled = scale_of(image, how)(image)
    assert np.isfinite(scaled).all()
    if how.kind != "dtype":
        assert not scaled.any()


@pytest.mark.parametrize("how", EVERY, ids=lambda how: how.kind)
def test_nan_and_infinity_take_no_part(how):
    image = np.random.default_rng(0).random((1, 16, 16)).astype(np.float32)
    clean = scale_of(image[:, 1:], how)
    image[0, 0, :5] = (np.nan, np.inf, -np.inf, np.nan, np.nan)
    image[0, 0, 5:] = image[0, 1, 5:]
    scale = scale_of(image, how)
    np.testing.assert_allclose(scale.factor, clean.factor, rtol=0.2)
    scaled = scale(image)
    assert np.isfinite(scaled).all()
    assert not scaled[0, 0, :5].any()


def test_sparse_signal_keeps_its_contrast():
    image = np.zeros((1, 100, 100), np.uint16)
    image[0, 50, 50] = 1000  # beyond the 99.8th percentile
    scaled = scale_of(image, PercentileNormalization())(image)
    assert scaled.max() == 1


def test_large_image_is_measured_on_a_grid():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 1000, (1, 2500, 2500)).astype(np.uint16)
    assert image.size > MAX_SAMPLES
    scale = scale_of(
        dask.array.from_array(image, chunks=500), PercentileNormalization()
    )
    low, high = np.percentile(image, (1, 99.8))
    np.testing.assert_allclose(scale.shift, low, atol=2)
    np.testing.assert_allclose(1 / scale.factor, high - low, rtol=0.005)
