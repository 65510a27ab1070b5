"""What training does when memory runs out, and which epochs it keeps."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_bioseg.engine import (
    EpochDone,
    Model,
    Pair,
    StepDone,
    Trained,
    fit_validation,
    train,
)
from napari_bioseg.engine.loss import Loss
from napari_bioseg.engine.monitor import check_monitor, is_better
from napari_bioseg.engine.networks.encoder_decoder import EncoderDecoder
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.precision import make_scaler
from napari_bioseg.engine.step import Stepper
from napari_bioseg.engine.validate import validate
from napari_bioseg.io import open_model
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import Binary, InstanceTask, SemanticTask, TrainSettings


def losses(events) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepDone)]


def full_from(monkeypatch, step: int, most: int) -> list[int]:
    """Let memory hold only so many patches at once from one forward pass on."""
    sizes: list[int] = []
    network = Stepper._network

    def forward(self, images):
        sizes.append(len(images))
        if len(sizes) > step and len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return network(self, images)

    monkeypatch.setattr(Stepper, "_network", forward)
    return sizes


@pytest.fixture
def roomy(disks, tiny):
    """Three images, batches of 4, and a norm that sees each patch on its own."""
    workflow = tiny.replace(
        network=tiny.network.replace(normalization="instance"),
        train=tiny.train.replace(batch_size=4, precision="float32"),
    )
    return [disks(), disks(seed=1), disks(seed=2)], workflow


def test_a_batch_that_does_not_fit_is_halved_and_learned_from_all_the_same(
    roomy, monkeypatch
):
    pairs, workflow = roomy
    whole = list(train(pairs, workflow))
    sizes = full_from(monkeypatch, step=4, most=1)
    events = list(train(pairs, workflow))
    assert sizes[:4] == [4, 4, 4, 4]
    assert sizes[4:] == [4, 2, *[1] * 8]  # tried, halved twice, then a patch at a time
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [bool(event.warning) for event in steps] == [False] * 4 + [True, False]
    assert "memory ran out: 1 of the 4 patches" in steps[4].warning
    # the same patches in the same order, and the step of the whole batch
    assert losses(events) == pytest.approx(losses(whole), rel=1e-4)
    assert isinstance(events[-1], Trained)


def test_memory_that_is_full_goes_on_halved_when_resumed(roomy, monkeypatch, tmp_path):
    pairs, workflow = roomy
    with monkeypatch.context() as full:
        full_from(full, step=0, most=2)
        events = train(pairs, workflow, folder=tmp_path)
        for event in events:
            if isinstance(event, EpochDone):
                break
        events.close()
    sizes = full_from(monkeypatch, step=100, most=2)
    list(train(pairs, workflow, folder=tmp_path, resume=True))
    assert set(sizes) == {2}


def test_not_even_one_patch_is_said(roomy, monkeypatch):
    full_from(monkeypatch, step=0, most=0)
    with pytest.raises(MemoryError, match=r"not even one patch fits.*data\.patch"):
        list(train(*roomy))


def test_other_errors_are_not_taken_for_full_memory(roomy, monkeypatch):
    def broken(self, images):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Stepper, "_network", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(train(*roomy))


@pytest.mark.parametrize(
    "task",
    [
        InstanceTask(channels="BCD"),
        InstanceTask(channels=[Binary(positive_weight="auto", loss="dice_bce")]),
        SemanticTask(classes=3, class_weights=("auto",)),  # dice_ce
    ],
)
def test_parts_of_a_batch_add_up_to_the_whole(roomy, task):
    pairs, workflow = roomy
    if isinstance(task, SemanticTask):
        pairs = [Pair(p.image, np.minimum(p.labels, 2)) for p in pairs]
    settings = workflow.train.replace(optimizer="sgd", learning_rate=0.1)
    workflow = workflow.replace(task=task, train=settings)
    parts = workflow.replace(train=settings.replace(accumulation=4))
    whole, split = (list(train(pairs, w)) for w in (workflow, parts))
    assert losses(split) == pytest.approx(losses(whole), rel=1e-5)
    judged, same = (
        [event.validation_loss for event in events if isinstance(event, EpochDone)]
        for events in (whole, split)
    )
    assert same == pytest.approx(judged, rel=1e-5)
    # the gradients too, or the networks would have learned something else
    for one, two in zip(
        whole[-1].model.state_dict().values(),
        split[-1].model.state_dict().values(),
        strict=True,
    ):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("monitor", "best"),
    [("validation loss", min), ("IoU C", max), ("training loss", min)],
)  # fmt: skip
def test_any_quantity_decides_which_epoch_is_the_best(disks, tiny, monitor, best):
    settings = tiny.train.replace(epochs=5, monitor=monitor, learning_rate=0.02)
    events = list(train([disks(), disks(seed=1)], tiny.replace(train=settings)))
    epochs = [event for event in events if isinstance(event, EpochDone)]
    values = {
        "validation loss": [e.validation_loss for e in epochs],
        "training loss": [e.train_loss for e in epochs],
        "IoU C": [e.metrics["IoU C"] for e in epochs],
    }[monitor]
    assert [event.score for event in epochs] == values
    assert events[-1].score == best(values)
    assert events[-1].best_epoch == values.index(best(values)) + 1
    assert events[-1].monitor == monitor


def test_a_quantity_that_is_not_measured_is_said_before_training(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    workflow = tiny.replace(train=tiny.train.replace(monitor="IoU c"))
    with pytest.raises(ValueError, match=r"'IoU c'.*did you mean 'IoU C'\? There are"):
        next(train(pairs, workflow))
    without = tiny.replace(
        data=tiny.data.replace(validation=0), train=tiny.train.replace(monitor="IoU C")
    )
    with pytest.raises(ValueError, match=r"needs validation images.*data\.validation"):
        next(train(pairs, without))
    check_monitor("validation loss", (), validates=False)  # then the last are kept


def test_better_means_larger_or_smaller():
    assert is_better("validation loss", 1.0, 2.0)
    assert is_better("error D", 1.0, 2.0)
    assert is_better("IoU B", 2.0, 1.0)
    assert not is_better("IoU B", math.nan, 1.0)


def test_the_best_epochs_are_kept_as_models(disks, tiny, tmp_path):
    settings = tiny.train.replace(epochs=6, checkpoints=2, learning_rate=0.02)
    workflow = tiny.replace(train=settings)
    pairs = [disks(), disks(seed=1)]
    events = list(train(pairs, workflow, folder=tmp_path))
    scores = {e.epoch: e.score for e in events if isinstance(e, EpochDone)}
    best = sorted(scores, key=scores.__getitem__)[:2]
    folders = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert folders == sorted(
        f"epoch_{epoch:04}_validation_loss_{scores[epoch]:.4g}" for epoch in best
    )
    first = f"epoch_{best[0]:04}_validation_loss_{scores[best[0]]:.4g}"
    kept = open_model(tmp_path / "checkpoints" / first, device="cpu")
    assert kept.workflow.trained.score == scores[best[0]]
    theirs = kept.state_dict()
    for name, tensor in events[-1].model.state_dict().items():
        assert torch.equal(tensor, theirs[name])


def test_the_average_of_the_weights_is_judged_and_kept(disks, tiny, tmp_path):
    pairs = [disks(), disks(seed=1)]
    rough = tiny.train.replace(
        epochs=3, learning_rate=0.05, schedule="none", monitor="training loss"
    )
    plain, averaged = (
        list(train(pairs, tiny.replace(train=settings)))
        for settings in (rough, rough.replace(averaging=0.99))
    )
    assert losses(plain) == losses(averaged)  # the weights that learn are the same
    loss = [e.validation_loss for e in plain if isinstance(e, EpochDone)]
    smooth = [e.validation_loss for e in averaged if isinstance(e, EpochDone)]
    assert loss != smooth
    best = averaged[-1].model.state_dict()
    newest = plain[0].model.state_dict()
    assert not torch.equal(best["head.weight"], newest["head.weight"])


def test_a_plateau_lowers_the_learning_rate(disks, tiny):
    settings = tiny.train.replace(
        epochs=6, steps=1, learning_rate=1e-7, optimizer="sgd", monitor="IoU",
        schedule={"kind": "plateau", "factor": 0.1, "wait": 2},
    )  # fmt: skip
    network = tiny.network.replace(normalization="none")
    workflow = tiny.replace(train=settings, network=network)
    events = train([disks(), disks(seed=1)], workflow)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    waited, rate, rates = 0, 1e-7, []
    for event in epochs:
        rates.append(rate)
        waited = 0 if event.best else waited + 1
        if waited == 2:
            rate, waited = rate * 0.1, 0
    assert [event.learning_rate for event in epochs] == pytest.approx(rates)
    assert rates[-1] < rates[0]


def test_float16_needs_a_gpu():
    settings = TrainSettings(precision="float16")
    with pytest.raises(ValueError, match="always with float32") as told:
        make_scaler(torch.device("cpu"), settings)
    assert "bfloat16" not in str(told.value)  # it would not be used either
    with pytest.raises(ValueError, match=r"on mps here.*'bfloat16'"):
        make_scaler(torch.device("mps"), settings)
    with pytest.raises(ValueError, match=r"float16' needs a CUDA GPU.*on cpu here"):
        make_scaler(torch.device("cpu"), settings)


@pytest.mark.parametrize("clip", [1e-3, "off"])
def test_gradients_are_clipped(disks, tiny, clip):
    settings = tiny.train.replace(
        epochs=1, optimizer={"kind": "sgd", "momentum": 0.0}, schedule="none",
        learning_rate=1.0, weight_decay=0.0, clip_gradients=clip, steps=1,
    )  # fmt: skip
    events = train([disks(), disks(seed=1)], tiny.replace(train=settings))
    model = next(events).model
    weights = dict(model.network.named_parameters())
    before = {name: w.detach().clone() for name, w in weights.items()}
    next(events)
    moved = sum(
        float((w.detach() - before[n]).square().sum()) for n, w in weights.items()
    )
    events.close()
    if clip == "off":
        assert np.sqrt(moved) > 0.01
    else:
        assert np.sqrt(moved) == pytest.approx(clip, rel=0.01)


def full_network(monkeypatch, most: int) -> list[tuple[int, ...]]:
    """Let memory hold only so many pixels, patches included, in judging."""
    shapes: list[tuple[int, ...]] = []
    forward = EncoderDecoder.forward

    def limited(self, x):
        if not self.training:
            shapes.append(tuple(x.shape))
            if x.shape[0] * math.prod(x.shape[2:]) > most:
                raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return forward(self, x)

    monkeypatch.setattr(EncoderDecoder, "forward", limited)
    return shapes


def test_validation_that_does_not_fit_judges_fewer_patches_at_once(roomy, monkeypatch):
    pairs, workflow = roomy
    plan = make_plan(pairs, workflow)
    model = Model.create(plan.workflow)
    assert len(plan.grid) == 4
    with monkeypatch.context() as patched:
        shapes = full_network(patched, most=10**9)
        whole, scores = validate(model, plan, Loss(model))
        assert [shape[0] for shape in shapes] == [4]
    shapes = full_network(monkeypatch, most=1024)
    value, same = validate(model, plan, Loss(model))
    assert [shape[0] for shape in shapes] == [4, 2, 1, 1, 1, 1]
    # nothing is counted twice, neither what was tried in vain
    assert value == pytest.approx(whole, rel=1e-5)
    assert same == pytest.approx(scores, rel=1e-6)


def test_a_class_that_is_nowhere_has_no_score(roomy):
    pairs, workflow = roomy
    pairs = [Pair(p.image, np.minimum(p.labels, 2)) for p in pairs]
    plan = make_plan(pairs, workflow.replace(task=SemanticTask(classes=4)))
    model = Model.create(plan.workflow)
    *_, last = (m for m in model.network.modules() if isinstance(m, torch.nn.Conv2d))
    with torch.no_grad():
        last.bias[3] = -1e9  # nor is it ever found
    _, scores = validate(model, plan, Loss(model))
    assert math.isnan(scores["IoU class 3"])
    rest = [scores[f"IoU class {number}"] for number in range(3)]
    assert scores["IoU"] == pytest.approx(sum(rest) / 3)


def test_validation_for_which_no_memory_suffices_is_said(roomy, monkeypatch):
    full_network(monkeypatch, most=0)
    with pytest.raises(MemoryError, match="not even one patch fits"):
        list(train(*roomy))


def test_a_training_is_not_lost_for_its_thresholds(roomy, monkeypatch):
    pairs, workflow = roomy
    shapes = full_network(monkeypatch, most=128 * 100)
    monkeypatch.setattr(fit_validation, "LEAST_OBJECTS", 1)
    pairs = [replace(pair, role="training") for pair in pairs]
    image, labels = touching_cells_2d(128, seed=1)
    workflow = workflow.replace(train=workflow.train.replace(steps=1))
    judged = Pair(image, labels, role="validation")
    *_, last = train([*pairs, judged], workflow)
    assert isinstance(last, Trained)
    # the whole image, then its halves with what the network looks at around them
    assert shapes[-3][2:] == (128, 128)
    assert shapes[-2][2:] == shapes[-1][2:]
    assert shapes[-1][2] < 100
    full_network(monkeypatch, most=0)
    plan = make_plan([*pairs, judged], workflow)
    model = Model.create(plan.workflow)
    assert fit_validation.fit_to_validation(model, plan, 1.0) == workflow.instances
