from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_bioseg.engine import Pair, train
from napari_bioseg.engine.batch import draw_batch, epoch_order
from napari_bioseg.engine.feed import AHEAD, Feeder, worker_count
from napari_bioseg.engine.patch_map import patch_maps
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.preview import augmented_samples
from napari_bioseg.settings import AugmentSettings, DataSettings, InstanceTask, Workflow

EVERYTHING = AugmentSettings(
    turn=180, zoom=0.2, shift=0.1, shear=5, elastic=3, blur=1, gamma=0.3, cutout=0.3
)


@pytest.fixture
def small(disks, tiny):
    """Two images, and settings with every change switched on."""
    data = DataSettings(patch=(32, 32), validation=0)
    task = InstanceTask(channels="BCD")
    workflow = tiny.replace(augment=EVERYTHING, data=data, task=task)
    return [disks(seed=1), disks((80, 64), 2)], workflow


def with_workers(workflow, workers):
    return workflow.replace(data=workflow.data.replace(workers=workers))


def same(first, second) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=True)
        for one, two in zip(first, second, strict=True)
        for a, b in zip(one, two, strict=True)
    )


def test_the_number_of_threads_changes_nothing(small):
    pairs, workflow = small
    plain = Feeder(make_plan(pairs, with_workers(workflow, 0)))
    many = Feeder(make_plan(pairs, with_workers(workflow, 3)))
    for epoch in (1, 2):
        order = epoch_order(plain._plan, epoch)
        for step in range(plain._plan.steps):
            drawn = draw_batch(plain._plan, order, epoch, step)
            assert same(plain.batch(epoch, step), drawn)
            assert same(many.batch(epoch, step), drawn)
    # after an interruption training asks for a step in the middle
    order = epoch_order(plain._plan, 7)
    assert same(many.batch(7, 1), draw_batch(plain._plan, order, 7, 1))


def test_processes_share_a_batch(small):
    pairs, workflow = small
    plan = make_plan(
        pairs, workflow.replace(train=workflow.train.replace(batch_size=5))
    )
    whole = Feeder(plan).batch(1, 1)
    first, second = (Feeder(plan, (number, 2)).batch(1, 1) for number in (0, 1))
    assert same(whole, [first[0], second[0], first[1], second[1], first[2]])


def test_the_next_steps_are_drawn_ahead_and_no_further_than_training_goes(small):
    pairs, workflow = small
    feeder = Feeder(make_plan(pairs, with_workers(workflow, 1)))
    feeder.batch(1, 0)
    assert list(feeder._drawn) == [(1, step) for step in range(1, 1 + AHEAD)]
    feeder.batch(1, 2)
    assert list(feeder._drawn) == [(2, 0), (2, 1)]
    feeder.batch(2, 2)
    assert not feeder._drawn


def test_trouble_in_a_thread_reaches_the_training(small):
    pairs, workflow = small
    feeder = Feeder(make_plan(pairs, with_workers(workflow, 2)))

    class Gone:
        shape, dtype = pairs[0].image.shape, pairs[0].image.dtype

        def __getitem__(self, index):
            raise OSError("the disk is gone")

    for subject in feeder._plan.training:
        object.__setattr__(subject.pair, "image", Gone())
    with pytest.raises(OSError, match="the disk is gone"):
        feeder.batch(1, 0)


def test_threads_end_with_the_training(small):
    pairs, workflow = small

    def ours() -> set[threading.Thread]:
        return {
            t for t in threading.enumerate() if "patches" in t.name and t.is_alive()
        }

    before = ours()
    events = train(pairs, with_workers(workflow, 2))
    for _ in range(3):
        next(events)
    assert ours() - before
    events.close()
    del events
    for thread in ours() - before:
        thread.join(timeout=10)
    assert not ours() - before


@pytest.mark.parametrize("gpu", [True, False])
def test_threads_are_chosen_by_cores(monkeypatch, gpu):
    for cores, wanted in ((1, 0), (2, 1), (4, 3 if gpu else 1), (64, 8 if gpu else 1)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, n=cores: set(range(n)))
        assert worker_count("auto", on_gpu=gpu) == wanted


# --- grids, maps and previews ---------------------------------------------------------


def test_a_grid_shows_every_place_equally_often(small):
    pairs, workflow = small
    workflow = workflow.replace(
        data=workflow.data.replace(patches="grid"),
        train=workflow.train.replace(steps=5, batch_size=2),
    )
    plan = make_plan(pairs, workflow)
    order = epoch_order(plan, 1)
    cells = {tuple(row) for row in order.tolist()}
    assert len(cells) == len(order) == 2 * 2 + 3 * 2
    for shown in patch_maps(plan, epochs=1):
        assert shown.counts.min() == 1


def test_the_map_shows_where_patches_fall(disks, tiny):
    labels = np.zeros((200, 200), np.int32)
    labels[150:158, 40:48] = 1
    pair = Pair(disks((200, 200)).image, labels)
    shares = []
    for foreground in (0.0, 1.0):
        data = DataSettings(patch=(32, 32), validation=0, foreground=foreground)
        plan = make_plan([pair], tiny.replace(data=data))
        (shown,) = patch_maps(plan, epochs=5)
        assert shown.counts.shape == (200, 200)
        patches = plan.steps * tiny.train.batch_size
        assert shown.counts.sum() == pytest.approx(patches * 32 * 32)
        shares.append(shown.counts[labels > 0].mean() / patches)
    assert shares[1] == 1  # every patch shows all of the object
    assert shares[0] < 0.2


def test_the_map_of_a_large_image_is_coarser(disks, tiny, monkeypatch):
    monkeypatch.setattr("napari_bioseg.engine.patch_map.MOST_BINS", 400)
    data = DataSettings(patch=(32, 32), validation=0)
    (shown,) = patch_maps(make_plan([disks((100, 80))], tiny.replace(data=data)))
    assert shown.step == 5
    assert shown.counts.shape == (20, 16)


def test_a_preview_shows_changed_patches_with_their_targets(small):
    pairs, workflow = small
    samples = augmented_samples(pairs, workflow, 5)
    assert len(samples) == 5
    plain = augmented_samples(pairs, workflow.replace(augment=AugmentSettings()), 5)
    for sample, other in zip(samples, plain, strict=True):
        assert sample.image.shape == (1, 32, 32)
        assert sample.names == ("B", "C", "D", "objects")
        assert sample.targets.shape == (4, 32, 32)
        assert sample.source in {"disks 1", "disks 2"}
        assert not np.array_equal(sample.image, other.image)
        assert set(np.unique(sample.targets[0])) <= {0, 1}


def test_a_preview_leaves_unlabelled_pixels_out(disks):
    pair = disks((64, 64), 1)
    painted = np.where(pair.labels > 0, pair.labels, 0)
    painted[:8] = 99
    data = DataSettings(unlabelled="ignored", background_label=99, patch=(64, 64))
    (sample,) = augmented_samples([Pair(pair.image, painted)], Workflow(data=data), 1)
    assert np.isnan(sample.targets[0]).mean() > 0.5
