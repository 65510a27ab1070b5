"""A process that is killed in the middle of an epoch loses nothing but that epoch."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import torch

from napari_bioseg.engine import EpochDone, Pair, StepDone, train
from napari_bioseg.engine.checkpoint import STATE_FILE
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import (
    DataSettings,
    NetworkSettings,
    TrainSettings,
    Workflow,
)

KINDS = {
    "adamw, warm-up, averaged": {"averaging": 0.9},
    "adam, one cycle, in parts": {
        "optimizer": "adam", "schedule": "one_cycle", "accumulation": 2,
    },
    "sgd, cosine, bfloat16": {
        "optimizer": "sgd", "schedule": "cosine", "precision": "bfloat16",
    },
    "sgd without momentum, plateau, checkpoints": {
        "optimizer": {"kind": "sgd", "momentum": 0.0},
        "schedule": {"kind": "plateau", "wait": 1},
        "learning_rate": 1e-6,
        "checkpoints": 2,
        "monitor": "IoU C",
        "averaging": 0.8,
        "accumulation": 2,
    },
}  # fmt: skip

SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
from test_kill import KINDS, job
from napari_bioseg.engine import StepDone, train
runs = []
for number, kind in enumerate(KINDS):
    events = train(*job(kind), folder=Path(sys.argv[2]) / str(number))
    runs.append(events)
    for event in events:
        if isinstance(event, StepDone) and (event.epoch, event.step) == (2, 2):
            break
print("in the middle", flush=True)
while True:
    for events in runs:
        next(events, None)  # goes on writing files until it is killed
"""


def job(kind: str) -> tuple[list[Pair], Workflow]:
    pairs = [Pair(*touching_cells_2d(72, seed=seed)) for seed in range(3)]
    settings = {"epochs": 40, "steps": 3, "batch_size": 4, "device": "cpu"}
    return pairs, Workflow(
        network=NetworkSettings(features=4, depth=1, dropout=0.2),
        data=DataSettings(patch=(24, 24), validation=0.3),
        train=TrainSettings(**{**settings, **KINDS[kind]}),
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of trainings, one per kind, whose process was killed."""
    folder = tmp_path_factory.mktemp("killed")
    here = __file__.rpartition("/")[0]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SCRIPT, here, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "in the middle\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_goes_on_as_if_nothing_had_been(killed, kind):
    folder = killed / str(list(KINDS).index(kind))
    assert (folder / STATE_FILE).exists()
    pairs, workflow = job(kind)
    resumed = train(pairs, workflow, folder=folder, resume=True)
    started = next(resumed)
    assert not [note for note in started.notes if "up to rounding" in note]
    first = started.first_epoch
    assert first >= 2
    last = first + 2
    whole = until(train(pairs, workflow), last)
    rest = until(resumed, last)
    count = len(rest["losses"])
    assert count >= 6
    assert rest["losses"] == whole["losses"][-count:]
    assert rest["rates"] == whole["rates"][-count:]
    one, two = whole["trained"], rest["trained"]
    assert (one.best_epoch, one.score) == (two.best_epoch, two.score)
    theirs = two.model.state_dict()
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name
    assert one.model.workflow == two.model.workflow


def until(events, last: int) -> dict:
    """Train up to the end of an epoch; note every loss and learning rate."""
    losses, rates = [], []
    for event in events:
        if isinstance(event, StepDone):
            losses.append(event.loss)
            rates.append(event.learning_rate)
        if isinstance(event, EpochDone):
            losses += [event.train_loss, event.validation_loss, event.score]
            rates += [event.learning_rate] * 3
            if event.epoch == last:
                trained = events.send("stop")
                return {"losses": losses, "rates": rates, "trained": trained}
    raise AssertionError(f"training ended before epoch {last}")
