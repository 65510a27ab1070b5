from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage.segmentation import expand_labels, find_boundaries

from napari_bioseg.channels import encode
from napari_bioseg.settings import (
    CONFIGURATIONS,
    Binary,
    Contour,
    Distance,
    DistanceV2,
    Foreground,
    Points,
    channel_list,
)

DRAWN = {
    "B": (
        "B",
        """
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 . . 1 1 1
        . . 1 1 . . 1 1 1
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 1 1 1 . .
        . . . . . . . . .
        . . . . . . . . .
        """,
    ),
    "C": (
        "C",
        """
        . 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 . . 1 1 . . .
        1 1 . . 1 1 . . .
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 . . . . . 1 1
        1 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 .
        """,
    ),
    "C inner": (
        Contour(mode="inner"),
        """
        . . . . . . . . .
        . 1 1 1 1 1 1 1 1
        . 1 . . 1 1 . . .
        . 1 . . 1 1 . . .
        . 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 .
        . 1 . . . . . 1 .
        . 1 1 1 1 1 1 1 .
        . . . . . . . . .
        """,
    ),
    "C outer": (
        Contour(mode="outer"),
        """
        . 1 1 1 1 1 1 1 1
        1 . . . 1 1 . . .
        1 . . . 1 1 . . .
        1 . . . 1 1 . . .
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 . . . . . . . 1
        1 . . . . . . . 1
        . 1 1 1 1 1 1 1 .
        """,
    ),
    "C dense": (
        Contour(mode="dense"),
        """
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 . . 1 1 . . .
        1 1 . . 1 1 . . .
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 . . . . . 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        """,
    ),
    "D in pixels": (
        Distance(scale="none"),
        """
        . . . . . . . . .
        . 1 1 1 1 1 1 1 1
        . 1 2 2 1 1 2 2 2
        . 1 2 2 1 1 2 2 2
        . 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 .
        . 1 2 2 2 2 2 1 .
        . 1 1 1 1 1 1 1 .
        . . . . . . . . .
        """,
    ),
    "D per instance": (
        "D",
        """
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 . . 1 1 1
        . . 1 1 . . 1 1 1
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 1 1 1 . .
        . . . . . . . . .
        . . . . . . . . .
        """,
    ),
    "P": (
        Points(dilation=1),
        """
        . . . . . . . . .
        . . 1 . . . 1 . .
        . 1 1 1 . 1 1 1 .
        . . 1 . . . 1 . .
        . . . . . . . . .
        . . . . 1 . . . .
        . . . 1 1 1 . . .
        . . . . 1 . . . .
        . . . . . . . . .
        """,
    ),
    "F": (
        "F",
        """
        . . . . . . . . .
        . 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 .
        . 1 1 1 1 1 1 1 .
        . 1 1 1 1 1 1 1 .
        . . . . . . . . .
        """,
    ),
    "F shrunk": (
        Foreground(erosion=1),
        """
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 . . 1 1 1
        . . 1 1 . . 1 1 1
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 1 1 1 . .
        . . . . . . . . .
        . . . . . . . . .
        """,
    ),
    "F grown": (
        Foreground(dilation=1),
        """
        . 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 .
        """,
    ),
    "Dv2": (
        "Dv2",
        """
        . 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 . . 1 1 . . .
        1 1 . . 1 1 . . .
        1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1
        1 1 . . . . . 1 1
        1 1 1 1 1 1 1 1 1
        . 1 1 1 1 1 1 1 .
        """,
    ),
}


@pytest.mark.parametrize("case", DRAWN)
def test_channels_of_three_touching_cells(
    case: str, cells: np.ndarray, draw: Callable[[str], np.ndarray]
) -> None:
    kind, drawing = DRAWN[case]
    channel = encode(cells, [kind])
    assert channel.dtype == np.float32
    expected = draw(drawing)
    np.testing.assert_array_equal(channel[0], expected)


