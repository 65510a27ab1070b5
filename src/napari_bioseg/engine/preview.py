"""Show what augmentation makes of the training images before training starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .batch import draw_patch, epoch_order
from .draw_targets import needs_mask
from .pair import Pair
from .plan import make_plan


@dataclass(frozen=True)
class AugmentedSample:
    """One patch as the network will see it.

    Parameters
    ----------
    image : ndarray, (C, [Z,] Y, X), float32
        Normalised and changed.
    targets : ndarray, (T, [Z,] Y, X), float32
        What the network shall return for it; NaN where a pixel counts for nothing.
    names : tuple of str
        Of the targets.
    source : str
        Name of the image that the patch comes from.
    """

    image: NDArray[np.float32]
    targets: NDArray[np.float32]
    names: tuple[str, ...]
    source: str


def augmented_samples(
    pairs: Sequence[Pair], workflow: Workflow, count: int = 9
) -> list[AugmentedSample]:
    """Draw the first patches of a training.

    Parameters
    ----------
    pairs : sequence of Pair
    workflow : Workflow
    count : int
        How many patches.

    Returns
    -------
    list of AugmentedSample
        Cut and changed as training does it, by the same random numbers.

    Raises
    ------
    ValueError
        As `check_pairs` does.

    Examples
    --------
    >>> labels = np.zeros((64, 64), np.int32)
    >>> labels[10:30, 10:30], labels[34:54, 30:50] = 1, 2
    >>> samples = augmented_samples([Pair(labels * 100, labels)], Workflow(), count=2)
    >>> samples[0].names, samples[0].targets.shape
    (('B', 'C'), (2, 64, 64))
    """
    settings = workflow.train
    steps = -(-count // settings.batch_size)
    if settings.steps != "auto":
        steps = max(steps, settings.steps)
        workflow = workflow.replace(train=settings.replace(steps=steps))
    plan = make_plan(pairs, workflow)
    order = epoch_order(plan, 1)
    samples = []
    for place in range(min(count, len(order))):
        image, targets = draw_patch(plan, order[place], 1, place)
        subject = plan.training[int(order[place][0])]
        targets = targets.copy()
        targets[targets == 255] = np.nan
        samples.append(
            AugmentedSample(image, targets, target_names(workflow), subject.pair.name)
        )
    return samples


def target_names(workflow: Workflow) -> tuple[str, ...]:
    """Return a name for every target array of a workflow."""
    if workflow.is_semantic:
        return ("class",)
    return (
        *(channel.name for channel in workflow.channels),
        *(("class",) if workflow.task.has_classes else ()),
        *(("objects",) if needs_mask(workflow.channels) else ()),
    )
