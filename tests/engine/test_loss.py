from __future__ import annotations

import math

import pytest
import torch

from napari_bioseg.engine import Model
from napari_bioseg.engine.loss import Loss, dice_loss
from napari_bioseg.settings import (
    Binary,
    Contour,
    Distance,
    InstanceTask,
    SemanticTask,
    TrainedOn,
    Workflow,
)


def loss_of(task) -> Loss:
    return Loss(Model.create(Workflow(task=task, trained=TrainedOn())))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_binary_channels_are_averaged_by_their_weights():
    loss = loss_of(InstanceTask(channels=[Binary(), Contour(weight=3)]))
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 0], logits[:, 1] = logit(0.8), logit(0.4)
    wanted = (-math.log(0.8) - 3 * math.log(0.4)) / 4
    assert float(loss(logits, torch.ones(1, 2, 4, 4))) == pytest.approx(wanted)


def test_a_weight_of_0_leaves_a_channel_out():
    loss = loss_of(InstanceTask(channels=[Binary(), Contour(weight=0)]))
    logits = torch.randn(1, 2, 4, 4)
    other = logits.clone()
    other[:, 1] += 5
    targets = torch.ones(1, 2, 4, 4)
    assert float(loss(logits, targets)) == float(loss(other, targets))


def test_dice_is_averaged_with_cross_entropy():
    loss = loss_of(InstanceTask(channels=[Binary(loss="dice_bce")]))
    logits = torch.full((1, 1, 10, 10), logit(0.5))
    targets = torch.ones(1, 1, 10, 10)
    dice = 1 - (2 * 50 + 1) / (150 + 1)
    wanted = (math.log(2) + dice) / 2
    assert float(loss(logits, targets)) == pytest.approx(wanted, rel=1e-5)
    assert float(dice_loss(targets, targets)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(targets * 0, targets * 0)) == 0


@pytest.mark.parametrize(
    ("kind", "wanted"), [("l1", 0.3), ("mse", 0.09), ("smooth_l1", 0.045)]
)
def test_distances_count_inside_objects_only(kind, wanted):
    targets = torch.zeros(1, 2, 2, 2)
    targets[0, 0, 0, 0] = 0.8
    targets[0, 1, 0] = 1  # the mask: the upper row
    logits = torch.full((1, 1, 2, 2), 9.0)  # wrong, but outside
    logits[0, 0, 0, 0], logits[0, 0, 0, 1] = logit(0.5), logit(0.3)
    masked = loss_of(InstanceTask(channels=[Distance(loss=kind)]))
    assert float(masked(logits, targets)) == pytest.approx(wanted, rel=1e-4)
    everywhere = loss_of(InstanceTask(channels=[Distance(loss=kind, masked=False)]))
    assert float(everywhere(logits, targets[:, :1])) > 1.2 * wanted


def test_distances_without_any_object_give_0_and_no_nan():
    loss = loss_of(InstanceTask(channels=[Distance()]))
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    value = loss(logits, torch.zeros(1, 2, 4, 4))
    value.backward()
    assert float(value.detach()) == 0
    assert torch.isfinite(logits.grad).all()


def test_physical_distances_are_not_squashed():
    loss = loss_of(InstanceTask(channels=[Distance(scale="none", loss="l1")]))
    targets = torch.ones(1, 2, 2, 2)
    targets[:, 0] = 40
    assert float(loss(torch.full((1, 1, 2, 2), 38.0), targets)) == pytest.approx(2)


@pytest.mark.parametrize("name", ["cross_entropy", "dice_ce"])
@pytest.mark.parametrize("classes", [2, 4])
def test_semantic_loss_falls_as_the_answer_gets_right(name, classes):
    loss = loss_of(SemanticTask(classes=classes, loss=name))
    targets = torch.randint(0, classes, (2, 1, 8, 8)).float()
    if classes == 2:
        right = targets * 2 - 1
    else:
        right = torch.nn.functional.one_hot(targets[:, 0].long(), classes)
        right = right.movedim(-1, 1).float()
    values = [float(loss(right * strength, targets)) for strength in (-4, 0, 4, 20)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 1e-3


def test_cross_entropy_of_classes_is_exact():
    loss = loss_of(SemanticTask(classes=3, loss="cross_entropy"))
    value = loss(torch.zeros(1, 3, 4, 4), torch.full((1, 1, 4, 4), 2.0))
    assert float(value) == pytest.approx(math.log(3))
