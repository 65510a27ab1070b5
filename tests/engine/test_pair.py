from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import Pair, check_pairs, train
from napari_bioseg.settings import DataSettings, SemanticTask, Workflow

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 48)).astype(np.uint8)
LABELS = np.zeros((40, 48), np.int32)
LABELS[5:15, 5:15] = 3
GOOD = Pair(IMAGE, LABELS)
SEMANTIC = Workflow(task=SemanticTask(classes=3))


def test_good_pairs_pass():
    check_pairs([GOOD, Pair(IMAGE[None], LABELS.astype(np.uint8), "b")], Workflow())
    check_pairs([Pair(IMAGE, LABELS > 0)], Workflow())
    check_pairs([Pair(IMAGE, LABELS > 0)], SEMANTIC)


def with_nan() -> np.ndarray:
    image = IMAGE.astype(np.float32)
    image[3, 3:7] = (np.nan, np.inf, -np.inf, 0)
    return image


@pytest.mark.parametrize(
    ("pairs", "workflow", "message"),
    [
        ([], Workflow(), "no training images"),
        ([Pair(IMAGE, LABELS[:, :-1], "a")], Workflow(),
         r"image 'a': the image has shape \(40, 48\) and its labels \(40, 47\)"),
        ([GOOD, Pair(IMAGE, LABELS.astype(float))], Workflow(),
         "image 2: labels are float64, but must be whole numbers"),
        ([Pair(IMAGE[0], LABELS[0])], Workflow(), r"labels have shape \(48,\)"),
        ([Pair(np.stack([IMAGE] * 3, -1), LABELS)], Workflow(),
         r"3 channels are the last axis of shape \(40, 48, 3\).*moveaxis"),
        ([GOOD, Pair(np.stack([IMAGE] * 3), LABELS)], Workflow(),
         r"image 2 has 3 channels .* but image 1 has 1"),
        ([GOOD, Pair(IMAGE[None, None], LABELS[None])], Workflow(),
         "image 2 is 3-D, but image 1 is 2-D"),
        ([Pair(IMAGE[:0], LABELS[:0])], Workflow(), "is empty"),
        ([Pair(IMAGE, LABELS, spacing=(1.0,))], Workflow(),
         r"spacing \(1.0,\) must be 2 sizes"),
        ([Pair(IMAGE, LABELS, spacing=(1.0, 0.0))], Workflow(), "sizes above 0"),
        ([Pair(IMAGE, -LABELS)], Workflow(), "labels go down to -3"),
        ([Pair(IMAGE, LABELS * 0)], Workflow(), "only background.*nothing to learn"),
        ([Pair(IMAGE, LABELS * 0 + 2)], Workflow(), "the value 2 everywhere"),
        ([Pair(IMAGE * 0 + 7, LABELS)], Workflow(),
         r"constant \(every pixel is 7\).*right image"),
        ([Pair(with_nan(), LABELS)], Workflow(),
         "3 of its 1920 values are NaN or infinite"),
        ([Pair(IMAGE.astype(complex), LABELS)], Workflow(), "complex128.*real numbers"),
        ([GOOD], SEMANTIC, "labels go up to 3, but the task has 3 classes, 0 to 2"),
        ([GOOD], Workflow(data=DataSettings(patch=(16, 32, 32))),
         r"data.patch = \(16, 32, 32\) has 3 sizes, but the images are 2-D"),
    ],
)  # fmt: skip
def test_bad_pairs_are_refused_at_the_first_event(pairs, workflow, message):
    with pytest.raises(ValueError, match=message):
        check_pairs(pairs, workflow)
    with pytest.raises(ValueError, match=message):
        next(train(pairs, workflow))


def test_an_empty_image_among_others_is_fine():
    check_pairs([GOOD, Pair(IMAGE * 0, LABELS * 0)], Workflow())
