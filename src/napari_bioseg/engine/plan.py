"""Decide, before training starts, everything that settings leave to the images."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg import __version__
from napari_bioseg.settings import TrainedOn, Workflow

from .networks import Shape, network_shape
from .pair import Pair, check_pairs
from .patches import grid_starts, patches_to_cover
from .targets import Region, Subject, make_subjects

MIN_STRIP = 16
"""A validation strip of a single image is at least this wide, in pixels."""
PATCH, PATCH_VOXELS = 128, 64 * 1024
"""Side of automatic patches in 2-D; in 3-D, about how many voxels they have."""
MIN_STEPS, MAX_STEPS = 16, 1000
"""Limits of the steps of an epoch when these are automatic."""


@dataclass(frozen=True)
class Plan:
    """What training will do, with nothing left open.

    Parameters
    ----------
    workflow : Workflow
        With ``trained`` filled in.
    training, validation : tuple of Subject
        Images, or parts of one image, to learn from and to judge by.
    grid : tuple of (int, list of int)
        Validation patches: which subject, and where each starts.
    patch : tuple of int
    steps : int
        Optimiser steps per epoch.
    notes : tuple of str
        Decisions that the user may want to know.
    """

    workflow: Workflow
    training: tuple[Subject, ...]
    validation: tuple[Subject, ...]
    grid: tuple[tuple[int, tuple[int, ...]], ...]
    patch: tuple[int, ...]
    steps: int
    notes: tuple[str, ...]


def make_plan(pairs: Sequence[Pair], workflow: Workflow) -> Plan:
    """Check the pairs and settle patch, validation, steps and targets.

    Parameters
    ----------
    pairs : sequence of Pair
    workflow : Workflow

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        As `check_pairs` does.
    """
    check_pairs(pairs, workflow)
    first = pairs[0]
    shape = network_shape(workflow.network, first.dimensions, first.pixel_size)
    patch, notes = choose_patch(pairs, workflow, shape)
    rng = np.random.default_rng([workflow.train.seed, 1])
    training, validation, split_notes = _split(pairs, workflow, rng)
    train = workflow.train
    if train.steps == "auto":
        cover = sum(patches_to_cover(subject.size, patch) for subject in training)
        steps = min(max(math.ceil(cover / train.batch_size), MIN_STEPS), MAX_STEPS)
    else:
        steps = train.steps
    grid = [
        (index, tuple(start))
        for index, subject in enumerate(validation)
        for start in grid_starts(subject, patch)
    ]
    limit = max(64, steps * train.batch_size // 4)
    if len(grid) > limit:
        kept = np.linspace(0, len(grid) - 1, limit).round().astype(int)
        grid = [grid[i] for i in kept]
    facts = TrainedOn(
        dimensions=2 if first.dimensions == 2 else 3,
        in_channels=first.channels,
        spacing=first.pixel_size,
        patch=patch,
        images=len(pairs),
        digest=_digest((*training, *validation)),
        version=__version__,
    )
    return Plan(
        workflow=workflow.replace(trained=facts),
        training=training,
        validation=validation,
        grid=tuple(grid),
        patch=patch,
        steps=steps,
        notes=(*notes, *split_notes),
    )


def choose_patch(
    pairs: Sequence[Pair], workflow: Workflow, shape: Shape
) -> tuple[tuple[int, ...], list[str]]:
    """Choose the size of training patches.

    Parameters
    ----------
    pairs : sequence of Pair
    workflow : Workflow
        ``data.patch`` is a size or ``"auto"``.
    shape : Shape
        The network's; patches are whole multiples of its smallest size.

    Returns
    -------
    patch : tuple of int
        Size per axis. Automatic: `PATCH` pixels along y and x in 2-D; in 3-D about
        `PATCH_VOXELS`, as deep as wide in units; less where all images are smaller.
    notes : list of str
        Where it differs from the setting, or images are smaller.
    """
    notes = []
    largest = np.max([pair.size for pair in pairs], axis=0)
    smallest = np.min([pair.size for pair in pairs], axis=0)
    if workflow.data.patch == "auto":
        wanted = np.minimum(_usual_patch(pairs[0]), largest)
    else:
        wanted = np.array(workflow.data.patch)
    multiple = np.array(shape.multiple)
    patch = np.maximum(np.ceil(wanted / multiple), 1).astype(int) * multiple
    # a bottom level of one pixel has no spread that a norm could measure
    patch[-1] = max(patch[-1], 2 * multiple[-1])
    sizes = tuple(int(size) for size in patch)
    if workflow.data.patch not in ("auto", sizes):
        notes.append(
            f"patches are {_times(sizes)} px instead of {_times(workflow.data.patch)}, "
            f"whole multiples of {_times(shape.multiple)} as the network's depth needs"
        )
    if (smallest < patch).any():
        notes.append(
            f"images smaller than a patch of {_times(sizes)} px are mirrored at "
            "their edges to fill it"
        )
    return sizes, notes


def _usual_patch(pair: Pair) -> NDArray[np.int64]:
    if pair.dimensions == 2:
        return np.array((PATCH, PATCH))
    z, y, x = pair.pixel_size
    coarseness = z / math.sqrt(y * x)
    side = (PATCH_VOXELS * coarseness) ** (1 / 3)
    depth = side / coarseness
    return np.array([max(8, round(n / 8) * 8) for n in (depth, side, side)])


def _times(sizes: Sequence[int] | str) -> str:
    return sizes if isinstance(sizes, str) else " x ".join(map(str, sizes))


def _split(
    pairs: Sequence[Pair], workflow: Workflow, rng: np.random.Generator
) -> tuple[tuple[Subject, ...], tuple[Subject, ...], list[str]]:
    share = workflow.data.validation
    if share == 0:
        subjects = _subjects(pairs, range(len(pairs)), workflow, rng)
        return subjects, (), ["no validation: the last weights are kept"]
    if len(pairs) > 1:
        count = min(max(1, round(share * len(pairs))), len(pairs) - 1)
        chosen = _validation_images(pairs, count, rng)
        rest = [index for index in range(len(pairs)) if index not in chosen]
        training = _subjects(pairs, rest, workflow, rng)
        return training, _subjects(pairs, sorted(chosen), workflow, rng), []
    parts = _strips(pairs[0], share)
    if len(parts) == 1:
        note = "the image is too small to keep a part for validation"
        return make_subjects(pairs[0], workflow, parts, rng), (), [note]
    first, second = make_subjects(pairs[0], workflow, parts, rng)
    return (first,), (second,), ["a strip of the image is kept for validation"]


def _validation_images(
    pairs: Sequence[Pair], count: int, rng: np.random.Generator
) -> set[int]:
    """Choose images at random, but leave one with objects to learn from.

    The first one chosen shows objects too, if a second image does.
    """
    shuffled = [int(index) for index in rng.permutation(len(pairs))]
    empty = {index for index in shuffled if not np.asarray(pairs[index].labels).any()}
    order = sorted(shuffled, key=empty.__contains__)
    others = [index for index in shuffled if index not in order[:2]]
    return {order[1], *others[: count - 1]}


def _subjects(
    pairs: Sequence[Pair],
    indices: Sequence[int],
    workflow: Workflow,
    rng: np.random.Generator,
) -> tuple[Subject, ...]:
    return tuple(
        make_subjects(pairs[index], workflow, (_whole(pairs[index]),), rng)[0]
        for index in indices
    )


def _whole(pair: Pair) -> Region:
    return tuple(slice(0, length) for length in pair.size)


def _strips(pair: Pair, share: float) -> tuple[Region, ...]:
    """Cut one image in two along its longest axis, if both parts get objects.

    The validation strip lies at the end that shows more objects, unless nothing is
    left to learn from then.
    """
    axis = int(np.argmax(pair.size))
    length = pair.size[axis]
    width = max(round(share * length), MIN_STRIP)
    if 2 * width > length:
        return (_whole(pair),)
    labels = np.moveaxis(np.asarray(pair.labels), axis, 0) > 0
    ends = [(slice(0, width), slice(width, length))]
    ends.append((slice(length - width, length), slice(0, length - width)))
    ends.sort(key=lambda cut: -int(np.count_nonzero(labels[cut[0]])))
    for strip, rest in ends:
        if labels[rest].any():
            parts = [list(_whole(pair)), list(_whole(pair))]
            parts[0][axis], parts[1][axis] = rest, strip
            return tuple(parts[0]), tuple(parts[1])
    return (_whole(pair),)


def _digest(subjects: Sequence[Subject]) -> str:
    """Tell training data apart: a hash of all targets and intensity ranges."""
    digest = hashlib.sha256()
    for subject in subjects:
        digest.update(subject.scale.shift.tobytes() + subject.scale.factor.tobytes())
        for values in subject.targets:
            digest.update(np.ascontiguousarray(values[subject.bounds]).data)
    return digest.hexdigest()[:16]
