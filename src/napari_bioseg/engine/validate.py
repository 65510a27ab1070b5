"""Judge a model on the patches that are kept for validation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .batch import to_device
from .loss import Loss
from .model import Model
from .patches import read_patch
from .plan import Plan
from .precision import autocast
from .targets import is_masked


def validate(model: Model, plan: Plan, loss: Loss) -> tuple[float, dict[str, float]]:
    """Return the loss and the scores on all validation patches.

    Parameters
    ----------
    model : Model
    plan : Plan
        Its grid says which patches; they are not augmented.
    loss : Loss

    Returns
    -------
    loss : float
        Mean over patches.
    scores : dict of str to float
        ``"IoU <output>"`` of every binary channel or class at 0.5 (or of the likeliest
        class), over all patches together, ``"error <output>"`` (mean absolute
        difference) of distances, and ``"IoU"``, the mean of the former.
    """
    size = plan.workflow.train.batch_size
    counts = _Counts(model)
    total = 0.0
    model.network.eval()
    try:
        with torch.inference_mode():
            for first in range(0, len(plan.grid), size):
                chunk = plan.grid[first : first + size]
                samples = [
                    read_patch(plan.validation[index], start, plan.patch)
                    for index, start in chunk
                ]
                images, targets = to_device(samples, model)
                with autocast(model.device, plan.workflow.train, model.dimensions):
                    logits = model.network(images).float()
                total += float(loss(logits, targets)) * len(chunk)
                counts.add(logits, targets)
    finally:
        model.network.train()
    return total / len(plan.grid), counts.scores()


class _Counts:
    """Sums over patches from which the scores follow."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._names: Sequence[str] = model.outputs
        self._sums = torch.zeros(len(self._names), 3, dtype=torch.float64)

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Count one batch: overlap, union and pixels, or the sum of differences."""
        workflow = self._model.workflow
        values = self._model.activate(logits)
        several = workflow.is_semantic and len(self._names) > 1
        winner = values.argmax(dim=1) if several else None
        for index in range(len(self._names)):
            if winner is not None:
                found, wanted = winner == index, targets[:, 0] == index
            elif workflow.is_semantic or workflow.channels[index].is_binary:
                found, wanted = values[:, index] > 0.5, targets[:, index] > 0.5
            else:
                self._add_difference(index, values[:, index], targets)
                continue
            self._sums[index, 0] += float((found & wanted).sum())
            self._sums[index, 1] += float((found | wanted).sum())

    def _add_difference(self, index: int, values: Tensor, targets: Tensor) -> None:
        difference = (values - targets[:, index]).abs()
        if is_masked(self._model.workflow.channels[index]):
            difference = difference[targets[:, -1] > 0.5]
        self._sums[index, 0] += float(difference.sum())
        self._sums[index, 2] += difference.numel()

    def scores(self) -> dict[str, float]:
        """Return every score by name."""
        scores = {}
        overlaps = []
        for name, (first, union, pixels) in zip(
            self._names, self._sums.tolist(), strict=True
        ):
            if pixels:
                scores[f"error {name}"] = first / pixels
            else:
                overlaps.append(first / union if union else 1.0)
                scores[f"IoU {name}"] = overlaps[-1]
        if overlaps:
            scores["IoU"] = sum(overlaps) / len(overlaps)
        return scores
