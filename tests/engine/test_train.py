from __future__ import annotations

import gc
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from napari_bioseg.channels import encode
from napari_bioseg.engine import (
    EpochDone,
    Model,
    Pair,
    Started,
    StepDone,
    Trained,
    clock,
    predict_array,
    train,
)
from napari_bioseg.engine.step import Stepped, Stepper
from napari_bioseg.settings import (
    AugmentSettings,
    DataSettings,
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    TrainedOn,
    TrainSettings,
    Workflow,
)


def names(events) -> list[str]:
    return [type(event).__name__ for event in events]


def same_weights(first: Model, second: Model) -> bool:
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


def test_events_come_in_order(disks, tiny):
    events = list(train([disks(seed=0), disks(seed=1), disks(seed=2)], tiny))
    epoch = ["StepDone"] * 3 + ["EpochDone"]
    assert names(events) == ["Started", *epoch, *epoch, "Trained"]
    started = events[0]
    assert isinstance(started, Started)
    assert (started.training, started.validation) == (2, 1)
    assert (started.patch, started.batch_size, started.steps) == ((32, 32), 2, 3)
    assert (started.device, started.epochs, started.first_epoch) == ("cpu", 2, 1)
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [(s.epoch, s.step, s.steps) for s in steps] == [
        (epoch, step, 3) for epoch in (1, 2) for step in (1, 2, 3)
    ]
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [e.epoch for e in epochs] == [1, 2]
    assert epochs[0].train_loss == pytest.approx(np.mean([s.loss for s in steps[:3]]))
    assert set(epochs[0].metrics) == {"IoU", "IoU B", "IoU C"}
    assert epochs[0].seconds < epochs[1].seconds
    assert epochs[1].seconds_left == 0
    trained = events[-1]
    assert isinstance(trained, Trained)
    assert (trained.reason, trained.epochs) == ("finished", 2)
    assert trained.score == min(e.validation_loss for e in epochs)
    facts = trained.model.workflow.trained
    assert (facts.dimensions, facts.in_channels, facts.patch) == (2, 1, (32, 32))
    assert (facts.images, facts.epochs, facts.best_epoch) == (3, 2, trained.best_epoch)
    assert facts.digest
    assert facts.version


def learn(pairs, task, **values) -> Trained:
    workflow = Workflow(
        task=task,
        network=NetworkSettings(features=8, depth=2),
        augment=AugmentSettings(noise=0.01),
        data=DataSettings(**{"patch": (64, 64), "validation": 0.2}),
        train=TrainSettings(
            **{"epochs": 4, "steps": 15, "batch_size": 4, "learning_rate": 0.01,
               "device": "cpu", **values}
        ),
    )  # fmt: skip
    *_, last = train(pairs, workflow)
    return last


def test_learns_disks(disks):
    trained = learn([disks(seed=seed) for seed in range(4)], InstanceTask())
    new = disks(seed=9)
    found = predict_array(new.image[None], trained.model)[0] > 0.5
    wanted = encode(new.labels, "BC")[0] > 0
    overlap = (found & wanted).sum() / (found | wanted).sum()
    assert overlap > 0.85
    flat = predict_array(new.image[None], Model.create(trained.model.workflow))[0] > 0.5
    assert (flat & wanted).sum() / (flat | wanted).sum() < 0.5  # before: nothing


def test_learns_classes(disks):
    def classes(seed):
        pair = disks(seed=seed)
        labels = np.where(pair.labels > 3, 2, pair.labels > 0).astype(np.uint8)
        image = np.random.default_rng(seed).normal(0, 5, labels.shape) + 60 * labels
        return Pair(np.stack([image, -image]), labels)

    trained = learn([classes(seed) for seed in range(4)], SemanticTask(classes=3))
    new = classes(9)
    found = predict_array(new.image, trained.model).argmax(axis=0)
    assert (found == new.labels).mean() > 0.95


