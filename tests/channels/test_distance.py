from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_bioseg.channels.distance import border_distance, squared_border_distance

LABELS = st.one_of(
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=11).flatmap(
        lambda shape: hnp.arrays(np.int32, shape, elements=st.integers(0, 3))
    )
)


def by_definition(labels: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    expected = np.zeros(labels.shape)
    for label in np.unique(labels[labels > 0]):
        mask = labels == label
        distance = ndimage.distance_transform_edt(mask, sampling=spacing)
        expected[mask] = distance[mask]
    return expected


@settings(max_examples=200, deadline=None)
@given(LABELS, st.sampled_from([(1, 1, 1), (2, 1, 1), (0.5, 3, 0.7)]))
def test_equals_one_transform_per_object(
    labels: np.ndarray, spacing: tuple[float, ...]
) -> None:
    spacing = spacing[-labels.ndim :]
    if (labels == labels.flat[0]).all():
        labels.flat[0] = 0  # no border in sight is another test
    distance = border_distance(labels, spacing)
    expected = by_definition(labels, spacing)
    np.testing.assert_allclose(distance, expected, rtol=1e-6)


def test_whole_numbers_without_spacing(cells: np.ndarray) -> None:
    large = np.kron(cells, np.ones((40, 40), np.int32))
    squared = squared_border_distance(large)
    expected = by_definition(large, (1, 1))
    np.testing.assert_array_equal(squared, np.round(expected**2))
    np.testing.assert_array_equal(border_distance(large), expected.astype(np.float32))


def test_the_edge_of_the_image_is_no_border() -> None:
    labels = np.zeros((5, 9), np.int32)
    labels[:, :8] = 1
    assert border_distance(labels)[0].tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_an_object_without_a_border_is_infinitely_far_from_it() -> None:
    labels = np.ones((4, 6), np.int32)
    assert np.isinf(squared_border_distance(labels)).all()
    expected = [[1] * 6, [1, 2, 2, 2, 2, 1], [1, 2, 2, 2, 2, 1], [1] * 6]
    assert border_distance(labels).tolist() == expected


def test_masks_and_any_integers_do(cells: np.ndarray) -> None:
    expected = border_distance(cells)
    for dtype in ("uint8", "uint16", "int64"):
        np.testing.assert_array_equal(border_distance(cells.astype(dtype)), expected)
    mask = cells == 1
    np.testing.assert_array_equal(border_distance(mask), np.where(mask, expected, 0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (1, 1, 5), (5, 1, 1)])
def test_thin_images(shape: tuple[int, ...]) -> None:
    labels = np.ones(shape, np.int32)
    labels.flat[0] = 2
    np.testing.assert_allclose(
        border_distance(labels), by_definition(labels, (1,) * len(shape))
    )


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 1, 3), (32, 1, 1)])
@pytest.mark.parametrize("size", [1, 5, 30])
def test_short_whole_distances_are_exact(
    size: int, spacing: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # touching cuboids that the edge cuts, wider than a block and no multiple of it
    rng = np.random.default_rng(size)
    blocks = rng.integers(0, 4, [-(-n // size) for n in (33, 40, 75)])
    labels = np.kron(blocks, np.ones((size,) * 3, int))[:33, :40, :75]
    labels[rng.random(labels.shape) < 0.001] = 0
    squared = squared_border_distance(labels, spacing)
    expected = np.round(by_definition(labels, spacing) ** 2)
    np.testing.assert_array_equal(squared, expected)
    # the envelopes give the same
    monkeypatch.setattr("napari_bioseg.channels.distance.HEAVIEST", 0)
    np.testing.assert_array_equal(squared_border_distance(labels, spacing), squared)


@pytest.mark.parametrize("radius", [120, 127, 128, 140])
def test_distances_as_long_as_neighbours_are_tried(radius: int) -> None:
    axis = np.arange(2 * radius + 5) - radius - 2
    labels = (axis[:, None] ** 2 + axis**2 < radius**2).astype(np.int32)
    labels[radius + 3 :] *= 2
    expected = np.round(by_definition(labels, (1, 1)) ** 2)
    np.testing.assert_array_equal(squared_border_distance(labels), expected)


def test_a_spacing_of_whole_and_other_numbers() -> None:
    # whole squares along one axis must not round those of the others
    labels = np.zeros((12, 14, 40), np.int32)
    labels[1:11, 2:12, 3:38] = 1
    labels[5:, 6:, 20:] = 2
    for spacing in ((1, 3, 0.7), (0.5, 3, 1), (3, 0.5, 1), (40, 1, 1)):
        expected = by_definition(labels, spacing)
        np.testing.assert_allclose(
            border_distance(labels, spacing), expected, rtol=1e-6
        )
