"""What training minimises, per channel or over classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from napari_bioseg.settings import (
    Distance,
    DistanceV2,
    InstanceTask,
    SemanticTask,
)

from .model import Model
from .targets import needs_mask


class Loss:
    """The loss of a workflow.

    Instance tasks: the mean over channels, by their weights, of cross-entropy (with
    Dice, if chosen) for binary channels and of smooth L1, L1 or squared differences
    for distances, the latter inside objects only where the channel is ``masked``.
    Semantic tasks: cross-entropy, alone or averaged with Dice over classes.

    Parameters
    ----------
    model : Model
        Whose activation turns the network's output into distances.

    References
    ----------
    Milletari et al., 2016 (Dice), https://doi.org/10.1109/3DV.2016.79
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._task = model.workflow.task

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor, (N, C, [Z,] Y, X)
            The network's output, before the activation.
        targets : Tensor, (N, T, [Z,] Y, X)
            As `make_targets` makes them, float32.

        Returns
        -------
        Tensor
            One number.
        """
        if isinstance(self._task, SemanticTask):
            return _semantic_loss(logits, targets[:, 0], self._task)
        return _channel_losses(self._model, logits, targets, self._task)


def _semantic_loss(logits: Tensor, classes: Tensor, task: SemanticTask) -> Tensor:
    if task.classes == 2:
        loss = functional.binary_cross_entropy_with_logits(logits[:, 0], classes)
        if task.loss == "cross_entropy":
            return loss
        return (loss + dice_loss(torch.sigmoid(logits[:, 0]), classes)) / 2
    index = classes.long()
    loss = functional.cross_entropy(logits, index)
    if task.loss == "cross_entropy":
        return loss
    probabilities = torch.softmax(logits, dim=1)
    dice = [
        dice_loss(probabilities[:, value], (index == value).float())
        for value in range(task.classes)
    ]
    return (loss + torch.stack(dice).mean()) / 2


def _channel_losses(
    model: Model, logits: Tensor, targets: Tensor, task: InstanceTask
) -> Tensor:
    total = logits.new_zeros(())
    weights = 0.0
    mask = targets[:, -1] if needs_mask(task.channels) else None
    values = model.activate(logits)
    for index, channel in enumerate(task.channels):
        if channel.weight == 0:
            continue
        wanted = targets[:, index]
        if isinstance(channel, Distance | DistanceV2):
            inside = mask if isinstance(channel, Distance) and channel.masked else None
            loss = distance_loss(values[:, index], wanted, channel.loss, inside)
        else:
            loss = functional.binary_cross_entropy_with_logits(logits[:, index], wanted)
            if channel.loss == "dice_bce":
                loss = (loss + dice_loss(values[:, index], wanted)) / 2
        total = total + channel.weight * loss
        weights += channel.weight
    return total / max(weights, 1e-12)


def distance_loss(
    values: Tensor, targets: Tensor, kind: str, inside: Tensor | None
) -> Tensor:
    """Return the mean difference, of the pixels inside objects only if those are given.

    Parameters
    ----------
    values, targets : Tensor
        Of one shape.
    kind : {"smooth_l1", "l1", "mse"}
    inside : Tensor, optional
        1 inside objects, 0 elsewhere. Where it is 0 all over, the loss is 0.

    Returns
    -------
    Tensor
        One number.
    """
    functions = {
        "smooth_l1": functional.smooth_l1_loss,
        "l1": functional.l1_loss,
        "mse": functional.mse_loss,
    }
    if inside is None:
        return functions[kind](values, targets)
    each = functions[kind](values, targets, reduction="none")
    return (each * inside).sum() / inside.sum().clamp(min=1.0)


def dice_loss(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return 1 - Dice of one channel over the whole batch; 0 where both are empty.

    Parameters
    ----------
    probabilities, targets : Tensor
        Of one shape, 0 to 1.

    Returns
    -------
    Tensor
        One number, 0 to 1.

    Examples
    --------
    >>> half = torch.tensor([1.0, 1.0, 0.0, 0.0])
    >>> round(float(dice_loss(half, half)), 3)
    0.0
    """
    overlap = (probabilities * targets).sum()
    total = probabilities.sum() + targets.sum()
    return 1 - (2 * overlap + 1) / (total + 1)
