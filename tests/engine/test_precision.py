from __future__ import annotations

import pytest
import torch

from napari_bioseg.engine import EpochDone, Started, train
from napari_bioseg.engine.precision import autocast, half_numbers
from napari_bioseg.settings import TrainSettings

CPU = torch.device("cpu")
PRECISIONS = ("auto", "float32", "bfloat16")


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_cpu_computes_with_float32(precision, dimensions):
    kind = torch.nn.Conv2d if dimensions == 2 else torch.nn.Conv3d
    image = torch.zeros(1, 1, *(4,) * dimensions)
    with torch.autocast("cpu", dtype=torch.bfloat16):  # of the surroundings
        assert kind(1, 1, 3)(image).dtype == torch.bfloat16
        with autocast(CPU, TrainSettings(precision=precision)):
            assert kind(1, 1, 3)(image).dtype == torch.float32


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_gpu_computes_with_what_is_asked_for(precision):
    settings = TrainSettings(precision=precision)
    assert half_numbers(torch.device("cuda"), settings) == getattr(torch, precision)
    assert half_numbers(CPU, settings) is None


def test_all_precisions_are_one_on_a_cpu_and_it_is_said(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    losses, notes = {}, {}
    for precision in PRECISIONS:
        settings = tiny.train.replace(precision=precision, steps=20, learning_rate=0.01)
        events = list(train(pairs, tiny.replace(train=settings)))
        losses[precision] = [e.train_loss for e in events if isinstance(e, EpochDone)]
        (started,) = (event for event in events if isinstance(event, Started))
        notes[precision] = any("bfloat16 is for GPUs" in note for note in started.notes)
    first, last = losses["float32"]
    assert last < 0.85 * first
    assert losses["bfloat16"] == losses["auto"] == losses["float32"]
    assert notes == {"auto": False, "float32": False, "bfloat16": True}
