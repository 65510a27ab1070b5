from __future__ import annotations

import math

import pytest
import torch

from napari_bioseg.engine import Model
from napari_bioseg.engine.loss import Loss
from napari_bioseg.engine.loss_terms import (
    BinaryLoss,
    ClassLoss,
    DistanceLoss,
    Term,
)
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


def value(term: Term, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return term.mean(term.sums(outputs, targets), term.counts(targets))


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
    dice = BinaryLoss("dice")
    assert float(value(dice, targets * 50, targets)) == pytest.approx(0, abs=1e-6)
    assert float(value(dice, targets - 200, targets * 0)) == 0


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


BINARY = ["bce", "dice", "dice_bce", "iou", "focal"]
CLASSES = ["cross_entropy", "dice", "dice_ce", "iou", "focal"]
FLOAT = ["smooth_l1", "l1", "mse"]
WEIGHTS = [1.0, 3.0, "auto"]


def some_binary(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 8, 9, generator=generator, dtype=torch.float64)
    wanted = torch.rand(2, 8, 9, generator=generator) < 0.3
    return logits, wanted.double()


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_pixels_without_label_count_for_nothing_in_channels(kind, weight):
    logits, targets = some_binary()
    unknown = torch.zeros_like(targets, dtype=torch.bool)
    unknown[:, :3] = True
    unknown[:, 5, 2:] = True
    sparse = torch.where(unknown, 255.0, targets)
    logits.requires_grad_()
    term = BinaryLoss(kind, positive_weight=weight)
    found = value(term, logits, sparse)
    rest = (of[~unknown].reshape(2, -1) for of in (logits.detach(), targets))
    wanted = value(term, *rest)
    assert float(found.detach()) == pytest.approx(float(wanted), rel=1e-12)
    full = value(term, logits.detach(), targets)
    assert abs(float(full) - float(wanted)) > 1e-3  # they would have counted
    found.backward()
    assert (logits.grad[unknown] == 0).all()
    assert logits.grad[~unknown].abs().sum() > 0


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "weights", [(), ("auto",), (1.0, 4.0, 0.5), (1.0, "auto", 2.0)]
)
def test_pixels_without_label_count_for_nothing_in_classes(kind, weights):
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 8, 9, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(0, 3, (2, 8, 9)).double()
    unknown = torch.rand(8, 9) < 0.4
    sparse = torch.where(unknown, 255.0, targets)
    term = ClassLoss(3, kind, weights=weights)
    found = value(term, logits, sparse)
    wanted = value(term, logits.detach()[..., ~unknown], targets[..., ~unknown])
    assert float(found.detach()) == pytest.approx(float(wanted), rel=1e-12)
    found.backward()
    assert (logits.grad[..., unknown] == 0).all()


@pytest.mark.parametrize("kind", FLOAT)
def test_pixels_without_label_count_for_nothing_in_distances(kind):
    logits, _ = some_binary()
    targets = logits.roll(1)
    unknown = torch.rand(2, 8, 9) < 0.4
    values = logits.clone().requires_grad_()
    sparse = torch.where(unknown, torch.nan, targets)
    term = DistanceLoss(kind)
    found = value(term, values, sparse)
    wanted = value(term, logits[~unknown], targets[~unknown])
    assert float(found.detach()) == pytest.approx(float(wanted), rel=1e-12)
    found.backward()
    assert torch.isfinite(values.grad).all()
    assert (values.grad[unknown] == 0).all()


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_nothing_known_gives_0_and_no_gradient(kind, weight):
    logits = torch.randn(1, 4, 4, requires_grad=True)
    nothing = torch.full((1, 4, 4), 255.0)
    several = torch.randn(1, 3, 4, 4, requires_grad=True)
    values = torch.randn(1, 4, 4, requires_grad=True)
    other = kind.replace("dice_bce", "dice_ce").replace("bce", "cross_entropy")
    losses = (
        value(BinaryLoss(kind, positive_weight=weight), logits, nothing),
        value(ClassLoss(3, other, weights=(weight,)), several, nothing),
        value(DistanceLoss("l1"), values, nothing * torch.nan),
    )
    for loss, given in zip(losses, (logits, several, values), strict=True):
        loss.backward()
        assert float(loss.detach()) == 0
        assert (given.grad == 0).all()


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("dice", {"smooth_nr": 1.0, "smooth_dr": 1.0}),
        ("iou", {"smooth_nr": 2.0, "smooth_dr": 2.0, "jaccard": True}),
    ],
)
def test_overlaps_equal_monai(kind, reference):
    from monai.losses import DiceLoss

    logits, targets = some_binary()
    wanted = DiceLoss(sigmoid=True, **reference)(logits[:, None], targets[:, None])
    assert float(value(BinaryLoss(kind), logits, targets)) == pytest.approx(
        float(wanted)
    )


