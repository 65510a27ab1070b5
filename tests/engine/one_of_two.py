"""What each of two processes does in `test_processes`: it trains, three times."""

from __future__ import annotations

import json
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from napari_bioseg.cli import main
from napari_bioseg.engine import Pair, Started, StepDone, train
from napari_bioseg.engine.processes import Processes
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import (
    DataSettings,
    NetworkSettings,
    SemanticTask,
    TrainSettings,
    Workflow,
)


def job(**settings) -> tuple[list[Pair], Workflow]:
    """Three images of three classes, and settings with the usual loss and norm."""
    pairs = []
    for seed in range(3):
        image, labels = touching_cells_2d(64, seed=seed)
        pairs.append(Pair(image, np.minimum(labels, 2).astype(np.int32)))
    values = {"epochs": 1, "steps": 3, "batch_size": 8, "optimizer": "sgd", **settings}
    return pairs, Workflow(
        task=SemanticTask(classes=3, class_weights=("auto",)),
        network=NetworkSettings(features=4, depth=1, normalization="batch"),
        data=DataSettings(patch=(32, 32), validation=0.3),
        train=TrainSettings(learning_rate=0.1, device="cpu", **values),
    )


def run_out_of_memory(network: torch.nn.Module, forward: int, backward: int) -> None:
    """Let memory run out in a pass on the way forward, and in one on the way back.

    Both happen amid the network's norms, where the other process waits.
    """
    passes = {"forward": 0, "backward": 0}

    def fail(way: str, number: int) -> None:
        passes[way] += 1
        if passes[way] == number:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")

    middle = network.bottom
    middle.register_forward_pre_hook(lambda *_: fail("forward", forward))
    middle.register_full_backward_hook(lambda *_: fail("backward", backward))


def with_little_memory(*, forward: int, backward: int) -> dict[str, list]:
    """Train; return the loss of every step and what it warned of."""
    seen: dict[str, list] = {"losses": [], "warnings": []}
    for event in train(*job()):
        if isinstance(event, Started):
            network = event.model.network
            run_out_of_memory(network, forward, backward)
        elif isinstance(event, StepDone):
            seen["losses"].append(event.loss)
            seen["warnings"].append(event.warning)
    return seen


def by_the_clock(*, slow: bool) -> list[float]:
    """Train for a limited time; return the first steps' learning rates.

    While somebody looks at an event of one process, its clock stands still and the
    other's goes on.
    """
    events = train(*job(epochs=1000, minutes=0.3))
    rates = []
    for event in islice(events, 4):
        if isinstance(event, Started) and slow:
            time.sleep(0.5)
        elif isinstance(event, StepDone):
            rates.append(event.learning_rate)
    events.close()
    return rates


if __name__ == "__main__":
    folder, *command = sys.argv[1:]
    assert main(command) == 0
    torch.set_num_threads(1)
    number = Processes.launched().rank
    first = number == 0
    # the second fails in the first step; the first, after 1 pass in vain, in the next
    seen = with_little_memory(forward=0 if first else 1, backward=4 if first else 0)
    seen["rates"] = by_the_clock(slow=first)
    text = json.dumps(seen)
    Path(folder, f"{number}.json").write_text(text, encoding="utf-8")
