"""Intensities changed by torch, on the CPU for want of a GPU, beside those by numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bioseg.engine import EpochDone, StepDone, Trained, train
from napari_bioseg.engine.device_intensity import (
    DeviceIntensities,
    change_on_device,
    changes_on_device,
    without_intensities,
)
from napari_bioseg.engine.feed import Feeder
from napari_bioseg.engine.intensity import (
    apply_intensity_changes,
    draw_intensity_changes,
)
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.settings import AugmentSettings

CPU = torch.device("cpu")
STILL = AugmentSettings(
    flips=False, rotations=False, brightness=0, contrast=0, noise=0, chance=1
)
EVERYTHING = {
    "brightness": 0.5, "contrast": 0.5, "blur": 3.0, "gamma": 1.0, "cutout": 0.5,
    "channel_dropout": 0.5, "missing_sections": 0.5,
}  # fmt: skip


def both(settings, size=(2, 9, 24, 20), seed=0):
    """Return an image changed by numpy and by torch, with the same numbers drawn."""
    image = np.random.default_rng(1).random(size, np.float32) * 3 - 1
    changes = draw_intensity_changes(
        size,
        settings,
        np.random.default_rng(seed),
        spread=np.array([1.0, 2.0], np.float32)[: size[0]],
        spacing=(2.0, 1.0, 1.0)[-len(size) + 1 :],
    )
    one = apply_intensity_changes(image, changes, np.random.default_rng(seed))
    generator = torch.Generator().manual_seed(seed)
    two = change_on_device(torch.from_numpy(image), changes, generator).numpy()
    return image, one, two


@pytest.mark.parametrize("size", [(2, 9, 24, 20), (2, 24, 20), (1, 7, 5)])
@pytest.mark.parametrize("names", [[name] for name in EVERYTHING] + [list(EVERYTHING)])
def test_torch_changes_what_numpy_does(names, size):
    settings = STILL.replace(**{name: EVERYTHING[name] for name in names})
    differs = False
    for seed in range(5):
        image, one, two = both(settings, size, seed)
        np.testing.assert_allclose(two, one, atol=2e-5)
        differs |= not np.allclose(two, image)
    idle = {"channel_dropout": size[0] == 1, "missing_sections": len(size) == 3}
    assert differs != idle.get(names[0], False)


def test_a_blur_wider_than_the_image_is_mirrored_again():
    settings = STILL.replace(blur=10.0)
    for seed in range(5):
        _, one, two = both(settings, (1, 4, 30), seed)
        np.testing.assert_allclose(two, one, atol=2e-5)


@pytest.mark.parametrize("allowed", [True, False])
def test_blurring_is_exact_and_leaves_the_choice_of_numbers_alone(monkeypatch, allowed):
    cudnn, seen = torch.backends.cudnn, []
    convolve = torch.nn.functional.conv1d

    def watched(*args):
        seen.append(cudnn.allow_tf32)
        return convolve(*args)

    monkeypatch.setattr(torch.nn.functional, "conv1d", watched)
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    with cudnn.flags(
        enabled=True, benchmark=True, deterministic=True, allow_tf32=allowed
    ):
        before = [getattr(cudnn, name) for name in names]
        _, one, two = both(STILL.replace(blur=3.0))
        np.testing.assert_allclose(two, one, atol=2e-5)
        assert seen
        assert not any(seen)
        assert [getattr(cudnn, name) for name in names] == before

        def fails(*_):
            raise torch.OutOfMemoryError("CUDA out of memory")

        monkeypatch.setattr(torch.nn.functional, "conv1d", fails)
        with pytest.raises(torch.OutOfMemoryError):
            both(STILL.replace(blur=3.0))
        assert [getattr(cudnn, name) for name in names] == before


def test_a_constant_channel_stays_finite():
    changes = draw_intensity_changes(
        (1, 8, 8), STILL.replace(gamma=1.0), np.random.default_rng(0),
        spread=np.ones(1, np.float32),
    )  # fmt: skip
    image = torch.full((1, 8, 8), 3.0)
    assert torch.equal(change_on_device(image, changes, torch.Generator()), image)


def test_noise_is_as_strong_as_numpys():
    settings = STILL.replace(noise=0.5)
    for seed in range(4):
        image, one, two = both(settings, (2, 128, 128), seed)
        assert not np.array_equal(one, two)
        mine, theirs = ((x - image).std(axis=(1, 2)) for x in (two, one))
        np.testing.assert_allclose(mine, theirs, rtol=0.03)
        assert mine[1] == pytest.approx(2 * mine[0], rel=0.05)


def test_nothing_switched_on_changes_nothing():
    image, one, two = both(STILL)
    assert np.array_equal(one, image)
    assert np.array_equal(two, image)


def test_automatic_is_wherever_training_is_not_on_the_processor():
    settings = AugmentSettings()
    found = {name: changes_on_device(settings, torch.device(name)) for name in
             ("cpu", "cuda", "mps")}  # fmt: skip
    assert found == {"cpu": False, "cuda": True, "mps": True}
    assert changes_on_device(settings.replace(on_gpu="on"), CPU)
    assert not changes_on_device(settings.replace(on_gpu="off"), torch.device("cuda"))


def test_patches_are_moved_like_before_and_their_targets_are_the_same(disks, tiny):
    shape = AugmentSettings(turn=180, zoom=0.3, chance=1, on_gpu="on")
    task = tiny.task.replace(channels="BCD")
    plan = make_plan([disks()], tiny.replace(augment=shape, task=task))
    moved = Feeder(without_intensities(plan))
    changed = DeviceIntensities(plan, CPU).change(moved.batch(1, 0), moved, 1, 0)
    plain = Feeder(plan).batch(1, 0)
    for (image, targets), (other, same) in zip(changed, plain, strict=True):
        assert np.array_equal(targets.numpy(), same, equal_nan=True)
        assert image.shape == other.shape
        assert not np.array_equal(image.numpy(), other)
    again = DeviceIntensities(plan, CPU).change(moved.batch(1, 0), moved, 1, 0)
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(changed, again, strict=True))
    later = DeviceIntensities(plan, CPU).change(moved.batch(1, 1), moved, 1, 1)
    assert not torch.equal(later[0][0], changed[0][0])


def test_processes_change_their_own_patches_as_one_would(disks, tiny):
    plan = make_plan([disks()], tiny)
    still = without_intensities(plan)
    whole = Feeder(still)
    images = [i for i, _ in DeviceIntensities(plan, CPU).change(
        whole.batch(1, 1), whole, 1, 1)]  # fmt: skip
    for number in (0, 1):
        part = Feeder(still, (number, 2))
        ((image, _),) = DeviceIntensities(plan, CPU).change(
            part.batch(1, 1), part, 1, 1
        )
        assert torch.equal(image, images[number])


@pytest.mark.parametrize("accumulation", [1, 2])
def test_training_learns_and_goes_on_bit_for_bit(disks, tiny, tmp_path, accumulation):
    augment = AugmentSettings(blur=1.0, gamma=0.5, cutout=0.2, on_gpu="on")
    settings = tiny.train.replace(
        epochs=3, steps=10, batch_size=2, learning_rate=0.01, accumulation=accumulation
    )
    workflow = tiny.replace(augment=augment, train=settings)
    pairs = [disks(), disks(seed=1)]

    def told(events):
        return [e.loss for e in events if isinstance(e, StepDone)]

    whole = list(train(pairs, workflow))
    losses = told(whole)
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    events = train(pairs, workflow, folder=tmp_path)
    for event in events:
        if isinstance(event, EpochDone):
            break
    events.close()
    rest = list(train(pairs, workflow, folder=tmp_path, resume=True))
    assert told(rest) == losses[10:]
    assert isinstance(rest[-1], Trained)
    other = augment.replace(on_gpu="off")
    assert told(train(pairs, workflow.replace(augment=other))) != losses


def test_memory_that_runs_out_ends_no_training(monkeypatch, disks, tiny):
    plan = make_plan([disks()], tiny)
    change = DeviceIntensities._changed
    tried = []

    def small(self, *args):
        tried.append(self._device.type)
        if self._device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return change(self, *args)

    monkeypatch.setattr(DeviceIntensities, "_changed", small)
    changing = DeviceIntensities(plan, torch.device("meta"))
    feeder = Feeder(without_intensities(plan))
    for step in range(2):
        drawn = feeder.batch(1, step)
        assert len(changing.change(drawn, feeder, 1, step)) == len(drawn)
    assert tried == ["meta", "cpu", "cpu"]
