"""What training images suggest: a task, a patch, a depth, and facts to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_bioseg.counted import counted
from napari_bioseg.settings import InstanceTask, SemanticTask, Workflow
from napari_bioseg.settings.network_size import network_size
from napari_bioseg.settings.patch_size import diameter_of, patch_for, sized

from .device import choose_device
from .free_memory import free_memory
from .labelled import known_ids, read_ids, slabs
from .pair import Pair
from .patches import patches_to_cover
from .survey import survey

MOST_CLASSES = 10
"""Labels with more numbers than this are not taken for classes."""


@dataclass(frozen=True)
class Proposal:
    """Settings that suit some images, and why.

    Parameters
    ----------
    workflow : Workflow
        The settings.
    facts : tuple of str
        What was found, one sentence each.
    """

    workflow: Workflow
    facts: tuple[str, ...]


def propose_workflow(pairs: Sequence[Pair], base: Workflow) -> Proposal:
    """Look at images and labels, and say how to train on them.

    Parameters
    ----------
    pairs : sequence of Pair
    base : Workflow
        Settings that the images say nothing about.

    Returns
    -------
    Proposal
        With the task (classes where few numbers come in many pieces, else objects), the
        patch (by the median diameter of the objects), and a depth and batch size where
        the data or the device are against those of ``base``.

    Raises
    ------
    ValueError
        If there are no pairs.
    """
    if not pairs:
        raise ValueError("there are no training images to look at")
    surveys = [survey(pair, base) for pair in pairs]
    values = sorted({int(value) for found in surveys for value in found.values})
    objects = sum(len(found.values) for found in surveys)
    few = 0 < len(values) <= MOST_CLASSES and values[-1] <= 2 * MOST_CLASSES
    semantic = few and _pieces(pairs[0], base, values) > 4 * len(surveys[0].values)
    first = pairs[0]
    pixels = [found.pixels for found in surveys]
    diameter = 0.0
    if objects and not semantic:
        diameter = diameter_of(
            float(np.median(np.concatenate(pixels))), first.dimensions
        )
    largest = tuple(int(n) for n in np.max([pair.size for pair in pairs], axis=0))
    patch = patch_for(largest, diameter, first.spacing)
    task = SemanticTask(classes=max(values[-1] + 1, 2)) if semantic else InstanceTask()
    device = choose_device(base.train.device)
    size = network_size(
        base,
        patch,
        diameter,
        int(sum(patches_to_cover(pair.size, patch) for pair in pairs)),
        free=free_memory(device),
        gpu=device.type == "cuda",
    )
    workflow = size.applied(base).replace(
        task=task, data=base.data.replace(patch=patch)
    )
    covered = sum(int(part.sum()) for part in pixels)
    share = covered / sum(int(np.prod(pair.size)) for pair in pairs)
    return Proposal(
        workflow,
        (
            _sizes(pairs),
            f"{first.channels} channel{'s' * (first.channels != 1)} of type "
            f"{np.dtype(first.image.dtype)}",
            _spacing(pairs),
            f"classes {', '.join(map(str, values))} in the labels"
            if semantic
            else f"{counted(objects, 'object')}, median diameter {diameter:.0f} px",
            f"{share:.1%} of all pixels are labelled",
            f"patches of {sized(patch)} px suit these",
            *size.reasons.values(),
        ),
    )


def _pieces(pair: Pair, workflow: Workflow, values: Sequence[int]) -> int:
    """Count the connected pieces of every label in the first slab."""
    from scipy import ndimage

    ids = known_ids(read_ids(pair, next(slabs(pair.labels)), workflow.data))
    return sum(int(ndimage.label(ids == value)[1]) for value in values)


def _sizes(pairs: Sequence[Pair]) -> str:
    sizes = sorted({pair.size for pair in pairs}, key=np.prod)
    shown = [sized(size) for size in (sizes[0], sizes[-1])]
    size = " to ".join(dict.fromkeys(shown))
    count = f"{len(pairs)} image{'s' * (len(pairs) != 1)}"
    return f"{count} in {pairs[0].dimensions}-D, {size} px"


def _spacing(pairs: Sequence[Pair]) -> str:
    spacings = {pair.spacing for pair in pairs}
    if spacings == {None}:
        return "the files do not say how large a pixel is"
    if len(spacings) > 1:
        return (
            "pixels differ in size from image to image; the first image's size is used"
        )
    return f"a pixel measures {sized(pairs[0].pixel_size)}"
