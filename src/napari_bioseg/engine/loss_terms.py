"""The terms that losses are made of; pixels that are not labelled count for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from napari_bioseg.settings.task import IGNORE

ClassWeight = float | Literal["auto"]
FOCUS = 2
"""Exponent of the focal loss, as published."""
_TINY = 1e-12


def binary_loss(
    logits: Tensor,
    targets: Tensor,
    kind: str,
    *,
    dice_share: float = 0.5,
    positive_weight: ClassWeight = 1.0,
) -> Tensor:
    """Return the loss of one channel of probabilities.

    Parameters
    ----------
    logits : Tensor
        The network's output, before the sigmoid.
    targets : Tensor, of the same shape
        1 inside, 0 outside, 255 where nobody knows.
    kind : {"bce", "dice", "dice_bce", "iou", "focal"}
        Cross-entropy; Dice; both; Jaccard index; focal loss.
    dice_share : float
        Share of Dice in ``dice_bce``.
    positive_weight : float or "auto"
        Weight of the inside in cross-entropy and focal loss; auto gives inside and
        outside the same sum of weights.

    Returns
    -------
    Tensor
        One number; 0 where nothing is known.

    References
    ----------
    Lin et al., 2017 (focal), https://doi.org/10.1109/ICCV.2017.324
    """
    known = (targets != IGNORE).to(logits.dtype)
    wanted = targets * known
    if kind in ("dice", "iou"):
        overlap = dice_loss if kind == "dice" else iou_loss
        return overlap(torch.sigmoid(logits), wanted, known)
    each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    if kind == "focal":
        each = each * (1 - torch.exp(-each)) ** FOCUS
    weights = known * _sided(wanted, known, positive_weight)
    loss = _mean(each, weights)
    if kind != "dice_bce":
        return loss
    dice = dice_loss(torch.sigmoid(logits), wanted, known)
    return (1 - dice_share) * loss + dice_share * dice


def class_loss(
    logits: Tensor,
    targets: Tensor,
    kind: str,
    *,
    dice_share: float = 0.5,
    weights: Sequence[ClassWeight] = (),
) -> Tensor:
    """Return the loss of classes that exclude each other.

    Parameters
    ----------
    logits : Tensor, (N, classes, [Z,] Y, X)
        The network's output, before the softmax.
    targets : Tensor, (N, [Z,] Y, X)
        Class of each pixel, 255 where nobody knows.
    kind : {"cross_entropy", "dice", "dice_ce", "iou", "focal"}
    dice_share : float
        Share of Dice in ``dice_ce``.
    weights : sequence of float or "auto"
        One per class, or one for all; none counts all alike. Auto is the inverse of
        the class's share of the batch.

    Returns
    -------
    Tensor
        One number; 0 where nothing is known. Overlaps are averaged over the classes by
        their weights.
    """
    known = targets != IGNORE
    index = torch.where(known, targets, 0).long()
    weight = _class_weights(weights, index, known, logits)
    parts = []
    if kind not in ("dice", "iou"):
        each = functional.cross_entropy(logits, index, reduction="none")
        if kind == "focal":
            each = each * (1 - torch.exp(-each)) ** FOCUS
        parts.append(_mean(each, weight[index] * known))
    if kind in ("dice", "dice_ce", "iou"):
        overlap = iou_loss if kind == "iou" else dice_loss
        probabilities = torch.softmax(logits, dim=1)
        mask = known.to(logits.dtype)
        each = torch.stack(
            [
                overlap(probabilities[:, number], (index == number) * mask, mask)
                for number in range(logits.shape[1])
            ]
        )
        parts.append(_mean(each, weight))
    if len(parts) == 1:
        return parts[0]
    return (1 - dice_share) * parts[0] + dice_share * parts[1]


def distance_loss(
    values: Tensor, targets: Tensor, kind: str, inside: Tensor | None = None
) -> Tensor:
    """Return the mean difference, of the pixels inside objects only if those are given.

    Parameters
    ----------
    values : Tensor
        After the activation.
    targets : Tensor, of the same shape
        NaN where nobody knows.
    kind : {"smooth_l1", "l1", "mse"}
    inside : Tensor, optional
        1 inside objects, 0 elsewhere, 255 where nobody knows.

    Returns
    -------
    Tensor
        One number; 0 where nothing is known or inside.
    """
    functions = {
        "smooth_l1": functional.smooth_l1_loss,
        "l1": functional.l1_loss,
        "mse": functional.mse_loss,
    }
    counted = torch.isfinite(targets)
    wanted = torch.where(counted, targets, 0.0)
    if inside is not None:
        counted = counted & (inside == 1)
    each = functions[kind](values, wanted, reduction="none")
    return _mean(each, counted.to(values.dtype))


def dice_loss(
    probabilities: Tensor, targets: Tensor, known: Tensor | None = None
) -> Tensor:
    """Return 1 - Dice of one channel over the whole batch; 0 where both are empty.

    Parameters
    ----------
    probabilities, targets : Tensor
        Of one shape, 0 to 1.
    known : Tensor, optional
        1 where pixels count, 0 elsewhere, where targets must be 0 too.

    Returns
    -------
    Tensor
        One number, 0 to 1.

    References
    ----------
    Milletari et al., 2016, https://doi.org/10.1109/3DV.2016.79

    Examples
    --------
    >>> half = torch.tensor([1.0, 1.0, 0.0, 0.0])
    >>> round(float(dice_loss(half, half)), 3)
    0.0
    """
    overlap, total = _overlap(probabilities, targets, known)
    return 1 - (2 * overlap + 1) / (total + 1)


def iou_loss(
    probabilities: Tensor, targets: Tensor, known: Tensor | None = None
) -> Tensor:
    """Return 1 - Jaccard index of one channel over the whole batch.

    Parameters
    ----------
    probabilities, targets, known : Tensor
        As for `dice_loss`.

    Returns
    -------
    Tensor
        One number, 0 to 1; 0 where both are empty.

    References
    ----------
    Rahman and Wang, 2016, https://doi.org/10.1007/978-3-319-50835-1_22
    """
    overlap, total = _overlap(probabilities, targets, known)
    return 1 - (overlap + 1) / (total - overlap + 1)


def _overlap(
    probabilities: Tensor, targets: Tensor, known: Tensor | None
) -> tuple[Tensor, Tensor]:
    overlap = (probabilities * targets).sum()
    counted = probabilities if known is None else probabilities * known
    return overlap, counted.sum() + targets.sum()


def _mean(each: Tensor, weights: Tensor) -> Tensor:
    """Return the mean by weights; 0, with no gradient, where all of them are 0."""
    return (each * weights).sum() / weights.sum().clamp(min=_TINY)


def _sided(wanted: Tensor, known: Tensor, positive: ClassWeight) -> Tensor | float:
    """Return the weight of each pixel of a binary channel."""
    if positive == 1:
        return 1.0
    inside = wanted > 0.5
    if positive != "auto":
        return torch.where(inside, positive, 1.0)
    count = inside.sum()
    other = known.sum() - count
    balanced = torch.where((count > 0) & (other > 0), other / count.clamp(min=1), 1.0)
    return torch.where(inside, balanced, 1.0)


def _class_weights(
    weights: Sequence[ClassWeight], index: Tensor, known: Tensor, logits: Tensor
) -> Tensor:
    """Return one weight per class."""
    classes = logits.shape[1]
    if not weights:
        return logits.new_ones(classes)
    if len(weights) == 1:
        weights = [weights[0]] * classes
    fixed = [1.0 if weight == "auto" else weight for weight in weights]
    out = torch.tensor(fixed, dtype=logits.dtype, device=logits.device)
    if "auto" not in weights:
        return out
    counts = torch.stack([((index == n) & known).sum() for n in range(classes)])
    rarity = known.sum() / ((counts > 0).sum() * counts).clamp(min=1)
    auto = torch.tensor([weight == "auto" for weight in weights], device=logits.device)
    return torch.where(auto & (counts > 0), rarity.to(logits.dtype), out)
