from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import Pair, check_pairs
from napari_bioseg.engine.targets import make_targets
from napari_bioseg.settings import Distance, InstanceTask, Workflow

LABELS = np.array([[0, 1, 1, 0, 2, 2, 0, 3]], np.int32)
CLASSES = np.array([[0, 1, 1, 0, 2, 2, 2, 0]], np.int32)
IMAGE = (LABELS * 40).astype(np.uint8)


def pair(classes=CLASSES) -> Pair:
    return Pair(IMAGE, LABELS, name="a", classes=classes)


def workflow(classes: int = 3, channels: object = "BC") -> Workflow:
    return Workflow(task=InstanceTask(channels=channels, classes=classes))


def test_objects_without_a_class_and_background_are_told_apart():
    *_, found = make_targets(pair(), workflow())
    np.testing.assert_array_equal(found, [[0, 1, 1, 0, 2, 2, 0, 255]])


def test_classes_come_after_channels_and_before_the_mask():
    targets = make_targets(pair(), workflow(channels=[Distance()]))
    assert len(targets) == 3
    np.testing.assert_array_equal(targets[1], [[0, 1, 1, 0, 2, 2, 0, 255]])
    np.testing.assert_array_equal(targets[2], LABELS > 0)


def test_a_task_without_classes_takes_none():
    assert len(make_targets(pair(), workflow(classes=1))) == 2
    check_pairs([pair(None)], workflow(classes=1))


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [
        (None, 3, "image 'a': the classes of its objects are missing, .* 3 classes"),
        (CLASSES[:, :5], 3, r"classes have shape \(1, 5\), but the labels \(1, 8\)"),
        (CLASSES * 1.0, 3, "classes are float64, but must be whole"),
        (CLASSES, 2, "go from 0 to 2, but the task has 2 .* set task.classes to 3"),
        (-CLASSES, 3, "go from -2 to 0, but the task has 3 classes, 1 to 2"),
        (CLASSES * 0, 3, "all of its objects have class 0"),
    ],
)
def test_classes_that_do_not_suit_are_refused(classes, count, message):
    with pytest.raises(ValueError, match=message):
        check_pairs([pair(classes)], workflow(count))
