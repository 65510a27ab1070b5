"""Labels of images predicted one by one along time or slices, in one file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.settings import Workflow

from .label_blocks import Block, write_label_blocks
from .model_input import ModelInput
from .stack import Stack
from .tiff_from_zarr import growing, tiff_from_zarr
from .unfinished import PyramidGrown


def one_by_one(letters: str, workflow: Workflow) -> bool:
    """Say whether the images of a stack are labelled each by itself.

    Parameters
    ----------
    letters : str
        Axes along which they were predicted one by one: T, Z, both or none.
    workflow : Workflow
        Slices are a volume where its settings work along Z.

    Returns
    -------
    bool
    """
    joins = any(step.step == "join_slices" for step in workflow.cleanup.running)
    volume = letters == "Z" and (joins or workflow.instances.by_slice)
    return bool(letters) and not volume


def label_stack(
    path: Path,
    name: str,
    channels: ModelInput,
    full: float,
    workflow: Workflow,
    image: Stack | None = None,
) -> Generator[tuple[int, int], None, int]:
    """Find the objects of each image of a stack by itself.

    Parameters
    ----------
    path : Path
        TIFF or zarr folder to write, with the axes T, Z, Y and X as far as there are.
    name : str
        Name of the stack.
    channels : ModelInput
        The predictions, with the dimensions of the model.
    full : float
        What a probability of 1 is stored as.
    workflow : Workflow
        Says how objects are found.
    image : Stack, optional
        What was predicted, for steps that look at it.

    Yields
    ------
    tuple of (int, int)
        Images done, and all.

    Returns
    -------
    int
        Objects found, or for a semantic task pixels of foreground; each image is
        numbered from 1.
    """
    from napari_bioseg.channels import Prediction
    from napari_bioseg.cleanup import find_labels

    stack = channels.stack()
    places = list(stack.places)
    _, *size = channels.shape
    spacing = channels.info.spacing
    within = None if spacing is None else spacing[-len(size) :]
    total = 0

    def blocks() -> Iterator[Block]:
        nonlocal total
        for place in places:
            values = np.asarray(stack.read(place), np.float32) / np.float32(full)
            prediction = Prediction(values, workflow.outputs, spacing=within)
            pixels = None if image is None else image.read(place)
            labels, _ = find_labels(prediction, workflow, image=pixels)
            objects = np.count_nonzero(np.bincount(labels.ravel())[1:])
            semantic = workflow.is_semantic
            total += int(np.count_nonzero(labels) if semantic else objects)
            yield place, labels

    grows = path if path.suffix == ".zarr" else growing(path)
    facts: dict[str, Any] = {
        "spacing": spacing,
        "unit": channels.info.unit,
        "source": name,
        "leading": len(stack.leading),
    }
    axes = stack.letters + "ZYX"[-len(size) :]
    shape = (*stack.leading, *size)
    for event in write_label_blocks(grows, blocks(), shape, axes, **facts):
        if not isinstance(event, PyramidGrown):
            yield event, len(places)
    if grows != path:
        tiff_from_zarr(path)
    return total
