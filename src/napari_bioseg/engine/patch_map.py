"""Show where patches fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batch import choose_start, epoch_order
from .plan import Plan

MOST_BINS = 4_000_000
"""Pictures of larger images are coarser."""


@dataclass(frozen=True)
class PatchMap:
    """How often each place of one training image is shown in an epoch.

    Parameters
    ----------
    image : int
        Number of the image in ``plan.training``.
    counts : ndarray, ([Z,] Y, X), float32
        Patches that cover a place, per epoch.
    step : int
        How many pixels of the image one pixel of the picture stands for, per axis.
    """

    image: int
    counts: NDArray[np.float32]
    step: int


def patch_maps(plan: Plan, epochs: int = 10) -> list[PatchMap]:
    """Count which places the patches of some epochs cover, without reading any.

    Parameters
    ----------
    plan : Plan
    epochs : int
        How many epochs to average over; the first ones of the training itself.

    Returns
    -------
    list of PatchMap
        One per training image. Patches are counted where they are cut before they are
        turned, zoomed or moved.
    """
    workflow = plan.workflow
    size = np.array(plan.patch)
    steps = []
    edges: list[NDArray[np.float32]] = []
    for subject in plan.training:
        step = max(
            1, int(np.ceil((np.prod(subject.pair.size) / MOST_BINS) ** (1 / size.size)))
        )
        steps.append(step)
        bins = [-(-length // step) + 1 for length in subject.pair.size]
        edges.append(np.zeros(bins, np.float32))
    for epoch in range(1, epochs + 1):
        for place, (number, cell) in enumerate(epoch_order(plan, epoch)):
            rng = np.random.default_rng([workflow.train.seed, 3, epoch, place])
            subject = plan.training[int(number)]
            start = choose_start(subject, plan.patch, int(cell), workflow.data, rng)
            low, high = _covered(start, size, subject.pair.size, steps[int(number)])
            _add_box(edges[int(number)], low, high)
    maps = []
    for number, differences in enumerate(edges):
        counts = differences
        for axis in range(counts.ndim):
            counts = np.cumsum(counts, axis=axis)
        inner = counts[tuple(slice(0, -1) for _ in range(counts.ndim))]
        maps.append(
            PatchMap(number, (inner / epochs).astype(np.float32), steps[number])
        )
    return maps


def _covered(
    start: list[int], size: NDArray[np.int64], image: tuple[int, ...], step: int
) -> tuple[list[int], list[int]]:
    """Return the first bin of a patch, and the first one behind it."""
    low = [max(at, 0) // step for at in start]
    ends = [
        min(at + n, length) for at, n, length in zip(start, size, image, strict=True)
    ]
    return low, [
        max(-(-int(end) // step), a + 1) for end, a in zip(ends, low, strict=True)
    ]


def _add_box(differences: NDArray[np.float32], low: list[int], high: list[int]) -> None:
    """Add a box to an array of differences, whose running sums are the counts."""
    axes = len(low)
    for corner in np.ndindex(*(2,) * axes):
        place = tuple(h if c else a for c, a, h in zip(corner, low, high, strict=True))
        differences[place] += (-1.0) ** sum(corner)
