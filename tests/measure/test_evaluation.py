"""Tables per image and over all images."""

import numpy as np
import pytest

from napari_bioseg.measure import MEAN, POOLED, score, table_of_all, table_per_image


def line(text: str) -> np.ndarray:
    """Turn digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in text]])


A = ("a", line("11112222...."), line("1111.22.33.."))
B = ("b", line("555555555555"), line("777777777777"))


def test_objects():
    images = [*score(*A, iou=(0.5, 0.75)), *score(*B, iou=(0.5, 0.75))]
    each = table_per_image(images)
    assert each[["image", "threshold"]].to_numpy().tolist() == [
        ["a", 0.5],
        ["a", 0.75],
        ["b", 0.5],
        ["b", 0.75],
    ]
    assert each["tp"].tolist() == [2, 1, 1, 1]
    assert each["foreground_iou"].tolist() == pytest.approx([0.6, 0.6, 1, 1])
    over = table_of_all(images).set_index(["over", "threshold"])
    assert over.loc[(POOLED, 0.75), "precision"] == pytest.approx(2 / 4)
    assert over.loc[(MEAN, 0.75), "precision"] == pytest.approx((1 / 3 + 1) / 2)
    assert over.loc[(POOLED, 0.5), "foreground_iou"] == pytest.approx(18 / 22)
    assert over.loc[(MEAN, 0.5), "foreground_iou"] == pytest.approx(0.8)
    assert list(over.index) == [(w, t) for w in (POOLED, MEAN) for t in (0.5, 0.75)]


def test_classes():
    truth, found = line("00112"), line("00111")
    images = [
        *score("a", truth, found, semantic=True, classes=3),
        *score("b", truth, truth, semantic=True, classes=3),
    ]
    each = table_per_image(images)
    assert each["class"].tolist() == [0, 1, 2, 0, 1, 2]
    assert each["iou"].tolist() == pytest.approx([1, 2 / 3, 0, 1, 1, 1])
    assert each["mean_iou"][0] == pytest.approx(5 / 9)
    over = table_of_all(images).set_index(["over", "class"])
    assert over.loc[(POOLED, 1), "iou"] == pytest.approx(4 / 5)
    assert over.loc[(MEAN, 1), "iou"] == pytest.approx(5 / 6)
    assert over.loc[(MEAN, 2), "mean_iou"] == pytest.approx((5 / 9 + 1) / 2)
    assert over.loc[(POOLED, 2), "pixel_accuracy"] == pytest.approx(0.9)


def test_without_objects():
    nothing = np.zeros((1, 12), int)
    images = score("none", nothing, nothing)
    assert (table_per_image(images)[["f1", "foreground_iou"]] == 1).all(axis=None)
    images += score(*A)
    assert len(table_of_all(images)) == 6


def test_pixels_that_do_not_count():
    name, truth, found = A
    truth = np.where(np.arange(12) > 3, 9, truth)
    (one,) = score(name, truth, found, iou=[0.5], ignore=9)
    assert (one.matches[0].tp, one.matches[0].fp, one.matches[0].fn) == (1, 0, 0)
    assert one.overlap.iou[1] == 1


def test_patches():
    parts = score(*A, iou=[0.5], patch=(1, 4))
    assert [part.name for part in parts] == ["a [0]", "a [1]", "a [2]"]
    assert [part.matches[0].tp for part in parts] == [1, 1, 0]


def test_the_image_is_named():
    with pytest.raises(ValueError, match=r"cell 7: predicted labels .* must have the"):
        score("cell 7", A[1], B[1][:, :5])
    with pytest.raises(ValueError, match="nothing to pool"):
        table_of_all([])
