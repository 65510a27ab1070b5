from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import Pair
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.settings import DataSettings, NetworkSettings, Workflow

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
