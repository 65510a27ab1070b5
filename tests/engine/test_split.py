from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_bioseg.engine import Pair
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.split import make_folds, split_by_share
from napari_bioseg.settings import DataSettings, SemanticTask, Workflow

SMALL = Workflow(network={"features": 4, "depth": 2})


def pair(objects: int, name: str = "", size: int = 48) -> Pair:
    labels = np.zeros((size, size), np.int32)
    for number in range(objects):
        y, x = divmod(number, 6)
        labels[8 * y + 1 : 8 * y + 6, 8 * x + 1 : 8 * x + 6] = number + 1
    return Pair(labels * 1.5 + np.indices(labels.shape)[0], labels, name)


def test_chosen_images_are_for_validation():
    pairs = [pair(n + 1, str(n)) for n in range(4)]
    pairs[2] = replace(pairs[2], role="validation")
    plan = make_plan(pairs, SMALL)
    assert [subject.pair.name for subject in plan.validation] == ["2"]
    assert [subject.pair.name for subject in plan.training] == ["0", "1", "3"]
    with pytest.raises(ValueError, match="all 4 images are for validation"):
        make_plan([replace(each, role="validation") for each in pairs], SMALL)


def test_a_share_is_taken_of_images_that_are_not_chosen_for_training():
    pairs = [replace(pair(3, str(n)), role="training") for n in range(3)]
    pairs += [pair(3, str(n)) for n in (3, 4)]
    for seed in range(5):
        workflow = SMALL.replace(train=SMALL.train.replace(seed=seed))
        plan = make_plan(pairs, workflow)
        assert [s.pair.name for s in plan.validation] in (["3"], ["4"])


@pytest.mark.parametrize(
    ("pairs", "share", "note"),
    [
        ([replace(pair(3), role="training")] * 2, 0.2, "no image is kept"),
        ([pair(3)] * 2, 0.0, "no validation: the last weights are kept"),
        ([pair(1, size=20)], 0.2, "too small to keep a part for validation"),
    ],
)
def test_an_empty_validation_set_is_said(pairs, share, note):
    plan = make_plan(pairs, SMALL.replace(data=DataSettings(validation=share)))
    assert plan.validation == ()
    assert any(note in said for said in plan.notes)


def test_folds_are_balanced_by_objects_and_each_image_judges_once():
    counts = [1, 1, 1, 12, 12, 12, 30, 30, 30, 5]
    pairs = [pair(count, str(n)) for n, count in enumerate(counts)]
    folds = make_folds(pairs, 3, SMALL)
    judged = [
        [each.name for each in fold if each.role == "validation"] for fold in folds
    ]
    assert sorted(name for names in judged for name in names) == sorted(
        map(str, range(10))
    )
    assert sorted(map(len, judged)) == [3, 3, 4]
    totals = [sum(counts[int(name)] for name in names) for names in judged]
    assert max(totals) - min(totals) <= 30
    for names in judged:
        assert sum(counts[int(name)] == 30 for name in names) == 1
    again = make_folds(pairs, 3, SMALL)
    assert [[p.role for p in f] for f in again] == [[p.role for p in f] for f in folds]
    others = make_folds(pairs, 3, SMALL.replace(train=SMALL.train.replace(seed=1)))
    assert [[p.role for p in f] for f in others] != [[p.role for p in f] for f in folds]


def test_folds_by_pixels_where_classes_are_learned():
    semantic = SMALL.replace(task=SemanticTask(classes=2))
    small, large = pair(1), pair(1)
    large.labels[:] = 1
    folds = make_folds([small, large, small, large], 2, semantic)
    for fold in folds:
        judged = [p.labels.sum() for p in fold if p.role == "validation"]
        assert len(set(judged)) == 2


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "2 folds at least, not 1"),
        (4, "4 folds need as many images, but there are 3"),
    ],
)
def test_folds_that_cannot_be(count, message):
    with pytest.raises(ValueError, match=message):
        make_folds([pair(2)] * 3, count, SMALL)


def test_a_split_by_share_is_the_one_that_training_makes():
    pairs = [pair(n + 1, str(n)) for n in range(8)]
    workflow = SMALL.replace(data=DataSettings(validation=0.3))
    marked = split_by_share(pairs, workflow)
    chosen = {each.name for each in marked if each.role == "validation"}
    assert chosen == {s.pair.name for s in make_plan(pairs, workflow).validation}
    with pytest.raises(ValueError, match="nothing to split"):
        split_by_share(pairs[:1], workflow)
