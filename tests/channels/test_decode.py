from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from napari_bioseg.channels import Prediction, classify, decode, encode
from napari_bioseg.settings import (
    CONFIGURATIONS,
    Contour,
    Distance,
    InstanceSettings,
    SemanticSettings,
    channel_list,
)


def blurred(
    labels: np.ndarray, names: str, spacing: tuple[float, ...] = ()
) -> Prediction:
    """Channels as a good network predicts them: soft, with a little noise."""
    kinds = channel_list(names)
    channels = encode(labels, kinds)
    rng = np.random.default_rng(0)
    for channel in channels:
        ndimage.gaussian_filter(channel, 0.7, output=channel)
        channel += rng.normal(0, 0.02, channel.shape)
    np.clip(channels, 0, 1, out=channels)
    return Prediction(channels, [kind.name for kind in kinds], spacing)


@pytest.fixture
def large(cells: np.ndarray, volume: np.ndarray) -> dict[int, np.ndarray]:
    """The drawn cells, larger and framed by background."""
    flat = np.kron(cells, np.ones((7, 7), np.int32))
    deep = np.kron(volume, np.ones((3, 8, 8), np.int32))
    return {2: np.pad(flat, 20), 3: np.pad(deep, ((2, 2), (12, 12), (12, 12)))}


def test_three_touching_cells(
    cells: np.ndarray, draw: Callable[[str], np.ndarray]
) -> None:
    channels = encode(cells, ["F", "C"])
    merged = decode(Prediction(channels, "FC"), InstanceSettings(seed_contour="off"))
    assert merged.count == 1, "without the contour all three are one"
    found = decode(Prediction(channels, "FC"))
    assert found.labels.dtype == found.seeds.dtype == np.int32
    assert found.foreground.dtype == bool
    expected = draw(
        """
        . . . . . . . . .
        . . . . . . . . .
        . . 1 1 . . 2 2 2
        . . 1 1 . . 2 2 2
        . . . . . . . . .
        . . . . . . . . .
        . . 3 3 3 3 3 . .
        . . . . . . . . .
        . . . . . . . . .
        """
    )
    np.testing.assert_array_equal(found.seeds, expected)
    np.testing.assert_array_equal(found.foreground, cells > 0)
    np.testing.assert_array_equal(found.labels > 0, cells > 0)
    inside = found.seeds > 0
    np.testing.assert_array_equal(found.labels[inside], cells[inside])
    assert (found.labels == cells).mean() > 0.85, "contours two pixels wide are shared"


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("name", [*CONFIGURATIONS, "BDP", "FCM", "M", "D"])
def test_every_configuration_finds_the_cells(
    name: str, ndim: int, large: dict[int, np.ndarray]
) -> None:
    labels = large[ndim]
    settings = InstanceSettings(min_seed_size=9, seed_dv2=0.6)
    if name == "D":
        settings = settings.replace(foreground_distance=0.05)
    found = decode(blurred(labels, name), settings)
    expected = labels
    if name == "Dv2":  # background objects are the user's to delete
        expected = np.where(found.foreground, labels, 0)
        assert found.foreground.all()
    for label in np.unique(expected[expected > 0]):
        votes = np.bincount(found.labels[expected == label])
        assert votes.argmax() > 0
        if name not in ("M", "BDv2"):
            assert votes.max() / votes.sum() > 0.6
    if name not in ("M", "Dv2"):  # one mask cannot tell touching cells apart
        assert found.count == labels.max()


def test_equals_the_same_steps_in_skimage(large: dict[int, np.ndarray]) -> None:
    for labels in large.values():
        prediction = blurred(labels, "BCD")
        inside, contour, distance = prediction.data
        found = decode(prediction)
        used = {
            "seed_binary": float(threshold_otsu(inside.ravel())),
            "seed_contour": float(threshold_otsu(contour.ravel())),
            "seed_distance": float(threshold_otsu(distance.ravel())),
            "foreground_binary": float(threshold_otsu(inside.ravel())) / 2,
        }
        assert found.thresholds == used
        mask = inside > np.float32(used["foreground_binary"])
        seeds = inside > np.float32(used["seed_binary"])
        seeds &= contour < np.float32(used["seed_contour"])
        seeds &= distance > np.float32(used["seed_distance"])
        markers = ndimage.label(seeds)[0]
        np.testing.assert_array_equal(found.seeds, markers)
        smooth = ndimage.gaussian_filter(inside, 1, truncate=1)
        expected = watershed(-smooth, markers, mask=mask)
        np.testing.assert_array_equal(found.labels > 0, expected > 0)
        # 65,536 levels instead of float32: all but ties are the same
        assert (found.labels != expected).mean() < 1e-3


