"""What must hold for training with images and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_bioseg.counted import counted
from napari_bioseg.settings import Workflow

from .labelled import slabs
from .pair import Pair
from .pair_classes import check_object_classes

LARGEST_LABEL = 2**31 - 2
"""Labels are held as int32, and hidden ones as `HIDDEN` less the label."""
MANY_LABELS = 1 << 20
"""Labels below this are counted in a table."""
MAX_CHECKED = 100_000_000
"""Of larger images only an even grid of about this many pixels is looked at."""


def check_pairs(pairs: Sequence[Pair], workflow: Workflow) -> None:
    """Raise a clear error unless these pairs can train this workflow.

    Parameters
    ----------
    pairs : sequence of Pair
    workflow : Workflow

    Raises
    ------
    ValueError
        If there are none; an image and its labels differ in size; labels are not whole
        numbers, negative, all of one value, beyond the task's classes, or sparse
        without any background; images differ in channels or dimensions; an image holds
        NaN or infinity, or objects but only one intensity.
    """
    if not pairs:
        raise ValueError(
            "there are no training images; give at least one image with its labels"
        )
    for index, pair in enumerate(pairs):
        _check_shape(pair, _title(pair, index))
    first = pairs[0]
    for index, pair in enumerate(pairs[1:], start=1):
        _check_alike(first, pair, _title(first, 0), _title(pair, index))
    _check_patch_axes(first, workflow)
    seen: set[int] = set()
    for index, pair in enumerate(pairs):
        title = _title(pair, index)
        values = _label_values(pair, title)
        _check_intensities(pair, title, has_objects=len(values) > 1)
        seen |= values
        check_object_classes(pair, title, workflow)
    _check_labels(seen, pairs, workflow)


def _title(pair: Pair, index: int) -> str:
    return f"image {pair.name!r}" if pair.name else f"image {index + 1}"


def _check_shape(pair: Pair, title: str) -> None:
    image, labels = tuple(pair.image.shape), tuple(pair.labels.shape)
    if len(labels) not in (2, 3):
        raise ValueError(
            f"{title}: labels have shape {labels}; they must be 2-D (Y, X) or 3-D "
            "(Z, Y, X): give each time point as a pair of its own"
        )
    if np.dtype(pair.labels.dtype).kind not in "iub":
        raise ValueError(
            f"{title}: labels are {np.dtype(pair.labels.dtype)}, but must be whole "
            "numbers (0 is background); convert them with labels.astype('int32')"
        )
    if len(image) == len(labels) + 1 and image[:-1] == labels != image[1:]:
        raise ValueError(
            f"{title}: its {image[-1]} channels are the last axis of shape {image}; "
            "the channel axis comes first here: np.moveaxis(image, -1, 0)"
        )
    spatial = image[1:] if len(image) == len(labels) + 1 else image
    if spatial != labels and labels[-1] in (3, 4) and labels[:-1] in (image, image[1:]):
        raise ValueError(
            f"{title}: labels of shape {labels} look like a picture in colours; give "
            f"one number per pixel, of shape {labels[:-1]}: the number of its object "
            "or class, 0 for background"
        )
    if spatial != labels:
        raise ValueError(
            f"{title}: the image has shape {image} and its labels {labels}; their "
            "spatial sizes must be equal, with at most one channel axis in front of "
            "the image"
        )
    if 0 in image:
        raise ValueError(f"{title} is empty: its shape is {image}")
    if pair.spacing is not None and (
        len(pair.spacing) != len(labels) or not all(s > 0 for s in pair.spacing)
    ):
        raise ValueError(
            f"{title}: spacing {pair.spacing} must be {len(labels)} sizes above 0, "
            "one per spatial axis"
        )


def _check_alike(first: Pair, pair: Pair, first_title: str, title: str) -> None:
    if pair.dimensions != first.dimensions:
        raise ValueError(
            f"{title} is {pair.dimensions}-D, but {first_title} is "
            f"{first.dimensions}-D; one network learns either 2-D or 3-D images"
        )
    if pair.channels != first.channels:
        raise ValueError(
            f"{title} has {counted(pair.channels, 'channel')} "
            f"(shape {tuple(pair.image.shape)}), "
            f"but {first_title} has {first.channels} (shape "
            f"{tuple(first.image.shape)}); all training images need the same channels"
        )


def _check_patch_axes(pair: Pair, workflow: Workflow) -> None:
    patch = workflow.data.patch
    if patch != "auto" and len(patch) != pair.dimensions:
        raise ValueError(
            f"data.patch = {patch} has {len(patch)} sizes, but the images are "
            f"{pair.dimensions}-D; give {pair.dimensions} sizes or 'auto'"
        )


def _label_values(pair: Pair, title: str) -> set[int]:
    """Return the labels that occur."""
    values: set[int] = set()
    for slab in slabs(pair.labels):
        labels = np.asarray(pair.labels[slab])
        low, high = int(labels.min()), int(labels.max())
        if low < 0:
            raise ValueError(
                f"{title}: labels go down to {low}, but must be 0 (background) or more"
            )
        if high > LARGEST_LABEL:
            raise ValueError(
                f"{title}: labels go up to {high}, but at most to {LARGEST_LABEL}; "
                "renumber them with skimage.segmentation.relabel_sequential"
            )
        if high < MANY_LABELS:
            counts = np.bincount(labels.astype(np.int32, copy=False).ravel())
            values |= set(np.flatnonzero(counts).tolist())
        else:
            values |= set(np.unique(labels).tolist())
    return values


def _check_intensities(pair: Pair, title: str, *, has_objects: bool) -> None:
    step = max(1, round((np.prod(pair.size) / MAX_CHECKED) ** (1 / pair.dimensions)))
    image = pair.read((slice(None, None, step),) * pair.dimensions)
    if image.dtype.kind not in "iufb":
        raise ValueError(f"{title} is of type {image.dtype}, but must be real numbers")
    if image.dtype.kind == "f":
        bad = int(image.size - np.count_nonzero(np.isfinite(image)))
        if bad:
            raise ValueError(
                f"{title}: {bad} of its {image.size} values are NaN or infinite; "
                "replace them first, for example with numpy.nan_to_num"
            )
    if has_objects and all(channel.min() == channel.max() for channel in image):
        raise ValueError(
            f"{title} is constant (every pixel is {image.flat[0]}), but its labels "
            "show objects; is this the right image?"
        )


def _check_labels(values: set[int], pairs: Sequence[Pair], workflow: Workflow) -> None:
    data = workflow.data
    if len(values) == 1 and all(pair.counts is None for pair in pairs):
        value = values.copy().pop()
        what = "only background" if value == 0 else f"the value {value} everywhere"
        raise ValueError(
            f"the labels hold {what}, so there is nothing to learn; paint a few "
            "objects (and leave background at 0)"
        )
    meant = values - {data.ignore_label, data.background_label}
    if data.unlabelled == "ignored":
        _check_sparse(values, meant - {0}, workflow)
    if workflow.is_semantic:
        _check_classes(meant, workflow.task.classes)


def _check_sparse(values: set[int], objects: set[int], workflow: Workflow) -> None:
    """Refuse sparse labels from which background, or anything else, cannot be told."""
    background = workflow.data.background_label
    several = workflow.is_semantic and workflow.task.classes > 2
    if background != "off" and background not in values:
        raise ValueError(
            f"data.background_label is {background}, but no pixel has that label; "
            f"paint some background with it (there are {_listed(values)})"
        )
    if background == "off" and not (several and len(objects) > 1):
        raise ValueError(
            "unlabelled pixels are ignored and nothing is labelled as background, so "
            "the network cannot learn what background is; paint some background with "
            "a label of its own and set data.background_label to it"
        )
    if not objects:
        raise ValueError(
            f"the labels hold background ({background}) only, so there is nothing to "
            "learn; paint a few objects"
        )


def _check_classes(values: set[int], classes: int) -> None:
    highest = max(values, default=0)
    if highest < classes or (classes == 2 and len(values - {0}) == 1):
        return  # a mask of 0 and 255, say, is as good as one of 0 and 1
    gaps = ""
    if len(values | {0}) <= classes:
        gaps = (
            f"number the classes {_listed(values | {0})} without gaps, for example "
            "with numpy.unique(labels, return_inverse=True), "
        )
    raise ValueError(
        f"the labels go up to {highest}, but the task has {classes} classes, "
        f"0 to {classes - 1}; {gaps}set task.classes to {highest + 1}, or choose the "
        "task 'instance' if the numbers tell objects apart"
    )


def _listed(values: set[int]) -> str:
    some = sorted(values)
    more = f" and {len(some) - 8} more" if len(some) > 8 else ""
    return ", ".join(map(str, some[:8])) + more
