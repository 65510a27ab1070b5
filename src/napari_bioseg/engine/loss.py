"""What training minimises, per channel and over classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_bioseg.settings import InstanceTask, SemanticTask
from napari_bioseg.settings.channels import BinaryChannel, FloatChannel

from .loss_terms import BinaryLoss, ClassLoss, ClassWeight, DistanceLoss, Term
from .model import Model
from .networks import custom_loss
from .targets import is_masked

ALL = slice(None)


class Loss:
    """The loss of a workflow.

    Instance tasks: the mean over channels, by their weights, each with the loss that
    its settings name; distances count inside objects only where the channel is
    ``masked``. Classes of objects, if there are some, are one more of them, with
    cross-entropy. Semantic tasks: the loss that the task names.

    Targets are 255 (binary channels and classes) or NaN (distances) at pixels that are
    not labelled: the loss is exactly that of the others.

    A loss is computed from sums and counts, which add up over the parts of a batch (see
    `loss_terms`). A loss of the user's own is a mean over patches.

    Parameters
    ----------
    model : Model
        Whose activation turns the network's output into distances.

    Raises
    ------
    ValueError
        If there are not as many weights as classes, weights do not suit the loss, or
        the loss is one of the user's own that is not known.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._parts = _parts(model.workflow.task)
        self._sizes = [part.term.size for part in self._parts]
        self.size = sum(self._sizes)
        """How many sums and counts there are."""

    def __call__(
        self, logits: Tensor, targets: Tensor, counts: Tensor | None = None
    ) -> Tensor:
        """Return the loss of a batch, or what a part of a batch adds to it.

        Parameters
        ----------
        logits : Tensor, (N, C, [Z,] Y, X)
            The network's output, before the activation.
        targets : Tensor, (N, T, [Z,] Y, X)
            As `make_targets` makes them, float32.
        counts : Tensor, optional
            Of the whole batch, where these patches are a part of one.

        Returns
        -------
        Tensor
            One number.
        """
        wanted = [part.wanted(targets) for part in self._parts]
        if counts is None:
            counts = self._counts(wanted)
        return self.mean(self._sums(logits, wanted), counts)

    def counts(self, targets: Tensor) -> Tensor:
        """Return how much counts for each sum, int64; it adds up over patches."""
        return self._counts([part.wanted(targets) for part in self._parts])

    def _counts(self, wanted: Sequence[Tensor]) -> Tensor:
        pieces = zip(self._parts, wanted, strict=True)
        return torch.cat([part.term.counts(own) for part, own in pieces])

    def sums(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sums of losses of some patches; they add up, too."""
        return self._sums(logits, [part.wanted(targets) for part in self._parts])

    def _sums(self, logits: Tensor, wanted: Sequence[Tensor]) -> Tensor:
        values = logits
        if any(isinstance(part.term, DistanceLoss) for part in self._parts):
            values = self._model.activate(logits)
        sums = []
        for part, own in zip(self._parts, wanted, strict=True):
            found = values if isinstance(part.term, DistanceLoss) else logits
            sums.append(part.term.sums(found[:, part.output], own))
        return torch.cat(sums)

    def mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Return the loss from sums and counts, as a mean of the parts by weight."""
        total = sums.new_zeros(())
        pieces = (torch.split(values, self._sizes) for values in (sums, counts))
        for part, own, counted in zip(self._parts, *pieces, strict=True):
            total = total + part.weight * part.term.mean(own, counted)
        return total / max(sum(part.weight for part in self._parts), 1e-12)


@dataclass(frozen=True)
class _Part:
    """A term of the loss, its weight, and the outputs and targets it looks at."""

    term: Term
    weight: float
    output: int | slice
    target: int | slice
    masked: bool = False

    def wanted(self, targets: Tensor) -> Tensor:
        wanted = targets[:, self.target]
        if not self.masked:
            return wanted
        return torch.where(targets[:, -1] == 1, wanted, torch.nan)


@dataclass(frozen=True)
class _CustomLoss:
    """A loss of the user's own, which is averaged over patches."""

    function: Callable[[Tensor, Tensor], Tensor]
    size = 1

    def counts(self, targets: Tensor) -> Tensor:
        return torch.tensor([len(targets)], device=targets.device)

    def sums(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (self.function(outputs, targets) * len(targets)).reshape(1)

    def mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        return sums[0] / counts[0]


def _parts(task: InstanceTask | SemanticTask) -> list[_Part]:
    if task.custom_loss:
        return [_Part(_CustomLoss(custom_loss(task.custom_loss)), 1.0, ALL, ALL)]
    if task.classes > 1:
        _check_weights(task.class_weights, task.classes)
    if isinstance(task, InstanceTask):
        return _channel_parts(task)
    if task.classes == 2:
        return [_Part(_two_classes(task), 1.0, output=0, target=0)]
    term = ClassLoss(task.classes, task.loss, task.dice_share, task.class_weights)
    return [_Part(term, 1.0, output=ALL, target=0)]


def _check_weights(weights: Sequence[ClassWeight], classes: int) -> None:
    if len(weights) > 1 and len(weights) != classes:
        raise ValueError(
            f"task.class_weights has {len(weights)} numbers, but the task has "
            f"{classes} classes; give one per class, class 0 first, one for all, or "
            "none"
        )


def _two_classes(task: SemanticTask) -> BinaryLoss:
    """Return the loss of foreground and background, which is one output."""
    weight = _ratio(task.class_weights)
    if task.loss in ("dice", "iou") and weight != 1:
        raise ValueError(
            f"task.class_weights = {list(task.class_weights)} does nothing with "
            f"task.loss = {task.loss!r} and 2 classes: it is the overlap of the "
            "foreground alone; leave class_weights empty, or choose 'dice_ce', "
            "'cross_entropy' or 'focal'"
        )
    kind = {"cross_entropy": "bce", "dice_ce": "dice_bce"}.get(task.loss, task.loss)
    return BinaryLoss(kind, task.dice_share, weight)


def _ratio(weights: Sequence[ClassWeight]) -> ClassWeight:
    """Return the weight of the foreground beside the background's."""
    if "auto" in weights:
        return "auto"
    if len(weights) < 2:
        return 1.0
    background, foreground = (float(weight) for weight in weights)
    return foreground / max(background, 1e-6)


def _channel_parts(task: InstanceTask) -> list[_Part]:
    parts = []
    for index, channel in enumerate(task.channels):
        if channel.weight == 0:
            continue
        term: Term
        if isinstance(channel, BinaryChannel):
            term = BinaryLoss(channel.loss, channel.dice_share, channel.positive_weight)
        else:
            assert isinstance(channel, FloatChannel)  # noqa: S101  (nothing else is)
            term = DistanceLoss(channel.loss)
        parts.append(_Part(term, channel.weight, index, index, is_masked(channel)))
    if task.has_classes and task.class_weight:
        first = len(task.channels)
        term = ClassLoss(task.classes, "cross_entropy", weights=task.class_weights)
        parts.append(_Part(term, task.class_weight, slice(first, None), first))
    return parts