def test_distances_of_a_volume_have_its_spacing(
    volume: np.ndarray, draw: Callable[[str], np.ndarray]
) -> None:
    expected = draw(
        """
        . . . . . . .
        . 1 1 1 1 1 .
        . 1 2 1 1 1 .
        . 1 1 1 1 1 .
        . . . . . . .
        """
    )
    distance = encode(volume, [Distance(scale="none")], spacing=(2, 1, 1))[0]
    assert not distance[0].any()
    np.testing.assert_array_equal(distance[1], expected)
    np.testing.assert_array_equal(distance[2], expected)
    flat = encode(volume, [Distance(scale="none")])[0]
    assert flat.max() == 1, "without the spacing every pixel is 1 away from a border"
    # the cell whose distances are all alike is 1 everywhere, not lost
    scaled = encode(volume, "D", spacing=(2, 1, 1))[0]
    assert scaled[volume == 2].tolist() == [1.0] * 12
    assert scaled[volume == 1].tolist().count(1.0) == 2
    assert scaled[volume == 1].sum() == 2


def test_inside_never_meets_the_contour(cells: np.ndarray, volume: np.ndarray) -> None:
    for labels in (cells, volume):
        for mode in ("thick", "inner", "outer", "dense"):
            inside, contour, mask = encode(labels, ["B", Contour(mode=mode), "M"])
            assert not (inside * contour).any()
            np.testing.assert_array_equal(np.maximum(inside, contour * mask), mask)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_configuration_has_its_channels(name: str, cells: np.ndarray) -> None:
    channels = encode(cells, name)
    assert channels.shape == (len(channel_list(name)), *cells.shape)
    assert channels.dtype == np.float32
    assert channels.min() >= 0
    assert channels.max() == 1


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "uint64"])
def test_ids_are_names_only(dtype: str, cells: np.ndarray) -> None:
    expected = encode(cells, "BCDPM")
    np.testing.assert_array_equal(encode(cells.astype(dtype), "BCDPM"), expected)


def test_ids_may_be_huge_and_scattered(cells: np.ndarray) -> None:
    names = np.array([0, 70_000, 2**40, 9], np.int64)
    every = ["B", "C", "D", "Dv2", "P", "F", "M"]
    np.testing.assert_array_equal(encode(names[cells], every), encode(cells, every))


@pytest.mark.parametrize("shape", [(6, 7), (3, 5, 6)])
def test_an_instance_that_fills_the_image_is_not_lost(shape: tuple[int, ...]) -> None:
    inside, contour, distance, mask, points, dv2 = encode(
        np.full(shape, 5), ["B", "C", "D", "M", "P", "Dv2"]
    )
    assert inside.all()
    assert not contour.any()
    assert mask.all()
    assert points.any()
    assert distance.max() == 1, "measured to the edge of the image"
    assert distance.flat[0] == 0
    assert np.isfinite(dv2).all()


@pytest.mark.parametrize("shape", [(6, 7), (3, 5, 6), (0, 4)])
def test_an_empty_image_has_empty_channels(shape: tuple[int, ...]) -> None:
    channels = encode(np.zeros(shape, int), ["B", "C", "D", "M", "P", "F", "Dv2"])
    assert channels.shape == (7, *shape)
    assert not channels.any()


def test_small_and_thin_instances_are_kept() -> None:
    labels = np.zeros((9, 9), int)
    labels[1, 1] = 1
    labels[4, 2:7] = 2
    labels[8, 8] = 3
    distance, points, mask = encode(labels, ["D", Points(dilation=0), "M"])
    np.testing.assert_array_equal(distance, labels > 0)
    assert points.sum() == 3
    assert (points <= mask).all()


def test_one_id_in_two_pieces() -> None:
    labels = np.zeros((7, 17), int)
    labels[1:6, 1:6] = 4
    labels[2:5, 13:16] = 4
    distance, points = encode(labels, [Distance(scale="none"), Points(dilation=0)])
    assert distance[3, 3] == 3, "measured in its own piece"
    assert distance[3, 14] == 2
    assert points.sum() == 1, "one instance, one point"
    assert labels[points > 0].tolist() == [4], "which lies on it"


