from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import Pair
from napari_bioseg.engine.batch import draw_patch, epoch_order
from napari_bioseg.engine.data_facts import data_facts
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import (
    AugmentSettings,
    DataSettings,
    NetworkSettings,
    Workflow,
)

SMALL = Workflow(network=NetworkSettings(features=4, depth=2))


def pair(size, seed: int = 0, spacing=None, empty: bool = False) -> Pair:
    rng = np.random.default_rng(seed)
    labels = np.zeros(size, np.int32)
    if not empty:
        labels[tuple(slice(2, 12) for _ in size)] = 1
    return Pair(rng.random(size, np.float32), labels, spacing=spacing)


def auto(*sizes, spacing=None) -> tuple[int, ...]:
    return make_plan([pair(size, spacing=spacing) for size in sizes], SMALL).patch


def test_automatic_patches_suit_images_and_objects():
    assert auto((512, 512)) == (128, 128)
    assert auto((100, 512)) == (100, 128)
    assert auto((50, 50), (70, 61)) == (72, 64)
    assert auto((128, 128, 128), (128, 128, 128)) == (32, 32, 32)
    thick = (4.0, 1.0, 1.0)
    assert auto((128, 128, 128), (128, 128, 128), spacing=thick) == (8, 32, 32)
    assert auto((7, 128, 128))[0] == 8
    large = pair((512, 512))
    large.labels[100:140, 100:140], large.labels[200:240, 200:240] = 2, 3
    assert make_plan([large, large], SMALL).patch == (224, 224)


@pytest.mark.parametrize(
    ("images", "share", "kept"),
    [(2, 0.1, 1), (10, 0.1, 1), (10, 0.3, 3), (3, 0.5, 2), (40, 0.05, 2)],
)
def test_whole_images_are_kept_for_validation(images, share, kept):
    workflow = SMALL.replace(data=DataSettings(validation=share))
    pairs = [pair((40, 40), seed) for seed in range(images)]
    plan = make_plan(pairs, workflow)
    assert (len(plan.training), len(plan.validation)) == (images - kept, kept)
    used = {id(s.pair) for s in plan.training} | {id(s.pair) for s in plan.validation}
    assert len(used) == images


@pytest.mark.parametrize("seed", range(5))
def test_both_parts_show_objects_where_two_images_do(seed):
    workflow = SMALL.replace(train=SMALL.train.replace(seed=seed))
    pairs = [pair((40, 40), n, empty=n not in (3, 5)) for n in range(8)]
    plan = make_plan(pairs, workflow)
    for part in (plan.training, plan.validation):
        assert any(subject.pair.labels.any() for subject in part)
    alone = [pair((40, 40), n, empty=n != 3) for n in range(8)]
    assert any(s.pair.labels.any() for s in make_plan(alone, workflow).training)


def test_one_image_is_cut_in_two_without_overlap():
    single = pair((60, 200))
    single.labels[20:30, 180:190] = 2
    workflow = SMALL.replace(data=DataSettings(validation=0.2))
    plan = make_plan([single], workflow)
    (training,), (validation,) = plan.training, plan.validation
    covered = np.zeros((60, 200), int)
    covered[training.bounds] += 1
    covered[validation.bounds] += 1
    np.testing.assert_array_equal(covered, 1)
    assert validation.size == (60, 40)
    assert (single.labels[training.bounds] > 0).any()


def test_one_image_with_one_object_is_learned_from():
    plan = make_plan(
        [pair((60, 200))], SMALL.replace(data=DataSettings(validation=0.2))
    )
    assert (plan.training[0].pair.labels[plan.training[0].bounds] > 0).any()
    tiny = make_plan([pair((20, 20))], SMALL)
    assert tiny.validation == ()
    assert any("too small" in note for note in tiny.notes)


def test_an_epoch_covers_the_images_within_limits():
    assert make_plan([pair((40, 40))] * 2, SMALL).steps == 16
    large = make_plan([pair((2000, 2000))] * 2, SMALL)
    assert large.steps == pytest.approx((2000 / 128) ** 2 / 8, abs=1)
    assert len(large.grid) == 64  # of about 170: validation must not take long
    fixed = SMALL.replace(train=SMALL.train.replace(steps=7))
    assert make_plan([pair((40, 40))] * 2, fixed).steps == 7


def test_the_digest_tells_data_apart():
    first = [pair((40, 40), 0), pair((40, 40), 1)]
    digests = {
        make_plan(pairs, SMALL).workflow.trained.digest
        for pairs in (first, list(first), [first[0], pair((40, 40), 2)])
    }
    assert len(digests) == 2


@pytest.mark.parametrize("favour", ["objects", "pixels"])
def test_facts_count_objects_however_patches_are_centred(favour):
    labels = np.zeros((64, 96), np.int32)
    for number in range(5):
        labels[10:16, 4 + 16 * number : 12 + 16 * number] = number + 1
    workflow = Workflow(data=DataSettings(validation=0, favour=favour))
    plan = make_plan([Pair(labels * 9.0, labels)], workflow)
    assert dict(data_facts(plan))["objects to learn from"] == "5"


def test_labels_may_lie_in_any_order_in_memory():
    image, labels = touching_cells_2d(64, seed=1)
    pairs = [Pair(np.ascontiguousarray(image.T), np.ascontiguousarray(labels.T))]
    turned = [Pair(image.T, labels.T)]
    plans = [make_plan(some, Workflow()) for some in (pairs, turned)]
    digests = {plan.workflow.trained.digest for plan in plans}
    assert len(digests) == 1
    first, second = (draw_patch(plan, epoch_order(plan, 1)[0], 1, 0) for plan in plans)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_quarter_turns_follow_the_pixels_of_each_image():
    # four corners of different intensity tell how a patch was turned
    image = np.kron(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((16, 16)))
    labels = np.zeros((32, 32), np.int32)
    labels[4:12, 4:12], labels[20:28, 20:28] = 1, 2
    pairs = [Pair(image, labels), Pair(image, labels, spacing=(2.0, 1.0))]
    still = dict.fromkeys(("brightness", "contrast", "noise"), 0.0)
    workflow = Workflow(
        data=DataSettings(validation=0, patch=(32, 32)),
        network=NetworkSettings(depth=2),
        augment=AugmentSettings(flips=False, **still),
    )
    plan = make_plan(pairs, workflow)
    poses = [
        {
            tuple(
                draw_patch(plan, np.array([number, -1]), 1, place)[0][
                    0, ::31, ::31
                ].ravel()
            )
            for place in range(40)
        }
        for number in (0, 1)
    ]
    assert [len(some) for some in poses] == [4, 2]
