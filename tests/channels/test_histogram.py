from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.filters import threshold_otsu

from napari_bioseg.channels.histogram import histogram
from napari_bioseg.channels.otsu import otsu

VALUES = hnp.arrays(
    np.float32,
    st.integers(1, 200),
    elements=st.floats(-100, 100, width=32, allow_nan=False),
)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([1, 7, 256]))
def test_counts_are_numpys(values: np.ndarray, bins: int) -> None:
    low, high = float(values.min()), float(values.max())
    if 0 < high - low < 1e-3:
        values, low, high = values * 0 + 1, 1.0, 1.0
    counts, edges = histogram(values, low, high, bins)
    expected, expected_edges = np.histogram(values, bins)
    np.testing.assert_array_equal(edges, expected_edges.astype(np.float32))
    np.testing.assert_array_equal(counts, expected)


def test_large_channels_are_counted_in_pieces() -> None:
    values = np.random.default_rng(0).random(300_000).astype(np.float32)
    counts, _ = histogram(values, float(values.min()), float(values.max()))
    np.testing.assert_array_equal(counts, np.histogram(values, 256)[0])


@pytest.mark.parametrize("bins", [10, 256])
@pytest.mark.parametrize("offset", [0, -3, 1000, 2e4])
def test_values_on_edges_and_far_from_zero_are_counted_as_numpy_does(
    offset: float, bins: int
) -> None:
    rng = np.random.default_rng(1)
    values = (rng.random(20_000).round(2) + offset).astype(np.float32)
    counts, _ = histogram(values, float(values.min()), float(values.max()), bins)
    np.testing.assert_array_equal(counts, np.histogram(values, bins)[0])


@pytest.mark.parametrize("seed", range(12))
def test_otsu_is_skimages(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dark = rng.normal(0.2, 0.05 * rng.random() + 0.02, 4000)
    light = rng.normal(0.7, 0.1, rng.integers(500, 5000))
    values = np.concatenate([dark, light]).astype(np.float32)
    found = otsu(*histogram(values, float(values.min()), float(values.max())))
    assert found == threshold_otsu(values)