def test_thresholds_are_numbers_auto_or_off(large: dict[int, np.ndarray]) -> None:
    prediction = blurred(large[2], "BCD")
    settings = InstanceSettings(
        seed_binary=0.4, seed_contour="off", foreground_binary=0.2
    )
    used = decode(prediction, settings).thresholds
    assert set(used) == {"seed_binary", "seed_distance", "foreground_binary"}
    assert used["seed_binary"] == 0.4
    data = prediction.channel("D").ravel()
    assert used["seed_distance"] == float(threshold_otsu(data))


def test_thresholds_are_compared_in_float32() -> None:
    tenth = np.full((1, 3, 3), 0.1, np.float32)
    settings = InstanceSettings(seed_binary=0.1, foreground_binary=0.1)
    assert decode(Prediction(tenth, "B"), settings).count == 0


def test_foreground_without_limits_is_everything(cells: np.ndarray) -> None:
    prediction = Prediction(encode(cells, "BC"), "BC")
    found = decode(prediction, InstanceSettings(foreground_binary="off"))
    assert found.foreground.all()
    assert (found.labels > 0).all()


def test_contours_may_count_as_foreground(cells: np.ndarray) -> None:
    prediction = Prediction(encode(cells, ["B", Contour(mode="inner")]), ("B", "C"))
    found = decode(prediction)
    assert (found.labels > 0).sum() < (cells > 0).sum(), "B lacks the rim"
    whole = decode(prediction, InstanceSettings(foreground_contour=0.5))
    np.testing.assert_array_equal(whole.foreground, cells > 0)


def test_distance_in_physical_units(large: dict[int, np.ndarray]) -> None:
    labels = large[3]
    channels = encode(labels, ["F", Distance(scale="none")], spacing=(2, 1, 1))
    prediction = Prediction(channels, ("F", "D"), (2, 1, 1))
    found = decode(prediction, InstanceSettings(seed_distance=4.0))
    assert found.count == 2
    assert found.thresholds["seed_distance"] == 4.0


def test_small_seeds_are_dropped() -> None:
    inside = np.zeros((1, 9, 20), np.float32)
    inside[0, 2:7, 2:7] = 1
    inside[0, 4, 12:15] = 1
    settings = {"smoothing": 0.0, "seed_binary": 0.5, "foreground_binary": 0.5}
    prediction = Prediction(inside, "B")
    assert decode(prediction, InstanceSettings(**settings)).count == 2
    few = decode(prediction, InstanceSettings(min_seed_size=4, **settings))
    assert few.count == 1
    assert not few.labels[4, 12:15].any(), "what it would have grown to stays empty"
    assert few.foreground[4, 13]


def test_seeds_outside_the_foreground_keep_nothing() -> None:
    data = np.zeros((2, 3, 12), np.float32)
    data[0, 1, 1:4] = data[0, 1, 8:11] = 0.9
    data[1, 1, 6:11] = 0.9
    settings = InstanceSettings(
        seed_binary=0.5, foreground_binary=0.5, smoothing=0, seed_points="off"
    )
    found = decode(Prediction(data, ("B", "M")), settings)
    assert found.seeds[1].tolist() == [0] * 8 + [1] * 3 + [0]
    assert found.labels[1].tolist() == [0] * 6 + [1] * 5 + [0]


def test_seeds_and_foreground_are_reshaped() -> None:
    inside = np.zeros((1, 15, 30), np.float32)
    inside[0, 3:12, 3:12] = inside[0, 3:12, 15:26] = 1
    inside[0, 7, 12:15] = 1
    settings = {"smoothing": 0.0, "seed_binary": 0.5, "foreground_binary": 0.5}
    prediction = Prediction(inside, "B")
    assert decode(prediction, InstanceSettings(**settings)).count == 1
    parted = decode(prediction, InstanceSettings(seed_erosion=1, **settings))
    assert parted.count == 2
    assert (parted.labels > 0).sum() == (inside > 0).sum()
    joined = InstanceSettings(seed_erosion=1, seed_dilation=4, **settings)
    assert decode(prediction, joined).count == 1
    thin = decode(prediction, InstanceSettings(foreground_erosion=1, **settings))
    assert thin.foreground.sum() == 7 * 7 + 7 * 9 + 2, "the bridge's ends"
    fat = decode(prediction, InstanceSettings(foreground_dilation=2, **settings))
    assert fat.foreground.sum() > (inside > 0).sum()
    assert (fat.labels > 0).sum() == fat.foreground.sum()


def test_slices_flooded_one_by_one() -> None:
    inside = np.zeros((1, 3, 3, 9), np.float32)
    inside[0, :, 1, 1:8] = 0.6
    inside[0, 1, 1, 2] = inside[0, 1, 1, 6] = 0.9
    settings = InstanceSettings(seed_binary=0.8, foreground_binary=0.5, smoothing=0)
    whole = decode(Prediction(inside, "B"), settings)
    assert whole.labels.any((1, 2)).tolist() == [True, True, True]
    sliced = decode(Prediction(inside, "B"), settings.replace(by_slice=True))
    assert sliced.labels.any((1, 2)).tolist() == [False, True, False]
    np.testing.assert_array_equal(sliced.labels[1], whole.labels[1])


