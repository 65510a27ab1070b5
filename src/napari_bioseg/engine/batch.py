"""Batches of patches on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .augment import augment
from .model import Model
from .patches import Sample, draw_order, random_start, read_patch
from .plan import Plan


def to_device(samples: Sequence[Sample], model: Model) -> tuple[Tensor, Tensor]:
    """Stack patches and move them to where the model computes.

    Parameters
    ----------
    samples : sequence of (image, targets)
    model : Model

    Returns
    -------
    images : Tensor, (N, C, [Z,] Y, X)
    targets : Tensor, (N, T, [Z,] Y, X)
    """
    images = torch.from_numpy(np.stack([image for image, _ in samples]))
    targets = torch.from_numpy(np.stack([target for _, target in samples]))
    images = images.to(model.device)
    if model.dimensions == 2:
        images = images.contiguous(memory_format=torch.channels_last)
    return images, targets.to(model.device)


def epoch_order(plan: Plan, epoch: int) -> NDArray[np.int64]:
    """Return, for every patch of an epoch, the subject that it comes from."""
    count = plan.steps * plan.workflow.train.batch_size
    rng = np.random.default_rng([plan.workflow.train.seed, 2, epoch])
    return draw_order(plan.training, plan.patch, count, rng)


def draw_batch(
    plan: Plan,
    order: NDArray[np.int64],
    epoch: int,
    step: int,
    share: tuple[int, int] = (0, 1),
) -> list[Sample]:
    """Draw the patches of one training step.

    Parameters
    ----------
    plan : Plan
    order : ndarray
        From `epoch_order`.
    epoch, step : int
        Together with the seed they decide everything that is random here, so that
        training can go on after an interruption as if there had been none.
    share : (int, int)
        Which process this is, and of how many: each draws its part of the batch.

    Returns
    -------
    list of (image, targets)
        Augmented.
    """
    workflow = plan.workflow
    size = workflow.train.batch_size
    spacing = plan.training[0].pair.pixel_size
    quarter_turns = abs(spacing[-1] / spacing[-2] - 1) < 0.05
    samples = []
    number, processes = share
    for place in range(step * size + number, (step + 1) * size, processes):
        rng = np.random.default_rng([workflow.train.seed, 3, epoch, place])
        subject = plan.training[int(order[place])]
        on_object = rng.random() < workflow.data.foreground
        start = random_start(subject, plan.patch, on_object, rng)
        samples.append(
            augment(
                read_patch(subject, start, plan.patch),
                workflow.augment,
                rng,
                spread=subject.spread,
                quarter_turns=quarter_turns,
            )
        )
    return samples
