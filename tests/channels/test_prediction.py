from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.channels import Prediction


def test_float32_is_not_copied() -> None:
    data = np.zeros((2, 4, 5), np.float32)
    assert Prediction(data, "BC").data is data
    assert Prediction(data.astype(np.float64), "BC").data.dtype == np.float32
    turned = np.zeros((5, 4, 2), np.float32).T
    assert Prediction(turned, "BC").data.flags.c_contiguous


def test_names_and_spacing() -> None:
    prediction = Prediction(np.zeros((3, 2, 4, 5)), "BCDv2", (2, 1, 1))
    assert prediction.channels == ("B", "C", "Dv2")
    assert prediction.spacing == (2.0, 1.0, 1.0)
    assert prediction.spatial_shape == (2, 4, 5)
    assert Prediction(np.zeros((1, 4, 5)), "foreground").channels == ("foreground",)
    assert Prediction(np.zeros((1, 4, 5)), ["F"]).spacing == (1.0, 1.0)


def test_a_channel_by_name() -> None:
    data = np.stack([np.zeros((4, 5)), np.ones((4, 5))])
    assert Prediction(data, "BC").channel("C").all()
    with pytest.raises(ValueError, match=r"no channel 'D' .* only B, C"):
        Prediction(data, "BC").channel("D")


def test_slightly_more_than_one_is_blending() -> None:
    Prediction(np.full((1, 3, 3), 1.0005), "B")
    Prediction(np.array([[[0, 1]]], np.uint8), "B")


@pytest.mark.parametrize(
    ("data", "names", "message"),
    [
        (np.zeros((4, 5)), "B", r"the channel axis comes first, also for one"),
        (np.zeros((2, 4, 5)), "BCD", r"has 2 channels .* but 3 names \(B, C, D\)"),
        (np.zeros((2, 4, 5)), ("B", "B"), r"'B' is named twice"),
        (np.zeros((2, 4, 5)), ("B", "X"), r"no channel is called 'X'; there are Dv2"),
        (np.zeros((1, 0, 5)), "B", r"is empty: shape \(1, 0, 5\)"),
        (np.zeros((1, 4, 5), complex), "B", r"real numbers, this one complex128"),
        (
            np.full((1, 4, 5), np.nan),
            "B",
            r"channel B holds values that are not finite",
        ),
        (
            np.full((1, 4, 5), np.inf),
            "D",
            r"channel D holds values that are not finite",
        ),
        (np.full((1, 4, 5), -3.5), "C", r"from -3.5 to -3.5 .* apply a sigmoid"),
        (np.full((1, 4, 5), 255, np.uint8), "B", r"divide integers such as 0…255"),
        (np.full((1, 4, 5), 200.0), "M", r"divide integers such as 0…255"),
    ],
)
def test_wrong_predictions_say_why(data: np.ndarray, names: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prediction(data, names)


def test_wrong_spacing_says_why() -> None:
    with pytest.raises(ValueError, match=r"3 values for 2 spatial axes"):
        Prediction(np.zeros((1, 4, 5)), "B", (1, 1, 1))


def test_distances_may_be_any_number() -> None:
    assert Prediction(np.full((1, 2, 2), -7.5), "D").ranges == ((-7.5, -7.5),)


@pytest.mark.parametrize("lazy", [False, True])
def test_more_pixels_than_can_be_numbered(lazy: bool) -> None:
    shape = (2, 1300, 1300, 1300)
    data = np.broadcast_to(np.float32(0), shape)
    if lazy:
        dask_array = pytest.importorskip("dask.array")
        data = dask_array.zeros(shape, np.float32)
    with pytest.raises(ValueError, match=r"\(1300, 1300, 1300\) has 2,197,000,000 pix"):
        Prediction(data, "BC")
    assert Prediction(data[:, :2, :3, :4], "BC").spatial_shape == (2, 3, 4)