def test_connectivity_lets_instances_grow_around_corners() -> None:
    inside = np.zeros((1, 4, 4), np.float32)
    inside[0, :2, :2] = 0.9
    inside[0, 2:, 2:] = 0.6
    settings = InstanceSettings(seed_binary=0.8, foreground_binary=0.5, smoothing=0)
    assert (decode(Prediction(inside, "B"), settings).labels > 0).sum() == 4
    settings = settings.replace(connectivity=2)
    assert (decode(Prediction(inside, "B"), settings).labels > 0).sum() == 8


def test_landscape_decides_where_cells_meet() -> None:
    row = np.array([0.9, 0.5, 0.6, 0.6, 0.6, 0.6, 0.9], np.float32)
    points = np.array([1, 0, 0, 0, 0, 0, 1], np.float32)
    prediction = Prediction(np.stack([row, points])[:, np.newaxis], "BP")
    settings = InstanceSettings(foreground_binary=0.2, smoothing=0)
    nearest = decode(prediction, settings)
    assert nearest.labels.tolist() == [[1, 1, 1, 1, 2, 2, 2]]
    lowest = decode(prediction, settings.replace(landscape="binary"))
    assert lowest.labels.tolist() == [[1, 1, 2, 2, 2, 2, 2]]


def test_distance_from_seeds_has_the_spacing() -> None:
    points = np.zeros((2, 5, 5), np.float32)
    points[0] = 1
    points[1, 0, 2] = points[1, 4, 2] = points[1, 2, 0] = 1
    settings = InstanceSettings(foreground_binary=0.5)
    for spacing, nearest in (((9, 1), 2), ((1, 9), 1)):
        labels = decode(Prediction(points, "BP", spacing), settings).labels
        assert labels[2, 2] == nearest, "beside, or above and below"


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_channels_of_one_value(value: float) -> None:
    data = np.full((3, 8, 9), value, np.float32)
    found = decode(Prediction(data, "BCD"))
    assert found.labels.shape == (8, 9)
    assert found.count == 0
    assert found.thresholds["seed_contour"] == 0.5
    data[1] = 0  # no contour anywhere hinders nothing
    assert decode(Prediction(data, "BCD")).count == (1 if value == 1 else 0)


def test_the_prediction_is_left_alone(large: dict[int, np.ndarray]) -> None:
    prediction = blurred(large[2], "BCD")
    before = prediction.data.copy()
    decode(prediction, InstanceSettings(seed_erosion=1, foreground_dilation=1))
    np.testing.assert_array_equal(prediction.data, before)


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        ("C", {}, r"channels C cannot make instances: one of B, F, M, D or Dv2"),
        ("CP", {}, r"channels C, P cannot make instances"),
        ("D", {}, r"no foreground while foreground_distance is 'off'"),
        (
            "BC",
            {"seed_binary": "off"},
            r"no channel out of B, C is left to say where seeds lie",
        ),
        ("BC", {"landscape": "distance"}, r"there is no channel for it among B, C"),
        ("Dv2", {"landscape": "binary"}, r"there is no channel for it among Dv2"),
        ("BDv2", {"seed_dv2": "off"}, r"seed_dv2 is 'off', but the background"),
        (
            "BCDv2",
            {"seed_binary": "off", "seed_contour": "off"},
            r"seed_binary and seed_contour are both 'off'",
        ),
    ],
)
def test_what_cannot_be_decoded_says_why(
    names: str, settings: dict, message: str
) -> None:
    count = len(channel_list(names))
    prediction = Prediction(np.zeros((count, 6, 6), np.float32), names)
    with pytest.raises(ValueError, match=message):
        decode(prediction, InstanceSettings(**settings))


def test_classes() -> None:
    single = Prediction(np.array([[[0.2, 0.5, 0.7]]]), ["foreground"])
    assert classify(single).tolist() == [[0, 0, 1]]
    assert classify(single, SemanticSettings(threshold=0.1)).tolist() == [[1, 1, 1]]
    data = np.array([[0.6, 0.1, 0.3], [0.2, 0.8, 0.3], [0.2, 0.1, 0.4]])
    several = Prediction(data[:, np.newaxis], ["class 0", "class 1", "class 2"])
    found = classify(several)
    assert found.dtype == np.int32
    assert found.tolist() == [[0, 1, 2]]
    tied = Prediction(np.full((3, 2, 2), 0.3), ["class 0", "class 1", "class 2"])
    assert not classify(tied).any(), "the first of equals"