def test_focal_equals_monai():
    from monai.losses import FocalLoss

    logits, targets = some_binary()
    wanted = FocalLoss(gamma=2.0)(logits[:, None], targets[:, None])
    focal = value(BinaryLoss("focal"), logits, targets)
    assert float(focal) == pytest.approx(float(wanted))
    several = torch.stack([logits, -logits, logits.roll(1)], dim=1)
    softmax = FocalLoss(gamma=2.0, use_softmax=True, to_onehot_y=True)
    wanted = 3 * softmax(several, targets[:, None])  # a mean over classes, too
    focal = value(ClassLoss(3, "focal"), several, targets)
    assert float(focal) == pytest.approx(float(wanted))


def test_overlap_of_half_is_exact():
    found, wanted = torch.tensor([[99.0, 99, -99]]), torch.tensor([[1.0, 0, 0]])
    for kind, loss in (("dice", 1 - 3 / 4), ("iou", 1 - 2 / 3)):
        assert float(value(BinaryLoss(kind), found, wanted)) == pytest.approx(loss)


def test_patches_without_any_label_do_not_thin_the_others():
    logits, targets = some_binary()
    more = torch.cat([targets, torch.full_like(targets, 255.0)])
    for kind in BINARY:
        term = BinaryLoss(kind)
        found = value(term, torch.cat([logits, logits]), more)
        assert float(found) == pytest.approx(float(value(term, logits, targets)))


@pytest.mark.parametrize("weight", [1.0, "auto"])
@pytest.mark.parametrize(
    "task",
    [
        *(SemanticTask(loss=kind) for kind in CLASSES),
        *(SemanticTask(classes=3, loss=kind) for kind in CLASSES),
        InstanceTask(channels=[Binary(), Distance()], classes=3),
        InstanceTask(channels=[Binary(loss="dice_bce"), Distance(masked=False)]),
    ],
)
def test_parts_add_up_to_the_whole_batch(task, weight):
    torch.manual_seed(0)
    if isinstance(task, InstanceTask):
        first = task.channels[0].replace(positive_weight=weight)
        task = task.replace(channels=(first, *task.channels[1:]))
    if task.classes == 3 or getattr(task, "loss", "") not in ("dice", "iou"):
        task = task.replace(class_weights=("auto",) if weight == "auto" else ())
    loss = loss_of(task)
    logits = torch.randn(4, len(task.outputs), 6, 7)
    targets = torch.rand(4, 5, 6, 7)[:, : 4 if task.classes == 3 else 3]
    targets = (targets * max(task.classes, 2)).floor()
    targets[1, :, 2:] = 255.0  # little is known of some
    targets[2, :-1] = 0.0
    whole = loss(logits, targets)
    counts = loss.counts(targets)
    parts = [loss(logits[i : i + 1], targets[i : i + 1], counts) for i in range(4)]
    assert float(sum(parts)) == pytest.approx(float(whole), rel=1e-5)
    assert float(whole) > 0


def test_weights_of_a_channel_are_a_weighted_mean():
    logits = torch.zeros(1, 4)
    logits[0, 0] = logit(0.8)
    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    inside, outside = -math.log(0.8), math.log(2)
    found = [
        float(value(BinaryLoss("bce", positive_weight=weight), logits, targets))
        for weight in (1.0, 5.0, "auto")
    ]
    wanted = [(w * inside + 3 * outside) / (w + 3) for w in (1, 5, 3)]
    assert found == pytest.approx(wanted)


