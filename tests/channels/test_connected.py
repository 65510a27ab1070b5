from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_bioseg.channels.connected import Components, components
from napari_bioseg.channels.pipeline import draw

MASKS = hnp.array_shapes(min_dims=3, max_dims=3, max_side=9).flatmap(
    lambda shape: hnp.arrays(np.bool_, shape)
)


def image(found: Components) -> np.ndarray:
    return draw(found, found.component)


@settings(max_examples=300, deadline=None)
@given(MASKS, st.integers(1, 3))
def test_numbers_are_those_of_scipy(mask: np.ndarray, connectivity: int) -> None:
    structure = ndimage.generate_binary_structure(3, connectivity)
    expected, count = ndimage.label(mask, structure)
    found = components(mask, connectivity)
    assert found.count == count
    np.testing.assert_array_equal(image(found), expected)
    np.testing.assert_array_equal(found.sizes()[1:], np.bincount(expected.ravel())[1:])


@settings(max_examples=100, deadline=None)
@given(MASKS, st.integers(1, 2))
def test_slices_stay_apart(mask: np.ndarray, connectivity: int) -> None:
    structure = ndimage.generate_binary_structure(3, connectivity)
    structure[[0, 2]] = False
    expected, count = ndimage.label(mask, structure)
    found = components(mask, connectivity, by_slice=True)
    assert found.count == count
    np.testing.assert_array_equal(image(found), expected)


def test_pieces_done_side_by_side_are_joined() -> None:
    rng = np.random.default_rng(1)
    for shape in ((1, 600, 200), (40, 60, 70)):
        mask = rng.random(shape) < (0.6 if shape[0] == 1 else 0.35)
        for connectivity in (1, 2, 3):
            structure = ndimage.generate_binary_structure(3, connectivity)
            expected, _ = ndimage.label(mask, structure)
            np.testing.assert_array_equal(
                image(components(mask, connectivity)), expected
            )
