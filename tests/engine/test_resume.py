from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from napari_bioseg.engine import EpochDone, StepDone, Trained, train
from napari_bioseg.engine.checkpoint import STATE_FILE
from napari_bioseg.settings import TrainSettings, Workflow


@pytest.fixture
def job(disks, tiny):
    workflow = tiny.replace(
        network=tiny.network.replace(dropout=0.2),
        train=TrainSettings(epochs=4, steps=3, batch_size=2, device="cpu"),
    )
    return [disks(), disks(seed=1), disks(seed=2)], workflow


def losses(events) -> list[float]:
    return [
        event.loss if isinstance(event, StepDone) else event.validation_loss
        for event in events
        if isinstance(event, StepDone | EpochDone)
    ]


def interrupt(pairs, workflow, folder, epochs: int, steps: int) -> None:
    events = train(pairs, workflow, folder=folder)
    for event in events:
        if isinstance(event, StepDone) and (event.epoch, event.step) == (epochs, steps):
            break
    events.close()


@pytest.mark.parametrize("where", [(2, 1), (3, 3)])
def test_resumed_equals_uninterrupted(job, tmp_path, where):
    pairs, workflow = job
    whole = list(train(pairs, workflow))
    interrupt(pairs, workflow, tmp_path, *where)
    rest = list(train(pairs, workflow, folder=tmp_path, resume=True))
    first = where[0] - 1  # the interrupted epoch is done again from its start
    assert rest[0].first_epoch == first + 1
    assert losses(rest) == losses(whole)[4 * first :]
    one, two = whole[-1], rest[-1]
    assert (one.best_epoch, one.score, one.epochs) == (
        two.best_epoch, two.score, two.epochs,
    )  # fmt: skip
    weights = two.model.state_dict()
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_the_best_so_far_is_on_disk(job, tmp_path):
    from safetensors.torch import load_file

    pairs, workflow = job
    events = train(pairs, workflow, folder=tmp_path)
    best = {}
    for event in events:
        if isinstance(event, EpochDone) and event.epoch == 3:
            break
    trained = events.send("stop")
    best = load_file(tmp_path / "weights.safetensors")
    for name, tensor in trained.model.state_dict().items():
        assert torch.equal(tensor, best[name])
    saved = Workflow.from_yaml(tmp_path / "workflow.yaml")
    assert saved.trained.best_epoch == trained.best_epoch
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_more_epochs_can_be_added(job, tmp_path):
    pairs, workflow = job
    list(train(pairs, workflow, folder=tmp_path))
    nothing = list(train(pairs, workflow, folder=tmp_path, resume=True))
    assert [type(event).__name__ for event in nothing] == ["Started", "Trained"]
    longer = workflow.replace(train=workflow.train.replace(epochs=5))
    more = list(train(pairs, longer, folder=tmp_path, resume=True))
    assert [e.epoch for e in more if isinstance(e, EpochDone)] == [5]


def test_changed_data_are_noted(job, disks, tmp_path):
    pairs, workflow = job
    interrupt(pairs, workflow, tmp_path, 2, 1)
    events = train([*pairs[:2], disks(seed=7)], workflow, folder=tmp_path, resume=True)
    assert any("data have changed" in note for note in next(events).notes)


def test_other_sums_are_noted(job, tmp_path):
    pairs, workflow = job
    interrupt(pairs, workflow, tmp_path, 2, 1)
    same = next(train(pairs, workflow, folder=tmp_path, resume=True))
    assert not any("up to rounding" in note for note in same.notes)
    torch.set_num_threads(2)
    other = next(train(pairs, workflow, folder=tmp_path, resume=True))
    assert any("threads 2 instead of 1" in note for note in other.notes)


def test_another_job_is_refused(job, tmp_path):
    pairs, workflow = job
    interrupt(pairs, workflow, tmp_path, 2, 1)
    other = workflow.replace(train=workflow.train.replace(batch_size=3))
    with pytest.raises(
        ValueError, match=r"cannot resume: train\.batch_size was 2 and is 3"
    ):
        next(train(pairs, other, folder=tmp_path, resume=True))
    other = workflow.replace(network=workflow.network.replace(features=8))
    with pytest.raises(
        ValueError, match=r"cannot resume: network\.features was 4 and is 8"
    ):
        next(train(pairs, other, folder=tmp_path, resume=True))


def test_nothing_to_resume_is_said(job, tmp_path):
    pairs, workflow = job
    with pytest.raises(ValueError, match="no interrupted training in"):
        next(train(pairs, workflow, folder=tmp_path, resume=True))
    with pytest.raises(ValueError, match="resume=True needs the folder"):
        next(train(pairs, workflow, resume=True))


@pytest.mark.parametrize("damage", ["cut", "foreign", "newer"])
def test_a_damaged_state_is_said(job, tmp_path, damage):
    from safetensors.torch import save_file

    pairs, workflow = job
    interrupt(pairs, workflow, tmp_path, 2, 1)
    path = tmp_path / STATE_FILE
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    elif damage == "foreign":
        save_file({"a": torch.zeros(2)}, path, metadata={"format": "1"})
    else:
        save_file({"a": torch.zeros(2)}, path, metadata={"format": "2"})
    message = "has format '2', this version reads" if damage == "newer" else "damaged"
    with pytest.raises(ValueError, match=message):
        next(train(pairs, workflow, folder=tmp_path, resume=True))


def test_a_folder_that_cannot_be_written_is_said_before_training(job, tmp_path):
    pairs, workflow = job
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(ValueError, match="cannot write to the folder"):
        next(train(pairs, workflow, folder=file))


def test_a_disk_that_fills_up_loses_nothing(job, tmp_path, monkeypatch):
    pairs, workflow = job
    events = train(pairs, workflow, folder=tmp_path)
    next(events)

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    rest = list(events)
    trained = rest[-1]
    assert isinstance(trained, Trained)
    assert trained.reason == "finished"
    assert "No space left on device" in trained.message
    warnings = [event.warning for event in rest if isinstance(event, EpochDone)]
    assert all("No space left" in warning for warning in warnings)
    assert list(tmp_path.iterdir()) == []  # nothing half-written either


def test_a_new_training_forgets_the_state_of_an_earlier_one(job, tmp_path):
    pairs, workflow = job
    interrupt(pairs, workflow, tmp_path, 2, 1)
    assert (tmp_path / STATE_FILE).exists()
    interrupt(pairs, workflow, tmp_path, 1, 2)  # ends before its first epoch does
    with pytest.raises(ValueError, match="there is no interrupted training"):
        next(train(pairs, workflow, folder=tmp_path, resume=True))


def test_a_training_that_cannot_begin_leaves_the_earlier_state(job, tmp_path):
    pairs, workflow = job
    interrupt(pairs, workflow, tmp_path, 2, 1)
    wrong = workflow.replace(train=workflow.train.replace(monitor="beauty"))
    with pytest.raises(ValueError, match="beauty"):
        next(train(pairs, wrong, folder=tmp_path))
    assert next(train(pairs, workflow, folder=tmp_path, resume=True)).first_epoch == 2