def test_rare_classes_count_as_much_as_others_with_auto():
    logits = torch.zeros(1, 3, 1, 4)
    logits[0, 0, 0, 0] = 2  # wrong about the only pixel of class 2
    targets = torch.tensor([[[2.0, 0.0, 0.0, 0.0]]])
    each = torch.nn.functional.cross_entropy(
        logits, targets.long(), reduction="none"
    ).ravel()
    wanted = (each[0] + each[1:].mean()) / 2
    found = value(ClassLoss(3, "cross_entropy", weights=("auto",)), logits, targets)
    assert float(found) == pytest.approx(float(wanted))
    fixed = ClassLoss(3, "cross_entropy", weights=(1.0, 9.0, 3.0))
    given = value(fixed, logits, targets)
    assert float(found) == pytest.approx(float(given))


def test_dice_share_mixes():
    logits, targets = some_binary()
    bce, dice, found = (
        float(value(BinaryLoss(kind, dice_share=0.2), logits, targets))
        for kind in ("bce", "dice", "dice_bce")
    )
    assert found == pytest.approx(0.8 * bce + 0.2 * dice)
    task = InstanceTask(channels=[Binary(loss="dice_bce", dice_share=0.2)])
    loss = loss_of(task)(logits[:, None].float(), targets[:, None].float())
    assert float(loss) == pytest.approx(found, rel=1e-5)


def test_classes_of_objects_are_one_more_part():
    task = InstanceTask(channels=[Binary(), Distance()], classes=3, class_weight=2)
    logits = torch.zeros(1, 5, 2, 2)
    logits[:, 2:] = torch.tensor([0.0, 2.0, 1.0]).reshape(1, 3, 1, 1)
    targets = torch.zeros(1, 4, 2, 2)  # B, D, class, mask
    targets[:, 2] = torch.tensor([[0.0, 1.0], [2.0, 255.0]])
    normal = math.log(1 + math.exp(2) + math.exp(1))
    classes = ((normal - 0) + (normal - 2) + (normal - 1)) / 3
    wanted = (math.log(2) + 2 * classes) / 4
    assert float(loss_of(task)(logits, targets)) == pytest.approx(wanted)


def test_as_many_weights_as_classes():
    with pytest.raises(ValueError, match="has 2 numbers, but the task has 3 classes"):
        loss_of(SemanticTask(classes=3, class_weights=(1.0, 2.0)))
    loss_of(SemanticTask(classes=3, class_weights=("auto",)))


@pytest.mark.parametrize("loss", ["dice", "iou"])
def test_weights_that_would_do_nothing_are_refused(loss):
    for weights in (("auto",), (1.0, 3.0)):
        task = SemanticTask(loss=loss, class_weights=weights)
        with pytest.raises(ValueError, match=f"does nothing with task.loss = '{loss}'"):
            loss_of(task)
    loss_of(SemanticTask(loss=loss, class_weights=(2.0, 2.0)))


def test_weights_of_two_classes_are_their_ratio():
    logits = torch.full((1, 1, 1, 2), logit(0.8))
    targets = torch.tensor([[[[1.0, 0.0]]]])
    task = SemanticTask(loss="cross_entropy", class_weights=(2.0, 6.0))
    wanted = (-3 * math.log(0.8) - math.log(0.2)) / 4
    assert float(loss_of(task)(logits, targets)) == pytest.approx(wanted)


def test_activation_of_distances_can_be_chosen():
    logits = torch.full((1, 1, 2, 2), 5.0)
    for activation, scale, wanted in (
        ("auto", "instance", 1 / (1 + math.exp(-5))),
        ("linear", "instance", 5.0),
        ("auto", "none", 5.0),
        ("sigmoid", "none", 1 / (1 + math.exp(-5))),
    ):
        channel = Distance(activation=activation, scale=scale)
        workflow = Workflow(task=InstanceTask(channels=[channel]), trained=TrainedOn())
        values = Model.create(workflow).activate(logits)
        assert float(values[0, 0, 0, 0]) == pytest.approx(wanted)
