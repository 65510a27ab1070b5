from __future__ import annotations

import pytest
import torch

from napari_bioseg.engine import EpochDone, train
from napari_bioseg.engine.precision import autocast, has_fast_bfloat16
from napari_bioseg.settings import TrainSettings

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("precision", "dimensions", "dtype"),
    [
        ("float32", 2, torch.float32),
        ("bfloat16", 2, torch.bfloat16),
        ("bfloat16", 3, torch.float32),
        ("auto", 3, torch.float32),
        ("auto", 2, torch.bfloat16 if has_fast_bfloat16(CPU) else torch.float32),
    ],
)
def test_precision_of_a_convolution(precision, dimensions, dtype):
    kind = torch.nn.Conv2d if dimensions == 2 else torch.nn.Conv3d
    image = torch.zeros(1, 1, *(4,) * dimensions)
    with autocast(CPU, TrainSettings(precision=precision), dimensions):
        assert kind(1, 1, 3)(image).dtype == dtype


def test_both_precisions_learn_alike(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    losses = {}
    for precision in ("float32", "bfloat16"):
        settings = tiny.train.replace(precision=precision, steps=20, learning_rate=0.01)
        events = train(pairs, tiny.replace(train=settings))
        losses[precision] = [e.train_loss for e in events if isinstance(e, EpochDone)]
    first, last = losses["float32"]
    assert last < 0.85 * first
    assert losses["bfloat16"] == pytest.approx([first, last], rel=0.1)
    assert losses["bfloat16"] != [first, last]
