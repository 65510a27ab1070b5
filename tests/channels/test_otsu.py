"""Otsu's threshold from counts, also where bins are empty."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.filters import threshold_otsu

from napari_bioseg.channels.otsu import otsu

EDGES = np.linspace(0, 1, 11, dtype=np.float32)
COUNTS = np.array([40, 20, 5, 1, 0, 2, 9, 30])


def test_the_threshold_is_that_of_scikit_image():
    edges = EDGES[:9]
    expected = threshold_otsu(hist=(COUNTS, (edges[1:] + edges[:-1]) / 2))
    assert otsu(COUNTS, edges) == pytest.approx(float(expected))


def test_empty_bins_at_either_end_change_nothing():
    alone = otsu(COUNTS, EDGES[1:10])
    assert otsu(np.array([0, *COUNTS, 0]), EDGES) == pytest.approx(alone)
    assert otsu(np.array([0, 0, 0, *COUNTS[:5], 0, 0]), EDGES) == pytest.approx(
        otsu(COUNTS[:5], EDGES[3:9])
    )


def test_counts_without_any_pixel_have_some_threshold():
    assert 0 <= otsu(np.zeros(10, int), EDGES) <= 1
