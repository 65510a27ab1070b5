"""A few validation patches, to show what the network makes of them."""

from __future__ import annotations

import numpy as np

from .patches import Sample, read_patch
from .plan import Plan

COUNT = 4
"""How many are shown at most."""


def examples(plan: Plan, count: int = COUNT) -> tuple[Sample, ...]:
    """Return patches spread evenly over the validation images.

    Parameters
    ----------
    plan : Plan
    count : int
        Most of them.

    Returns
    -------
    tuple of (image, targets)
        Normalised and not augmented, as `read_patch` returns them; of the training
        images where nothing is kept for validation.
    """
    if plan.grid:
        size = min(count, len(plan.grid))
        places = np.linspace(0, len(plan.grid) - 1, size).round().astype(int)
        chosen = [plan.grid[place] for place in places]
        return tuple(
            read_patch(plan.validation[index], start, plan.patch)
            for index, start in chosen
        )
    return tuple(
        read_patch(subject, [part.start for part in subject.bounds], plan.patch)
        for subject in plan.training[:count]
    )