@pytest.mark.parametrize("channels", ["BCD", "BP", "Dv2", "FC", "BCM"])
def test_every_configuration_trains(disks, tiny, channels):
    workflow = tiny.replace(task=InstanceTask(channels=channels))
    *_, epoch, trained = train([disks(), disks(seed=1)], workflow)
    assert np.isfinite(epoch.validation_loss)
    assert trained.model.outputs == workflow.outputs
    for name in workflow.outputs:
        kind = "error" if name.startswith("D") else "IoU"
        assert f"{kind} {name}" in epoch.metrics


@pytest.mark.parametrize("spacing", [None, (3.0, 1.0, 1.0)])
def test_volumes_train(disks, tiny, spacing):
    made = disks(size=(17, 40, 40))
    pair = Pair(made.image, made.labels, spacing=spacing)
    workflow = tiny.replace(
        data=DataSettings(patch=(8, 16, 16)), task=InstanceTask(channels="BCD")
    )
    *_, trained = train([pair, pair], workflow)
    assert trained.model.workflow.trained.spacing == (spacing or (1.0, 1.0, 1.0))
    assert predict_array(made.image[None], trained.model).shape == (3, 17, 40, 40)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_one_image_is_enough(disks, tiny, share):
    workflow = tiny.replace(data=tiny.data.replace(validation=share))
    events = list(train([disks(size=(64, 100), count=9)], workflow))
    started, epoch, trained = events[0], events[-2], events[-1]
    assert (started.training, started.validation) == (1, int(share > 0))
    assert np.isfinite(epoch.validation_loss) == (share > 0)
    assert (trained.score is None) == (share == 0)
    assert trained.best_epoch == (2 if share == 0 else trained.best_epoch)
    assert any("validation" in note for note in started.notes)


def test_images_smaller_than_the_patch_are_used_and_it_is_said(disks, tiny):
    pairs = [disks(size=(20, 24), count=2), disks(size=(70, 40), seed=1)]
    started = next(train(pairs, tiny))
    assert any("mirrored" in note for note in started.notes)
    list(train(pairs, tiny))


def test_a_patch_that_does_not_fit_the_depth_is_rounded_up(disks, tiny):
    workflow = tiny.replace(data=tiny.data.replace(patch=(30, 33)))
    started = next(train([disks(), disks(seed=1)], workflow))
    assert started.patch == (32, 36)
    assert any("32 × 36 px instead of 30 × 33" in note for note in started.notes)


