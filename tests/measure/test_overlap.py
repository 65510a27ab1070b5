from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_bioseg.measure import overlap

CLASSES = hnp.arrays(np.int32, (5, 7), elements=st.integers(0, 3))


@settings(max_examples=100, deadline=None)
@given(CLASSES, CLASSES)
def test_by_definition(truth: np.ndarray, guess: np.ndarray) -> None:
    found = overlap(truth, guess)
    assert found.pixel_accuracy == (truth == guess).mean()
    for value in np.union1d(truth, guess):
        a, b = truth == value, guess == value
        assert found.iou[value] == (a & b).sum() / (a | b).sum()
        assert found.dice[value] == 2 * (a & b).sum() / (a.sum() + b.sum())
    for i, row in enumerate(found.values):
        for j, column in enumerate(found.values):
            both = (truth == row) & (guess == column)
            assert found.confusion[i, j] == both.sum()
    assert found.mean_iou == pytest.approx(np.mean(list(found.iou.values())))


def test_with_and_without_background() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1])
    guess = np.array([0, 0, 0, 1, 1, 1])
    assert overlap(truth, guess).mean_iou == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert overlap(truth, guess, classes=[1]).mean_iou == pytest.approx(2 / 3)
    assert overlap(truth, guess, classes=[1]).mean_dice == pytest.approx(4 / 5)


def test_classes_that_are_nowhere_do_not_count() -> None:
    found = overlap(np.array([0, 1]), np.array([0, 1]), classes=4)
    assert np.isnan(found.iou[3])
    assert found.mean_iou == found.mean_dice == 1
    assert found.confusion.shape == (4, 4)
    assert overlap(np.array([0]), np.array([0]), classes=[1]).mean_iou == 1


def test_ignored_pixels() -> None:
    truth = np.array([0, 1, 255, 255])
    found = overlap(truth, np.array([0, 1, 1, 0]), ignore=255)
    assert found.pixel_accuracy == 1
    assert found.values == (0, 1)


def test_large_or_negative_classes() -> None:
    found = overlap(np.array([-1, 7, 100_000]), np.array([-1, 100_000, 100_000]))
    assert found.values == (-1, 7, 100_000)
    assert found.iou == {-1: 1.0, 7: 0.0, 100_000: 0.5}


def test_nothing_at_all() -> None:
    found = overlap(np.zeros((0, 3), int), np.zeros((0, 3), int))
    assert found.pixel_accuracy == found.mean_iou == 1


@pytest.mark.parametrize(
    ("truth", "guess", "message"),
    [
        (np.zeros(3, int), np.zeros(4, int), r"must have the shape of the true"),
        (np.zeros(3, int), np.zeros(3), r"predicted classes are float64"),
    ],
)
def test_wrong_input_says_why(
    truth: np.ndarray, guess: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        overlap(truth, guess)
