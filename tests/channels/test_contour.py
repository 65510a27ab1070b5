from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.segmentation import find_boundaries

from napari_bioseg.channels.contour import contour

LABELS = hnp.array_shapes(min_dims=2, max_dims=3, max_side=9).flatmap(
    lambda shape: hnp.arrays(np.int32, shape, elements=st.integers(0, 3))
)


@pytest.mark.parametrize("mode", ["thick", "inner", "outer"])
@settings(max_examples=100, deadline=None)
@given(labels=LABELS)
def test_equals_skimage(mode: str, labels: np.ndarray) -> None:
    np.testing.assert_array_equal(
        contour(labels, mode), find_boundaries(labels, mode=mode)
    )


@settings(max_examples=100, deadline=None)
@given(labels=LABELS)
def test_dense_means_any_neighbour(labels: np.ndarray) -> None:
    full = find_boundaries(labels, connectivity=labels.ndim)
    np.testing.assert_array_equal(contour(labels, "dense"), full)


def test_large_images_are_cut_into_pieces_without_seams() -> None:
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 9, (40, 40)), np.ones((12, 12))).astype(np.int32)
    np.testing.assert_array_equal(contour(labels), find_boundaries(labels))
