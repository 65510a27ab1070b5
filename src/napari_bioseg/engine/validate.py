"""Judge a model on the patches that are kept for validation."""

from __future__ import annotations

import math
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
        Of all patches together, as if they were one batch.
    scores : dict of str to float
        ``"IoU <output>"`` of every binary channel or class at 0.5 (or of the likeliest
        class), over all patches together, ``"error <output>"`` (mean absolute
        difference) of distances, and ``"IoU"``, the mean of the former. NaN, and left
        out of the mean, where there is nothing to judge by: a class that is nowhere
        and was found nowhere.

    Raises
    ------
    MemoryError
        If not even one patch fits into memory.
    """
    size = at_once or plan.workflow.train.batch_size
    processes = processes or Processes()
    tally = _Tally(model, loss)
    model.network.eval()
    try:
        with torch.inference_mode():
            for samples in _shared(plan, processes):
                size = _judge(model, plan, samples, size, tally)
    finally:
        model.network.train()
    sums, counts = processes.sum(tally.losses), processes.sum(tally.counts)
    scores = _scores(model, processes.sum(tally.overlaps))
    return float(loss.mean(sums, counts)), scores


def score_names(model: Model) -> tuple[str, ...]:
    """Return the names of the scores that `validate` gives."""
    return tuple(_scores(model, torch.zeros(len(model.outputs), 3)))


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
    model: Model, plan: Plan, samples: Sequence[Sample], size: int, tally: _Tally
) -> int:
    """Judge one batch; return how many patches fitted into memory together."""
    first = 0
    while first < len(samples):
        part = samples[first : first + size]
        if _attempt(model, plan, part, tally):
            first += len(part)
            continue
        release(model.device)
        if size == 1:
            raise MemoryError(NOT_EVEN_ONE)
        size = -(-len(part) // 2)
    return size


def _attempt(model: Model, plan: Plan, part: Sequence[Sample], tally: _Tally) -> bool:
    """Judge some patches at once; return whether memory sufficed.

    What did not fit is let go on return, so that there is room for fewer.
    """
    try:
        images, targets = to_device(part, model)
        with autocast(model.device, plan.workflow.train):
            logits = model.network(images).float()
        tally.add(logits, targets)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


class _Tally:
    """Sums over patches from which the loss and the scores follow.

    Pixels that are not labelled (`IGNORE` or NaN in the targets) do not count.
    """

    def __init__(self, model: Model, loss: Loss) -> None:
        self._model = model
        self._loss = loss
        # where classes that exclude each other begin: at 0 in semantic tasks
        self._channels = len(model.workflow.channels)
        self.losses = torch.zeros(loss.size, dtype=torch.float64)
        self.counts = torch.zeros(loss.size, dtype=torch.int64)
        # for each output: overlap, union, pixels; or sum of differences, 0, pixels
        self.overlaps = torch.zeros(len(model.outputs), 3, dtype=torch.float64)

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Count one batch."""
        losses = self._loss.sums(logits, targets).cpu()
        counts = self._loss.counts(targets).cpu()
        values = self._model.activate(logits)
        classes = values[:, self._channels :]
        winner = classes.argmax(dim=1) if classes.shape[1] > 1 else None
        new = torch.zeros_like(self.overlaps)
        for index in range(len(new)):
            wanted = targets[:, min(index, self._channels)]
            labelled = wanted != IGNORE
            if index >= self._channels and winner is not None:
                found = winner == index - self._channels
                wanted = wanted == index - self._channels
            elif _is_overlap(self._model, index):
                found, wanted = values[:, index] > 0.5, wanted > 0.5
            else:
                new[index] = self._difference(index, values[:, index], targets)
                continue
            new[index, 0] = float((found & wanted & labelled).sum())
            new[index, 1] = float(((found | wanted) & labelled).sum())
        # all at once: memory may run out before
        self.losses += losses
        self.counts += counts
        self.overlaps += new

    def _difference(self, index: int, values: Tensor, targets: Tensor) -> Tensor:
        difference = (values - targets[:, index]).abs()
        counted = ~torch.isnan(difference)
        if is_masked(self._model.workflow.channels[index]):
            counted &= (targets[:, -1] > 0.5) & (targets[:, -1] != IGNORE)
        difference = difference[counted]
        pixels = float(difference.numel())
        return torch.tensor([float(difference.sum()), 0.0, pixels])


def _is_overlap(model: Model, index: int) -> bool:
    """Whether an output is judged by its overlap with the truth."""
    channels = model.workflow.channels
    return index >= len(channels) or channels[index].is_binary


def _scores(model: Model, sums: Tensor) -> dict[str, float]:
    """Return every score by name."""
    scores = {}
    overlaps = []
    for index, (first, union, pixels) in enumerate(sums.tolist()):
        name = model.outputs[index]
        if _is_overlap(model, index):
            overlaps.append(first / union if union else math.nan)
            scores[f"IoU {name}"] = overlaps[-1]
        else:
            scores[f"error {name}"] = first / pixels if pixels else math.nan
    if overlaps:
        there = [overlap for overlap in overlaps if not math.isnan(overlap)]
        scores["IoU"] = sum(there) / len(there) if there else math.nan
    return scores
