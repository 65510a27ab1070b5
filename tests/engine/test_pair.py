from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from napari_bioseg.engine import Pair, check_pairs, train
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.targets import make_targets
from napari_bioseg.settings import (
    DataSettings,
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    Workflow,
)

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 48)).astype(np.uint8)
LABELS = np.zeros((40, 48), np.int32)
LABELS[5:15, 5:15] = 3
GOOD = Pair(IMAGE, LABELS)
SEMANTIC = Workflow(task=SemanticTask(classes=3))


def test_good_pairs_pass():
    check_pairs([GOOD, Pair(IMAGE[None], LABELS.astype(np.uint8), "b")], Workflow())
    check_pairs([Pair(IMAGE, LABELS > 0)], Workflow())
    check_pairs([Pair(IMAGE, LABELS > 0)], SEMANTIC)
    check_pairs([Pair(IMAGE, LABELS.astype(np.uint64))], Workflow())
    far = np.where(LABELS > 0, 5_000_000, 0)
    far[30:35, 30:35], far[:, :3] = 5_000_003, 6_000_000
    sparse = DataSettings(unlabelled="ignored", background_label=5_000_003)
    check_pairs([Pair(IMAGE, far)], Workflow(data=sparse))


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


# --- labels as people have them -------------------------------------------------------


def classes_of(*values: int) -> Pair:
    labels = np.kron(np.resize(values, 12).reshape(3, 4), np.ones((16, 16), int))
    return Pair(np.random.default_rng(0).random(labels.shape), labels)


def notes(pairs, workflow) -> str:
    workflow = workflow.replace(
        network=NetworkSettings(features=4, depth=2), data=DataSettings(patch=(16, 16))
    )
    return " | ".join(make_plan(pairs, workflow).notes)


def test_a_mask_of_0_and_255_is_learned_as_class_1():
    pair = classes_of(0, 255)
    workflow = Workflow(task=SemanticTask(classes=2))
    check_pairs([pair], workflow)
    assert "the labels hold 255, learned as class 1" in notes([pair], workflow)
    assert set(np.unique(make_targets(pair, workflow)[0])) == {0, 1}
    plain = classes_of(0, 1)
    assert "learned as class" not in notes([plain], workflow)


@pytest.mark.parametrize(
    ("values", "classes", "message"),
    [
        (
            (0, 100, 200),
            3,
            r"go up to 200.*number the classes 0, 100, 200 without gaps",
        ),
        ((0, 1, 2, 3), 3, r"go up to 3, but the task has 3 classes.*task.classes to 4"),
        ((0, 1, 255), 2, "go up to 255, but the task has 2 classes"),
    ],
)
def test_classes_beyond_the_task_or_with_gaps_are_refused(values, classes, message):
    pair = classes_of(*values)
    with pytest.raises(ValueError, match=message):
        check_pairs([pair], Workflow(task=SemanticTask(classes=classes)))


def test_a_class_that_never_occurs_is_said():
    pair = classes_of(0, 1, 3)
    said = notes([pair], Workflow(task=SemanticTask(classes=4)))
    assert "class 2 is in no training image" in said
    whole = classes_of(0, 1, 2, 3)
    assert "class" not in notes([whole], Workflow(task=SemanticTask(classes=4)))


def test_a_class_in_validation_only_is_said():
    learned = classes_of(0, 1)
    judged = classes_of(0, 1, 2)
    pairs = [learned, replace(judged, role="validation")]
    said = notes(pairs, Workflow(task=SemanticTask(classes=3)))
    assert "class 2 is in the validation images only, so it cannot be learned" in said
    assert "in no training image" not in said


def test_classes_of_objects_in_validation_only_are_said():
    task = InstanceTask(classes=5)
    learned = replace(GOOD, classes=(LABELS > 0) * 1)
    judged = replace(GOOD, classes=(LABELS > 0) * 3, role="validation")
    said = notes([learned, judged], Workflow(task=task))
    assert "class 3 of objects is in the validation images only" in said
    assert "class 2, 4 of objects is in no training image" in said
    task = InstanceTask(classes=2)
    assert "of objects is in" not in notes([learned, learned], Workflow(task=task))


def test_validation_images_without_an_object_are_said():
    empty = Pair(IMAGE, LABELS * 0, role="validation")
    assert "no validation image has an object" in notes([GOOD, empty], Workflow())
    judged = replace(GOOD, role="validation")
    assert "no validation image" not in notes([GOOD, empty, judged], Workflow())


@pytest.mark.parametrize("colours", [3, 4])
def test_labels_that_are_a_picture_in_colours_are_named(colours):
    painted = np.stack([LABELS] * colours, axis=-1)
    wanted = re.escape(f"labels of shape {painted.shape} look like a picture in colo")
    for image in (IMAGE, np.stack([IMAGE] * 3)):
        with pytest.raises(ValueError, match=wanted):
            check_pairs([Pair(image, painted)], Workflow())


@pytest.mark.parametrize(("count", "said"), [(1, "the only image is"), (2, "all 2")])
def test_images_that_are_all_for_validation_are_refused(count, said):
    pairs = [replace(GOOD, role="validation")] * count
    with pytest.raises(ValueError, match=f"{said}.* for validation, so none is left"):
        make_plan(pairs, Workflow())


def test_a_mask_where_objects_are_wanted_is_said():
    pairs = [Pair(IMAGE, (LABELS > 0) * 255) for _ in range(2)]
    assert "have the number 255, as in a mask" in notes(pairs, Workflow())
    two = (LABELS + LABELS[::-1, ::-1] > 0) * 255
    assert "have the number 255, as in a mask" in notes([Pair(IMAGE, two)], Workflow())
    single = Pair(IMAGE, (LABELS.max() == LABELS) * 3)
    assert "as in a mask" not in notes([single], Workflow())
    numbered = [GOOD, Pair(IMAGE, LABELS * 2)]
    assert "as in a mask" not in notes(numbered, Workflow())


def test_numbers_beyond_int32_are_refused():
    labels = LABELS.astype(np.int64) * 2**31
    with pytest.raises(ValueError, match=r"go up to 6442450944, but at most.*renumber"):
        check_pairs([Pair(IMAGE, labels)], Workflow())


def test_a_patch_that_the_network_cannot_halve_is_made_fit_and_said():
    workflow = Workflow(
        network=NetworkSettings(features=4, depth=3), data=DataSettings(patch=(20, 30))
    )
    plan = make_plan([GOOD], workflow)
    assert plan.patch == (24, 32)
    assert any("24 × 32 px instead of 20 × 30" in note for note in plan.notes)


def test_labels_may_count_in_a_part_only():
    """A mask says which part was looked at."""
    counts = np.zeros(LABELS.shape, bool)
    counts[:20] = True
    check_pairs([Pair(IMAGE, LABELS, counts=counts)], Workflow())
