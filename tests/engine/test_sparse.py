"""Labels that cover a part of the image: what is not labelled is not background."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.channels import encode
from napari_bioseg.engine import Pair, check_pairs, predict_array, train
from napari_bioseg.engine.patches import random_start
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.targets import make_subjects, make_targets
from napari_bioseg.settings import DataSettings, InstanceTask, SemanticTask, Workflow

SPARSE = DataSettings(unlabelled="ignored", background_label=9)
# two whole objects, some background (9) below them, the rest not labelled
PAINTED = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 2, 2, 2, 0],
        [0, 1, 1, 1, 2, 2, 2, 0],
        [0, 1, 1, 1, 2, 2, 2, 0],
        [9, 9, 9, 9, 9, 9, 9, 9],
        [9, 9, 9, 9, 9, 9, 9, 9],
    ]
)
OBJECTS = np.where(PAINTED == 9, 0, PAINTED)
UNKNOWN = PAINTED == 0


def targets(channels, data=SPARSE, labels=PAINTED, **pair):
    workflow = Workflow(task=InstanceTask(channels=channels), data=data)
    return make_targets(Pair(labels * 1.0, labels, **pair), workflow)


def test_unlabelled_is_background_unless_said_otherwise():
    drawn = targets("BC", DataSettings())
    assert max(values.max() for values in drawn) == 1
    np.testing.assert_array_equal(drawn, encode(PAINTED, InstanceTask().channels))


def test_what_is_labelled_equals_the_encoding_and_the_rest_is_ignored():
    binary, contour, distance, objects = targets("BCD")
    wanted = encode(OBJECTS, InstanceTask(channels="BCD").channels)
    for values, full in zip((binary, contour), wanted, strict=False):
        assert (values[UNKNOWN] == 255).all()
        np.testing.assert_array_equal(values[~UNKNOWN], full[~UNKNOWN])
    assert np.isnan(distance[UNKNOWN]).all()
    np.testing.assert_array_equal(distance[~UNKNOWN], wanted[2][~UNKNOWN])
    np.testing.assert_array_equal(objects, (OBJECTS > 0) & ~UNKNOWN)


def test_contours_on_background_beside_the_unknown_are_ignored():
    channels = [{"name": "C", "mode": "thick"}, "B"]
    contour, _ = targets(channels)
    below = contour[4]  # background, and the objects' contour reaches it
    assert below.tolist() == [255, 1, 1, 1, 1, 1, 1, 255]
    assert contour[5].tolist() == [0] * 8
    inner, _ = targets([{"name": "C", "mode": "inner"}, "B"])
    assert inner[4].tolist() == [0] * 8


def test_distances_that_an_unseen_object_could_shorten_are_ignored():
    labels = np.zeros((9, 40), int)
    labels[:, 20:] = 9
    labels[:, 24:30] = 1
    (values,) = targets("Dv2", labels=labels)
    row = values[4, 20:]
    assert np.isnan(row[:2]).all()  # nearer to the unknown than to the object
    assert not np.isnan(row[3:]).any()
    assert np.isnan(values[:, :20]).all()


def test_an_ignore_label_and_a_mask_hide_pixels_only():
    labels = np.zeros((10, 12), int)
    labels[2:6, 2:6], labels[7:9, 7:11] = 1, 5
    plain = targets("BC", DataSettings(), labels)
    ignored = targets("BC", DataSettings(ignore_label=5), labels)
    assert (ignored[0][labels == 5] == 255).all()
    np.testing.assert_array_equal(ignored[0][labels != 5], plain[0][labels != 5])
    counts = np.zeros(labels.shape, bool)
    counts[:, :4] = True  # cuts object 1, whose targets stay those of all of it
    masked = targets("BCD", DataSettings(), labels, counts=counts)
    wanted = encode(labels, InstanceTask(channels="BCD").channels)
    assert (masked[0][:, 4:] == 255).all()
    np.testing.assert_array_equal(masked[0][:, :4], wanted[0][:, :4])
    np.testing.assert_array_equal(masked[2][:, :4], wanted[2][:, :4])


def test_semantic_classes_with_an_ignore_label():
    labels = np.array([[0, 1, 2, 7], [7, 1, 2, 0]])
    workflow = Workflow(task=SemanticTask(classes=3), data=DataSettings(ignore_label=7))
    (classes,) = make_targets(Pair(labels * 1.0, labels), workflow)
    np.testing.assert_array_equal(classes, np.where(labels == 7, 255, labels))


@pytest.mark.parametrize(
    ("labels", "workflow", "message"),
    [
        (OBJECTS, Workflow(data=DataSettings(unlabelled="ignored")),
         "nothing is labelled as background.*set data.background_label"),
        (OBJECTS, Workflow(data=SPARSE), "background_label is 9, but no pixel"),
        (np.where(PAINTED == 9, 9, 0), Workflow(data=SPARSE), "background .9. only"),
    ],
)  # fmt: skip
def test_sparse_labels_that_cannot_teach_are_refused(labels, workflow, message):
    image = np.random.default_rng(0).random(labels.shape)
    with pytest.raises(ValueError, match=message):
        check_pairs([Pair(image, labels)], workflow)


def test_scribbles_of_several_classes_need_no_background():
    labels = np.zeros((32, 32), int)
    labels[4:6, 4:20], labels[20:22, 4:20] = 1, 2
    data = DataSettings(unlabelled="ignored")
    workflow = Workflow(task=SemanticTask(classes=3), data=data)
    pair = Pair(np.random.default_rng(0).random((32, 32)), labels)
    check_pairs([pair], workflow)
    notes = make_plan([pair, pair], workflow).notes
    assert any("class 0 is in no training image: is background" in n for n in notes)


def test_patches_show_something_labelled():
    labels = np.zeros((400, 400), int)
    labels[200:204, 100:104], labels[206:208, 100:104] = 1, 9
    workflow = Workflow(data=SPARSE)
    part = (slice(0, 400), slice(0, 400))
    rng = np.random.default_rng(0)
    made = make_subjects(Pair(labels * 1.0, labels), workflow, (part,), rng)[0]
    for on_object in (False, True):
        for _ in range(30):
            y, x = random_start(made, (32, 32), on_object, rng)
            assert labels[y : y + 32, x : x + 32].any()


def test_validation_keeps_patches_with_labels_only():
    labels = np.zeros((400, 64), int)
    labels[10:20, 10:20], labels[30:35, 10:20] = 1, 9
    pair = Pair(np.random.default_rng(0).random((400, 64)), labels)
    workflow = Workflow(data=SPARSE.replace(patch=(64, 64)))
    plan = make_plan([pair, pair], workflow)
    assert [start for _, start in plan.grid] == [(0, 0)]


def test_training_on_few_labels_learns_what_was_painted(disks):
    """With unlabelled ignored, objects that nobody painted are found all the same."""
    full = disks((96, 96), 1, 10)
    grey = np.asarray(full.labels)
    painted = np.where(grey <= 4, grey, 0)
    painted[(grey == 0) & (np.indices(grey.shape)[1] < 20)] = 99
    scores = {}
    for unlabelled in ("background", "ignored"):
        workflow = Workflow(
            task=InstanceTask(channels="F"),
            data=DataSettings(
                unlabelled=unlabelled, background_label=99, patch=(32, 32), validation=0
            ),
            network={"features": 4, "depth": 2},
            train={
                "epochs": 1,
                "steps": 40,
                "batch_size": 4,
                "learning_rate": 0.01,
                "device": "cpu",
            },
        )
        pair = Pair(full.image, painted)
        model = list(train([pair], workflow))[-1].model

        found = predict_array(np.asarray(full.image)[None], model)[0]
        unseen = grey > 4
        scores[unlabelled] = float(found[unseen].mean())
    assert scores["ignored"] > scores["background"] + 0.15
