"""What the training data are, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_bioseg.settings.patch_size import sized

from .plan import Plan
from .targets import Subject


def data_facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Describe the data of a training.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    tuple of (str, str)
        Names and values, to be shown as a table.
    """
    first = plan.training[0].pair
    facts = [
        ("training images", _images(plan.training)),
        ("validation images", _images(plan.validation)),
        ("image channels", str(first.channels)),
        ("image type", str(np.dtype(first.image.dtype))),
        ("pixel size", sized(first.pixel_size)),
        ("patch", sized(plan.patch)),
        ("patches in an epoch", str(plan.steps * plan.workflow.train.batch_size)),
        ("validation patches", str(len(plan.grid))),
    ]
    if not plan.workflow.is_semantic:
        objects = sum(subject.objects for subject in plan.training)
        facts.insert(2, ("objects to learn from", f"{objects:,}"))
    return tuple(facts)


def _images(subjects: Sequence[Subject]) -> str:
    """Say how many images there are and how large: ``3, 64 × 64 to 80 × 90``."""
    if not subjects:
        return "none"
    sizes = sorted({subject.size for subject in subjects}, key=np.prod)
    shown = [sized(size) for size in (sizes[0], sizes[-1])]
    return f"{len(subjects)}, {' to '.join(dict.fromkeys(shown))} px"
