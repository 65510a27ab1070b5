"""The terms that losses are made of; pixels that are not labelled count for nothing.

Each term is a mean over what counts. It is kept as two lists that add up over the parts
of a batch, wherever and whenever they are computed: sums of losses, which follow the
network's output, and how much was counted for each sum, which follows from the targets
alone. From the sums of a part and the counts of the whole batch comes what the part
adds to the loss of the whole batch, and to its gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from napari_bioseg.settings.task import IGNORE

ClassWeight = float | Literal["auto"]
FOCUS = 2
"""Exponent of the focal loss, as published."""
_TINY = 1e-12


class Term(Protocol):
    """One term of a loss."""

    @property
    def size(self) -> int:
        """How many sums there are, and counts."""

    def counts(self, targets: Tensor) -> Tensor:
        """Return how much counts for each sum, (size,), int64."""

    def sums(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums of some patches, (size,)."""

    def mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Return the loss: one number, 0 where nothing counts."""


@dataclass(frozen=True)
class BinaryLoss:
    """The loss of one channel of probabilities.

    Outputs are logits, (N, [Z,] Y, X); targets of the same shape are 1 inside, 0
    outside, 255 where nobody knows.

    Parameters
    ----------
    kind : {"bce", "dice", "dice_bce", "iou", "focal"}
        Cross-entropy; Dice; both; Jaccard index; focal loss. Overlaps are taken in
        each patch and averaged over those in which something is known.
    dice_share : float
        Share of Dice in ``dice_bce``.
    positive_weight : float or "auto"
        Weight of the inside in cross-entropy and focal loss; auto gives inside and
        outside the same sum of weights.

    References
    ----------
    Lin et al., 2017 (focal), https://doi.org/10.1109/ICCV.2017.324

    Examples
    --------
    >>> targets = torch.tensor([[1.0, 1.0, 0.0, 255.0]])
    >>> term = BinaryLoss("dice_bce", dice_share=0.0, positive_weight="auto")
    >>> sums, counts = term.sums(targets * 0, targets), term.counts(targets)
    >>> counts.tolist(), round(float(term.mean(sums, counts)), 3)
    ([3, 2, 1], 0.693)
    """

    kind: str
    dice_share: float = 0.5
    positive_weight: ClassWeight = 1.0
    size = 3  # all pixels, those inside, overlaps of patches

    def counts(self, targets: Tensor) -> Tensor:
        """Return the known pixels, those inside, and the patches."""
        known = targets != IGNORE
        inside = patches = known.new_zeros((), dtype=torch.int64)
        if self.positive_weight != 1:
            inside = (known & (targets > 0.5)).sum()
        if self.kind not in ("bce", "focal"):
            patches = _patches(known)
        return torch.stack([known.sum(), inside, patches])

    def sums(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the losses of all pixels and those inside, and of overlaps."""
        known = (targets != IGNORE).to(outputs.dtype)
        wanted = targets * known
        everywhere = inside = overlap = outputs.new_zeros(())
        if self.kind not in ("dice", "iou"):
            each = functional.binary_cross_entropy_with_logits(
                outputs, wanted, reduction="none"
            )
            each = _focused(each, self.kind) * known
            everywhere = each.sum()
            if self.positive_weight != 1:
                inside = (each * (wanted > 0.5)).sum()
        if self.kind not in ("bce", "focal"):
            found = torch.sigmoid(outputs) * known
            overlap = _overlap_loss(found, wanted, self.kind, axes=1).sum()
        return torch.stack([everywhere, inside, overlap])

    def mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Return the loss."""
        pixels, inside, patches = counts.to(sums.dtype)
        more: Tensor | float = 0.0  # weight of the inside beyond 1
        if self.positive_weight != "auto":
            more = self.positive_weight - 1
        else:
            outside = pixels - inside
            both = (outside > 0) & (inside > 0)
            more = torch.where(both, outside / inside.clamp(min=1) - 1, 0.0)
        total = (pixels + more * inside).clamp(min=_TINY)
        loss = (sums[0] + more * sums[1]) / total
        overlap = sums[2] / patches.clamp(min=1)
        return _mixed(self.kind, loss, overlap, self.dice_share)


@dataclass(frozen=True)
class ClassLoss:
    """The loss of classes that exclude each other.

    Outputs are logits, (N, classes, [Z,] Y, X); targets, (N, [Z,] Y, X), are the class
    of each pixel, 255 where nobody knows.

    Parameters
    ----------
    classes : int
    kind : {"cross_entropy", "dice", "dice_ce", "iou", "focal"}
        Overlaps are taken in each patch and averaged over those in which something is
        known, then over the classes by their weights.
    dice_share : float
        Share of Dice in ``dice_ce``.
    weights : tuple of float or "auto"
        One per class, or one for all; none counts all alike. Auto is the inverse of
        the class's share of the batch.
    """

    classes: int
    kind: str
    dice_share: float = 0.5
    weights: Sequence[ClassWeight] = ()

    @property
    def size(self) -> int:
        """Pixels of each class, and its overlaps."""
        return 2 * self.classes

    def _is_class(self, targets: Tensor) -> Tensor:
        """Return which pixel is of which class, (N, classes, [Z,] Y, X)."""
        numbers = torch.arange(self.classes, device=targets.device)
        shape = [1, -1] + [1] * (targets.ndim - 1)
        return targets.unsqueeze(1) == numbers.view(shape)

    def counts(self, targets: Tensor) -> Tensor:
        """Return the pixels of each class, and the patches, once per class."""
        pixels = torch.stack([(targets == n).sum() for n in range(self.classes)])
        return torch.cat([pixels, _patches(targets != IGNORE).expand(self.classes)])

    def sums(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the losses of each class's pixels, and of its overlaps."""
        wanted = self._is_class(targets).to(outputs.dtype)
        logs = torch.log_softmax(outputs, dim=1)
        pixels = overlaps = outputs.new_zeros(self.classes)
        if self.kind not in ("dice", "iou"):
            each = -logs * wanted
            pixels = _focused(each, self.kind).sum([0, *range(2, each.ndim)])
        if self.kind not in ("cross_entropy", "focal"):
            known = (targets != IGNORE).unsqueeze(1)
            found = logs.exp() * known
            overlaps = _overlap_loss(found, wanted, self.kind, axes=2).sum(0)
        return torch.cat([pixels, overlaps])

    def mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Return the loss."""
        counted, patches = counts.to(sums.dtype).chunk(2)
        weights = self._weights(counted)
        losses, overlaps = sums.chunk(2)
        total = (weights * counted).sum().clamp(min=_TINY)
        pixels = (weights * losses).sum() / total
        each = weights * overlaps / patches.clamp(min=1)
        overlap = each.sum() / weights.sum().clamp(min=_TINY)
        return _mixed(self.kind, pixels, overlap, self.dice_share)

    def _weights(self, counted: Tensor) -> Tensor:
        """Return one weight per class, by the pixels that it has."""
        if not self.weights:
            return torch.ones_like(counted)
        weights = list(self.weights)
        if len(weights) == 1:
            weights *= self.classes
        fixed = [1.0 if weight == "auto" else weight for weight in weights]
        out = counted.new_tensor(fixed)
        if "auto" not in weights:
            return out
        there = counted > 0
        rarity = counted.sum() / (there.sum() * counted).clamp(min=1)
        auto = torch.tensor([w == "auto" for w in weights], device=counted.device)
        return torch.where(auto & there, rarity, out)


@dataclass(frozen=True)
class DistanceLoss:
    """The mean difference of values, such as distances.

    Outputs are values, after the activation; targets of the same shape are NaN where
    they do not count.

    Parameters
    ----------
    kind : {"smooth_l1", "l1", "mse"}
    """

    kind: str
    size = 1

    def counts(self, targets: Tensor) -> Tensor:
        """Return the pixels that count."""
        return torch.isfinite(targets).sum().reshape(1)

    def sums(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of differences."""
        functions = {
            "smooth_l1": functional.smooth_l1_loss,
            "l1": functional.l1_loss,
            "mse": functional.mse_loss,
        }
        counted = torch.isfinite(targets)
        wanted = torch.where(counted, targets, 0.0)
        each = functions[self.kind](outputs, wanted, reduction="none")
        return (each * counted).sum().reshape(1)

    def mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Return the loss."""
        return sums[0] / counts[0].clamp(min=1)


def _patches(known: Tensor) -> Tensor:
    """Count the patches in which something is known."""
    return known.flatten(1).any(dim=1).sum()


def _focused(each: Tensor, kind: str) -> Tensor:
    """Turn cross-entropy into the focal loss, if that is wanted."""
    if kind != "focal":
        return each
    return each * (1 - torch.exp(-each)) ** FOCUS


def _overlap_loss(found: Tensor, wanted: Tensor, kind: str, axes: int) -> Tensor:
    """Return 1 - Dice or Jaccard index over all but the first axes; 0 where empty.

    References
    ----------
    Milletari et al., 2016 (Dice), https://doi.org/10.1109/3DV.2016.79
    Rahman and Wang, 2016 (Jaccard), https://doi.org/10.1007/978-3-319-50835-1_22
    """
    over = list(range(axes, found.ndim))
    overlap = (found * wanted).sum(over)
    total = found.sum(over) + wanted.sum(over)
    if kind == "iou":
        return 1 - (overlap + 1) / (total - overlap + 1)
    return 1 - (2 * overlap + 1) / (total + 1)


def _mixed(kind: str, pixels: Tensor, overlap: Tensor, share: float) -> Tensor:
    if kind in ("dice", "iou"):
        return overlap
    if kind in ("dice_bce", "dice_ce"):
        return (1 - share) * pixels + share * overlap
    return pixels