def test_same_seed_same_model(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    runs = [list(train(pairs, tiny))[-1].model for _ in range(2)]
    assert same_weights(*runs)
    other = tiny.replace(train=tiny.train.replace(seed=1))
    assert not same_weights(runs[0], list(train(pairs, other))[-1].model)


def test_the_live_model_can_predict_between_events(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    quiet = list(train(pairs, tiny))[-1]
    events = train(pairs, tiny)
    started = next(events)
    previews = []
    for event in events:
        if isinstance(event, StepDone):
            previews.append(predict_array(pairs[0].image[None], started.model))
    assert not np.array_equal(previews[0], previews[-1])
    assert same_weights(event.model, quiet.model)  # looking changes nothing


def test_stop_returns_the_best_so_far(disks, tiny):
    events = train([disks(), disks(seed=1)], tiny)
    best = None
    for event in events:
        if isinstance(event, EpochDone):
            best = event
            break
    trained = events.send("stop")
    assert isinstance(trained, Trained)
    assert (trained.reason, trained.epochs, trained.best_epoch) == ("stopped", 1, 1)
    assert trained.score == best.validation_loss
    assert list(events) == []


def test_stop_in_the_first_epoch_returns_what_there_is(disks, tiny):
    events = train([disks(), disks(seed=1)], tiny)
    started = next(events)
    next(events)
    trained = events.send("stop")
    assert (trained.reason, trained.best_epoch, trained.score) == ("stopped", 0, None)
    assert same_weights(trained.model, started.model)


def test_other_messages_are_refused(disks, tiny):
    events = train([disks(), disks(seed=1)], tiny)
    next(events)
    with pytest.raises(ValueError, match=r"understands send\('stop'\).*'pause'"):
        events.send("pause")


def test_close_ends_at_once(disks, tiny):
    events = train([disks(), disks(seed=1)], tiny)
    next(events)
    next(events)
    events.close()
    assert list(events) == []
    gc.collect()


def test_patience_ends_training(disks, tiny):
    workflow = tiny.replace(
        train=tiny.train.replace(epochs=50, patience=2, learning_rate=1e-7)
    )
    pairs = [disks(), disks(seed=1)]
    # a learning rate of nearly 0 cannot improve on the first epochs for long
    workflow = workflow.replace(train=workflow.train.replace(steps=1, schedule="none"))
    *_, trained = train(pairs, workflow)
    assert trained.reason == "patience"
    assert trained.epochs == trained.best_epoch + 2
    assert trained.epochs < 50


def test_minutes_end_training_and_the_schedule_follows(disks, tiny, monkeypatch):
    ticks = itertools.count(0, 0.005)  # a clock of its own, however busy the machine is
    watch = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr(clock, "time", watch)
    settings = tiny.train.replace(epochs=10_000, minutes=0.03, patience=0)
    events = list(train([disks(), disks(seed=1)], tiny.replace(train=settings)))
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert events[-1].reason == "time"
    assert epochs[-1].seconds == pytest.approx(1.8, abs=0.5)
    assert epochs[-1].seconds_left == pytest.approx(0, abs=0.5)
    assert epochs[-1].learning_rate < 0.1 * max(e.learning_rate for e in epochs)


class Poison:
    """An image that turns bad when told to."""

    def __init__(self, image):
        self.image, self.good = image, True
        self.shape, self.dtype = image.shape, image.dtype

    def __getitem__(self, index):
        return self.image[index] if self.good else self.image[index] * np.float32(1e30)


def test_a_validation_loss_that_becomes_infinite_ends_with_advice(
    disks, tiny, tmp_path
):
    judged = disks(seed=1)
    image = Poison(judged.image.astype(np.float32))
    pairs = [disks(), Pair(image, judged.labels, role="validation")]
    # squared distances of 1e30 are infinite
    workflow = tiny.replace(
        task=InstanceTask(channels=[{"name": "D", "scale": "none", "loss": "mse"}]),
        network=tiny.network.replace(normalization="none"),
        train=tiny.train.replace(epochs=4, monitor="training loss", optimizer="sgd"),
    )
    epochs = []
    for event in train(pairs, workflow, folder=tmp_path):
        if isinstance(event, EpochDone):
            image.good = False
            epochs.append(event)
    assert [np.isfinite(event.validation_loss) for event in epochs] == [True, False]
    assert [event.best for event in epochs] == [True, False]
    assert (event.reason, event.best_epoch) == ("diverged", 1)
    assert "learning_rate" in event.message
    image.good = True
    again = next(train(pairs, workflow, folder=tmp_path, resume=True))
    assert again.first_epoch == 2  # the bad one is done again


def test_what_is_shown_is_what_is_judged(disks, tiny, tmp_path):
    settings = tiny.train.replace(averaging=0.9, learning_rate=0.01, epochs=3)
    pairs = [disks(), disks(seed=1)]
    seen = []
    for event in train(pairs, tiny.replace(train=settings), folder=tmp_path):
        if isinstance(event, Started):
            live = event.model
        elif isinstance(event, StepDone):
            seen.append(live.state_dict()["head.weight"].clone())
        elif isinstance(event, EpochDone) and event.best:
            kept = load_file(tmp_path / "weights.safetensors")
            for name, tensor in live.state_dict().items():
                assert torch.equal(tensor, kept[name]), name
    assert len(seen) == 9
    assert all(not torch.equal(*two) for two in itertools.pairwise(seen))


def test_nonsense_that_diverges_ends_with_advice(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    images = [Poison(pair.image.astype(np.float32)) for pair in pairs]
    pairs = [Pair(i, p.labels) for i, p in zip(images, pairs, strict=True)]
    # squared distances of 1e30 are infinite
    workflow = tiny.replace(
        task=InstanceTask(channels=[{"name": "D", "scale": "none", "loss": "mse"}]),
        network=tiny.network.replace(normalization="none"),
    )
    events = train(pairs, workflow)
    for event in events:
        if isinstance(event, EpochDone):
            for image in images:
                image.good = False
            break
    trained = list(events)[-1]
    assert (trained.reason, trained.best_epoch) == ("diverged", 1)
    assert "learning_rate" in trained.message
    assert np.isfinite(predict_array(pairs[0].image.image[None], trained.model)).all()

    for image in images:
        image.good = True
    events = train(pairs, workflow)
    next(events)
    for image in images:
        image.good = False
    with pytest.raises(ValueError, match="first epoch: the loss became infinite"):
        list(events)


def test_training_more_starts_from_a_model(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    first = list(train(pairs, tiny))[-1].model
    started = next(train(pairs, tiny, start=first))
    assert same_weights(started.model, first)
    other = tiny.replace(network=tiny.network.replace(features=8))
    with pytest.raises(ValueError, match="belong to another network"):
        next(train(pairs, other, start=first))


def test_an_epoch_without_a_finite_loss_is_never_the_best(disks, tiny, monkeypatch):
    # as in float16 while the scaler still looks for its scale
    takes = Stepper.step
    taken: list[int] = []

    def step(self, *args):
        taken.append(len(taken))
        return takes(self, *args) if len(taken) > 3 else Stepped(float("inf"))

    monkeypatch.setattr(Stepper, "step", step)
    monkeypatch.setattr(Stepper, "may_recover", True)
    workflow = tiny.replace(train=tiny.train.replace(monitor="training loss"))
    events = list(train([disks(), disks(seed=1)], workflow))
    first, second = (event for event in events if isinstance(event, EpochDone))
    assert np.isnan(first.train_loss)
    assert (first.best, second.best) == (False, True)
    assert events[-1].score == second.train_loss


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {"patch": (64, 32)}}, r"patches of \(32, 32\).*set data\.patch to"),
        ({"task": {"channels": "BCD"}}, "the outputs: B C, but it is B C D now"),
    ],
)
def test_a_model_to_start_from_that_does_not_fit_is_said(disks, tiny, changes, said):
    pairs = [disks(), disks(seed=1)]
    unetr = tiny.replace(network=NetworkSettings(architecture="unetr_mini", features=4))
    facts = TrainedOn(patch=(32, 32))
    start = Model.create(unetr.replace(trained=facts))
    for section, values in changes.items():
        unetr = unetr.replace(**{section: getattr(unetr, section).replace(**values)})
    with pytest.raises(ValueError, match=said):
        next(train(pairs, unetr, start=start))


def test_a_model_to_start_from_takes_as_many_image_channels(disks, tiny):
    pair = disks()
    two = Pair(np.stack([pair.image, pair.image]), pair.labels)
    start = Model.create(tiny.replace(trained=TrainedOn()))
    with pytest.raises(ValueError, match="so many image channels: 1, but it is 2 now"):
        next(train([two], tiny, start=start))


@pytest.mark.parametrize("schedule", ["warmup_cosine", "cosine", "one_cycle"])
def test_every_step_learns_the_last_one_too(disks, tiny, schedule):
    settings = tiny.train.replace(epochs=1, steps=2, schedule=schedule)
    events = list(train([disks(), disks(seed=1)], tiny.replace(train=settings)))
    rates = [e.learning_rate for e in events if isinstance(e, StepDone)]
    assert min(rates) > 0.005 * settings.learning_rate
