"""Batches of patches on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_bioseg.settings import DataSettings

from .augment import augment
from .geometry import draw_geometry
from .model import Model
from .patches import (
    DeviceSample,
    Sample,
    draw_order,
    grid_order,
    grid_start,
    random_start,
    read_patch,
)
from .plan import Plan
from .targets import Subject
from .warp import read_warped


def to_device(
    samples: Sequence[Sample] | Sequence[DeviceSample], model: Model
) -> tuple[Tensor, Tensor]:
    """Stack patches and move them to where the model computes.

    Parameters
    ----------
    samples : sequence of (image, targets)
        Arrays, or tensors that are there already.
    model : Model

    Returns
    -------
    images : Tensor, (N, C, [Z,] Y, X)
    targets : Tensor, (N, T, [Z,] Y, X)
    """
    images, targets = (_stacked(arrays) for arrays in zip(*samples, strict=True))
    if model.device.type == "cuda" and not images.is_cuda:
        # copied while the GPU is still busy
        images, targets = images.pin_memory(), targets.pin_memory()
    images = images.to(model.device, non_blocking=True)
    if model.dimensions == 2:
        images = images.contiguous(memory_format=torch.channels_last)
    return images, targets.to(model.device, non_blocking=True)


def stacked_targets(samples: Sequence[Sample] | Sequence[DeviceSample]) -> Tensor:
    """Stack the targets of patches, (N, T, [Z,] Y, X), where they lie."""
    return _stacked([targets for _, targets in samples])


def _stacked(arrays: Sequence[NDArray[np.float32] | Tensor]) -> Tensor:
    there = [array for array in arrays if isinstance(array, Tensor)]
    return torch.stack(there) if there else torch.from_numpy(np.stack(arrays))


def epoch_order(plan: Plan, epoch: int) -> NDArray[np.int64]:
    """Return, for every patch of an epoch, where it comes from.

    Parameters
    ----------
    plan : Plan
    epoch : int

    Returns
    -------
    ndarray, (patches, 2)
        Number of the subject, and of the place on its grid, or -1 for a random place.
    """
    count = plan.steps * plan.workflow.train.batch_size
    rng = np.random.default_rng([plan.workflow.train.seed, 2, epoch])
    if plan.workflow.data.patches == "grid":
        return grid_order(plan.training, plan.patch, count, rng)
    order = draw_order(plan.training, plan.patch, count, rng)
    return np.stack([order, np.full_like(order, -1)], axis=1)


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
    size = plan.workflow.train.batch_size
    number, processes = share
    places = range(step * size + number, (step + 1) * size, processes)
    return [draw_patch(plan, order[place], epoch, place) for place in places]


def draw_patch(plan: Plan, source: NDArray[np.int64], epoch: int, place: int) -> Sample:
    """Draw one patch, changed at random.

    Parameters
    ----------
    plan : Plan
    source : ndarray, (2,)
        A row of `epoch_order`.
    epoch, place : int
        They decide, with the seed, everything that is random.

    Returns
    -------
    tuple of ndarray
        Image and targets.
    """
    workflow = plan.workflow
    rng = np.random.default_rng([workflow.train.seed, 3, epoch, place])
    subject = plan.training[int(source[0])]
    start = choose_start(subject, plan.patch, int(source[1]), workflow.data, rng)
    spacing = subject.pair.pixel_size
    geometry = draw_geometry(workflow.augment, plan.patch, spacing, rng)
    if geometry is None:
        sample = read_patch(subject, start, plan.patch)
    else:
        sample = read_warped(subject, start, plan.patch, geometry, workflow)
    return augment(
        sample,
        workflow.augment,
        rng,
        spread=subject.spread,
        quarter_turns=has_square_pixels(subject),
        spacing=spacing,
    )


def has_square_pixels(subject: Subject) -> bool:
    """Whether pixels are as high as wide, so that quarter turns look natural."""
    spacing = subject.pair.pixel_size
    return abs(spacing[-1] / spacing[-2] - 1) < 0.05


def choose_start(
    subject: Subject,
    patch: tuple[int, ...],
    cell: int,
    data: DataSettings,
    rng: np.random.Generator,
) -> list[int]:
    """Return where a patch starts: on the grid, or at random where ``cell`` is -1."""
    if cell >= 0:
        return grid_start(subject, patch, cell)
    return random_start(subject, patch, rng.random() < data.foreground, rng)