def test_a_hole_is_background(cells: np.ndarray) -> None:
    assert encode(cells, "D")[0, 2, 2] == 1
    cells[2, 2] = 0
    inside, contour, distance = encode(cells, "BCD")
    assert distance[2, 2] == inside[2, 2] == 0
    assert contour[2, 2] == 1


def test_distances_scaled_by_the_image() -> None:
    labels = np.zeros((9, 16), int)
    labels[1:8, 1:8] = 1
    labels[3:6, 11:14] = 2
    own, image = encode(labels, "D")[0], encode(labels, [Distance(scale="image")])[0]
    assert own[labels == 2].max() == 1
    assert image[labels == 1].max() == 1
    assert image[labels == 2].max() == 0.5


def test_distance_to_the_edge_of_all_foreground(cells: np.ndarray) -> None:
    each, whole = (
        encode(cells, [Distance(scale="none", region=region)])[0]
        for region in ("each", "foreground")
    )
    assert each.max() == 2
    assert whole[4, 4] == 4, "touching cells share a ridge"
    assert (whole >= each).all()


def test_dv2_falls_away_from_contours() -> None:
    labels = np.zeros((15, 40), int)
    labels[3:12, 3:12] = 1
    for region in ("each", "foreground"):
        dv2 = encode(labels, [DistanceV2(region=region)])[0]
        assert dv2[7, 7] == 0, "the deepest pixel"
        assert dv2[3, 3] == 1, "the contour"
        assert dv2[0, 39] == 0, "the corner farthest away"
        assert (np.diff(dv2[7, 12:]) < 0).all()


def test_points_of_elongated_instances_are_lines() -> None:
    labels = np.zeros((9, 21), int)
    labels[2:7, 2:19] = 1
    dot = encode(labels, [Points(dilation=0)])[0]
    line = encode(labels, [Points(dilation=0, kind="skeleton")])[0]
    assert dot.sum() == 1
    assert line[4].sum() > 8
    assert (line <= (labels > 0)).all()


def test_default_points_have_29_pixels() -> None:
    labels = np.zeros((21, 21), int)
    labels[5:16, 5:16] = 1
    assert encode(labels, "P").sum() == 29
    assert encode(np.stack([labels] * 9), "P").sum() == 123, "a ball in 3-D"


def test_shrinking_is_per_instance_and_comes_before_the_contour() -> None:
    labels = np.zeros((15, 20), int)
    labels[4:11, 4:10] = 1
    labels[4:11, 10:16] = 2
    distance = encode(labels, [Distance(scale="none")])[0]
    for reshaped, kind in (
        (labels, Binary()),
        (np.where(distance > 1, labels, 0), Binary(erosion=1)),
        (expand_labels(labels, 1), Binary(dilation=1)),
    ):
        expected = (reshaped > 0) & ~find_boundaries(reshaped)
        assert expected.any()
        np.testing.assert_array_equal(encode(labels, [kind])[0], expected)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((4, 4), np.float32), r"labels are integers, these are float32"),
        (np.zeros((4, 4), bool), r"these are a bool mask"),
        (np.full((4, 4), -1), r"these go down to -1"),
        (np.zeros(4, int), r"shape \(Y, X\) or \(Z, Y, X\), these \(4,\)"),
        (np.zeros((1, 2, 3, 4), int), r"leave out any channel axis"),
    ],
)
def test_bad_labels_are_refused(labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(labels)


@pytest.mark.parametrize(
    ("spacing", "message"),
    [
        ((1.0,), r"has 1 values for 2 spatial axes"),
        ((1.0, 0.0), r"must be above 0"),
    ],
)
def test_bad_spacing_is_refused(spacing: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(np.zeros((4, 4), int), spacing=spacing)


def test_labels_are_left_alone(cells: np.ndarray) -> None:
    before = cells.copy()
    encode(cells, ["B", "C", "D", "Dv2", "P", Foreground(erosion=1, dilation=1)])
    np.testing.assert_array_equal(cells, before)
