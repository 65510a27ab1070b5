from __future__ import annotations

import pytest
import torch

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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_precisions_learn_alike(disks, tiny, precision):
    from napari_bioseg.engine import EpochDone, train

    settings = tiny.train.replace(precision=precision, epochs=3, learning_rate=0.01)
    events = train([disks(), disks(seed=1)], tiny.replace(train=settings))
    scores = [e.validation_loss for e in events if isinstance(e, EpochDone)]
    assert scores[-1] < 0.8 * scores[0]
