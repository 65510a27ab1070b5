"""Majority votes, drawn out on a strip of three objects."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.channels import (
    LiveDecoder,
    Prediction,
    class_labels,
    decode,
    object_classes,
)
from napari_bioseg.settings import InstanceSettings

#                   . a  a  a  .  b  b  b  b  .  c  .
VOTES = np.array([[0, 2, 1, 2, 1, 1, 1, 2, 2, 2, 1, 1]])
INSIDE = np.array([[0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0]], np.float32)
LABELS = np.array([[0, 1, 1, 1, 0, 2, 2, 2, 2, 0, 3, 0]], np.int32)
CLASSES = {1: 2, 2: 1, 3: 1}  # b is a tie


def prediction(*, background: float = 0.0) -> Prediction:
    values = [INSIDE, np.full_like(INSIDE, background)]
    values += [(number == VOTES) * 0.4 + 0.1 for number in (1, 2)]
    return Prediction(np.stack(values), ["B", "class 0", "class 1", "class 2"])


@pytest.mark.parametrize("background", [0.0, 0.9])
def test_most_pixels_win_and_background_is_no_class(background):
    assert object_classes(LABELS, prediction(background=background)) == CLASSES


def test_any_numbers_in_any_order_of_channels():
    shuffled = Prediction(
        prediction().data[[3, 0, 2, 1]], ["class 2", "B", "class 1", "class 0"]
    )
    numbers = np.array([0, 70_000, 5, 2**31 - 1], np.int32)[LABELS]
    assert object_classes(numbers, shuffled) == {70_000: 2, 5: 1, 2**31 - 1: 1}


def test_volumes_and_no_objects():
    deep = Prediction(prediction().data[:, :, None], prediction().channels)
    assert object_classes(LABELS[:, None], deep) == CLASSES
    assert object_classes(LABELS * 0, prediction()) == {}


def test_without_class_channels_there_are_none():
    assert object_classes(LABELS, Prediction(INSIDE[None], "B")) == {}


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r"shape \(1, 5\), but the prediction \(1, 12"):
        object_classes(LABELS[:, :5], prediction())


def test_instances_know_their_classes():
    settings = InstanceSettings(seed_binary=0.5, foreground_binary=0.5, smoothing=0)
    found = decode(prediction(), settings)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.classes == CLASSES
    live = LiveDecoder(prediction())
    assert live.update(settings).classes == CLASSES
    part = live.update(settings, (slice(0, 1), slice(4, 9)))
    assert list(part.classes.values()) == [1]
    assert decode(Prediction(INSIDE[None], "B"), settings).classes == {}


def test_class_of_every_pixel():
    np.testing.assert_array_equal(
        class_labels(LABELS, CLASSES), [[0, 2, 2, 2, 0, 1, 1, 1, 1, 0, 1, 0]]
    )
    sparse = np.array([[0, 2**31 - 1, 9]], np.int32)
    np.testing.assert_array_equal(class_labels(sparse, {9: 3}), [[0, 0, 3]])
