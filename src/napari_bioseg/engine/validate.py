"""Judge a model on the patches that are kept for validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from napari_bioseg.settings.task import IGNORE

from .batch import to_device
from .loss import Loss
from .model import Model
from .out_of_memory import NOT_EVEN_ONE, is_out_of_memory, release
from .patches import Sample, read_patch
from .plan import Plan
from .precision import autocast
from .processes import Processes
from .targets import is_masked


def validate(
    model: Model,
    plan: Plan,
    loss: Loss,
    *,
    at_once: int | None = None,
    processes: Processes | None = None,
) -> tuple[float, dict[str, float]]:
    """Return the loss and the scores on all validation patches.

    Parameters
    ----------
    model : Model
    plan : Plan
        Its grid says which patches; they are not augmented.
    loss : Loss
    at_once : int, optional
        Patches that fit into memory together; a batch if not given. Fewer are tried
        where that was too hopeful.
    processes : Processes, optional
        Which share the patches.

    Returns
    -------
    loss : float
        Mean over patches.
    scores : dict of str to float
        ``"IoU <output>"`` of every binary channel or class at 0.5 (or of the likeliest
        class), over all patches together, ``"error <output>"`` (mean absolute
        difference) of distances, and ``"IoU"``, the mean of the former.

    Raises
    ------
    MemoryError
        If not even one patch fits into memory.
    """
    size = at_once or plan.workflow.train.batch_size
    processes = processes or Processes()
    counts = _Counts(model)
    total = torch.zeros(1, dtype=torch.float64)
    model.network.eval()
    try:
        with torch.inference_mode():
            for samples in _shared(plan, processes):
                value, size = _judge(model, plan, loss, samples, size, counts)
                total += value
    finally:
        model.network.train()
    total, counts.sums = processes.sum(total), processes.sum(counts.sums)
    return float(total) / len(plan.grid), counts.scores()


def score_names(model: Model) -> tuple[str, ...]:
    """Return the names of the scores that `validate` gives."""
    return tuple(_Counts(model).scores())


def _shared(plan: Plan, processes: Processes) -> Iterator[list[Sample]]:
    """Read this process's validation patches, a batch at a time."""
    rank, count = processes.share
    mine = plan.grid[rank::count]
    size = plan.workflow.train.batch_size
    for first in range(0, len(mine), size):
        yield [
            read_patch(plan.validation[index], start, plan.patch)
            for index, start in mine[first : first + size]
        ]


def _judge(
    model: Model,
    plan: Plan,
    loss: Loss,
    samples: Sequence[Sample],
    size: int,
    counts: _Counts,
) -> tuple[float, int]:
    """Judge one batch; return the sum of its losses and how many patches fitted."""
    total, first = 0.0, 0
    while first < len(samples):
        part = samples[first : first + size]
        value = _attempt(model, plan, loss, part, counts)
        if value is not None:
            total += value
            first += len(part)
            continue
        release(model.device)
        if size == 1:
            raise MemoryError(NOT_EVEN_ONE)
        size = -(-len(part) // 2)
    return total, size


def _attempt(
    model: Model, plan: Plan, loss: Loss, part: Sequence[Sample], counts: _Counts
) -> float | None:
    """Judge some patches at once; return the sum of their losses, None if too many.

    What did not fit is let go on return, so that there is room for fewer.
    """
    try:
        images, targets = to_device(part, model)
        with autocast(model.device, plan.workflow.train):
            logits = model.network(images).float()
        value = float(loss(logits, targets)) * len(part)
        counts.add(logits, targets)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    return value


class _Counts:
    """Sums over patches from which the scores follow.

    Pixels that are not labelled (`IGNORE` or NaN in the targets) do not count.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._names: Sequence[str] = model.outputs
        # where classes that exclude each other begin: at 0 in semantic tasks
        self._channels = len(model.workflow.channels)
        self.sums = torch.zeros(len(self._names), 3, dtype=torch.float64)

    def _is_overlap(self, index: int) -> bool:
        channels = self._model.workflow.channels
        return index >= len(channels) or channels[index].is_binary

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Count one batch: overlap, union and pixels, or the sum of differences."""
        values = self._model.activate(logits)
        classes = values[:, self._channels :]
        winner = classes.argmax(dim=1) if classes.shape[1] > 1 else None
        new = torch.zeros_like(self.sums)
        for index in range(len(self._names)):
            wanted = targets[:, min(index, self._channels)]
            labelled = wanted != IGNORE
            if index >= self._channels and winner is not None:
                found = winner == index - self._channels
                wanted = wanted == index - self._channels
            elif self._is_overlap(index):
                found, wanted = values[:, index] > 0.5, wanted > 0.5
            else:
                new[index] = self._difference(index, values[:, index], targets)
                continue
            new[index, 0] = float((found & wanted & labelled).sum())
            new[index, 1] = float(((found | wanted) & labelled).sum())
        self.sums += new  # all at once: memory may run out before

    def _difference(self, index: int, values: Tensor, targets: Tensor) -> Tensor:
        difference = (values - targets[:, index]).abs()
        counted = ~torch.isnan(difference)
        if is_masked(self._model.workflow.channels[index]):
            counted &= (targets[:, -1] > 0.5) & (targets[:, -1] != IGNORE)
        difference = difference[counted]
        pixels = float(difference.numel())
        return torch.tensor([float(difference.sum()), 0.0, pixels])

    def scores(self) -> dict[str, float]:
        """Return every score by name."""
        scores = {}
        overlaps = []
        for index, (first, union, pixels) in enumerate(self.sums.tolist()):
            name = self._names[index]
            if self._is_overlap(index):
                overlaps.append(first / union if union else 1.0)
                scores[f"IoU {name}"] = overlaps[-1]
            else:
                scores[f"error {name}"] = first / pixels if pixels else 0.0
        if overlaps:
            scores["IoU"] = sum(overlaps) / len(overlaps)
        return scores
