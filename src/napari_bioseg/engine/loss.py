"""What training minimises, per channel and over classes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from napari_bioseg.settings import InstanceTask, SemanticTask
from napari_bioseg.settings.channels import BinaryChannel, Distance, FloatChannel

from .loss_terms import ClassWeight, binary_loss, class_loss, dice_loss, distance_loss
from .model import Model
from .networks import custom_loss
from .targets import needs_mask

__all__ = ["Loss", "dice_loss", "distance_loss"]


class Loss:
    """The loss of a workflow.

    Instance tasks: the mean over channels, by their weights, each with the loss that
    its settings name; distances count inside objects only where the channel is
    ``masked``. Classes of objects, if there are some, are one more of them, with
    cross-entropy. Semantic tasks: the loss that the task names.

    Targets are 255 (binary channels and classes) or NaN (distances) at pixels that are
    not labelled: the loss is exactly that of the others.

    Parameters
    ----------
    model : Model
        Whose activation turns the network's output into distances.

    Raises
    ------
    ValueError
        If there are not as many weights as classes, or the loss is one of the user's
        own that is not known.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._task = model.workflow.task
        self._custom = None
        if self._task.custom_loss:
            self._custom = custom_loss(self._task.custom_loss)
        elif self._task.classes > 1:
            _check_weights(self._task.class_weights, self._task.classes)

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
        if self._custom is not None:
            return self._custom(logits, targets)  # type: ignore[no-any-return]
        if isinstance(self._task, SemanticTask):
            return _semantic_loss(logits, targets[:, 0], self._task)
        return _channel_losses(self._model, logits, targets, self._task)


def _check_weights(weights: Sequence[ClassWeight], classes: int) -> None:
    if len(weights) > 1 and len(weights) != classes:
        raise ValueError(
            f"task.class_weights has {len(weights)} numbers, but the task has "
            f"{classes} classes; give one per class, class 0 first, one for all, or "
            "none"
        )


def _semantic_loss(logits: Tensor, classes: Tensor, task: SemanticTask) -> Tensor:
    if task.classes > 2:
        return class_loss(
            logits,
            classes,
            task.loss,
            dice_share=task.dice_share,
            weights=task.class_weights,
        )
    kinds = {"cross_entropy": "bce", "dice_ce": "dice_bce"}
    return binary_loss(
        logits[:, 0],
        classes,
        kinds.get(task.loss, task.loss),
        dice_share=task.dice_share,
        positive_weight=_ratio(task.class_weights),
    )


def _ratio(weights: Sequence[ClassWeight]) -> ClassWeight:
    """Return the weight of the foreground beside the background's."""
    if "auto" in weights:
        return "auto"
    if len(weights) < 2:
        return 1.0
    background, foreground = (float(weight) for weight in weights)
    return foreground / max(background, 1e-6)


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
        if isinstance(channel, BinaryChannel):
            loss = binary_loss(
                logits[:, index],
                wanted,
                channel.loss,
                dice_share=channel.dice_share,
                positive_weight=channel.positive_weight,
            )
        else:
            assert isinstance(channel, FloatChannel)  # noqa: S101  (nothing else is)
            inside = mask if isinstance(channel, Distance) and channel.masked else None
            loss = distance_loss(values[:, index], wanted, channel.loss, inside)
        total = total + channel.weight * loss
        weights += channel.weight
    if task.has_classes and task.class_weight:
        first = len(task.channels)
        loss = class_loss(
            logits[:, first:],
            targets[:, first],
            "cross_entropy",
            weights=task.class_weights,
        )
        total = total + task.class_weight * loss
        weights += task.class_weight
    return total / max(weights, 1e-12)
