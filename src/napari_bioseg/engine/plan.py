"""Decide, before training starts, everything that settings leave to the images."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg import __version__
from napari_bioseg.settings import DataSettings, TrainedOn, Workflow
from napari_bioseg.settings.patch_size import diameter_of, patch_for, sized

from .label_notes import label_notes
from .labelled import Region, may_ignore, read_ids
from .networks import Shape, network_notes, network_shape
from .normalize import Scale, common_scale, is_common
from .pair import Pair
from .pair_checks import check_pairs
from .pair_classes import object_class_notes
from .patches import grid_size, grid_starts, patches_to_cover, read_box
from .same_division import Division
from .split import Part, split_pairs
from .survey import Survey, survey
from .target_store import MOST_HELD
from .targets import Subject, make_subjects, with_channel

UNLIMITED = (4096, 4096, 4096)
"""Larger than any patch."""
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
    division : Division
        What each image is for.
    """

    workflow: Workflow
    training: tuple[Subject, ...]
    validation: tuple[Subject, ...]
    grid: tuple[tuple[int, tuple[int, ...]], ...]
    patch: tuple[int, ...]
    steps: int
    notes: tuple[str, ...]
    division: Division


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
    surveys = [survey(pair, workflow) for pair in pairs]
    first = pairs[0]
    shape = network_shape(workflow.network, first.dimensions, first.pixel_size)
    patch, notes = choose_patch(pairs, surveys, workflow, shape)
    rng = np.random.default_rng([workflow.train.seed, 1])
    learned, judged, split_notes = split_pairs(pairs, surveys, workflow, rng)
    scale = _common_scale(pairs, learned, workflow)
    held = sum(math.prod(pair.size) for pair in pairs) <= MOST_HELD
    subjects = _subjects(pairs, [*learned, *judged], workflow, rng, scale, held=held)
    training, validation = subjects[: len(learned)], subjects[len(learned) :]
    train = workflow.train
    if train.steps == "auto":
        if workflow.data.patches == "grid":
            cover: float = sum(grid_size(subject, patch) for subject in training)
        else:
            cover = sum(patches_to_cover(subject.size, patch) for subject in training)
        steps = min(max(math.ceil(cover / train.batch_size), MIN_STEPS), MAX_STEPS)
    else:
        steps = train.steps
    limit = max(64, steps * train.batch_size // 4)
    grid = _grid(validation, patch, limit, workflow.data)
    if validation and not grid:
        split_notes.append(
            "no validation image has labelled pixels: the last weights are kept"
        )
    numbers = [number for number, _ in learned], [number for number, _ in judged]
    facts = TrainedOn(
        dimensions=2 if first.dimensions == 2 else 3,
        in_channels=first.channels,
        spacing=first.pixel_size,
        patch=patch,
        images=len(pairs),
        intensities=None if scale is None else scale.stored(),
        digest=_digest(subjects, workflow),
        version=__version__,
    )
    return Plan(
        workflow=workflow.replace(trained=facts),
        training=tuple(training),
        validation=tuple(validation),
        grid=tuple(grid),
        patch=patch,
        steps=steps,
        notes=(
            *network_notes(workflow.network),
            *notes,
            *split_notes,
            *label_notes(pairs, surveys, learned, judged, workflow),
            *object_class_notes(pairs, *numbers, workflow),
        ),
        division=Division.of(pairs, *numbers),
    )


def choose_patch(
    pairs: Sequence[Pair],
    surveys: Sequence[Survey],
    workflow: Workflow,
    shape: Shape,
) -> tuple[tuple[int, ...], list[str]]:
    """Choose the size of training patches.

    Parameters
    ----------
    pairs : sequence of Pair
    surveys : sequence of Survey
        What their labels hold.
    workflow : Workflow
        ``data.patch`` is a size or ``"auto"``.
    shape : Shape
        The network's; patches are whole multiples of its smallest size.

    Returns
    -------
    patch : tuple of int
        Size per axis. Automatic: by the median diameter of the objects, see
        `patch_for`; less where all images are smaller.
    notes : list of str
        Where it differs from the setting, or images are smaller.
    """
    notes = []
    largest = np.max([pair.size for pair in pairs], axis=0)
    smallest = np.min([pair.size for pair in pairs], axis=0)
    if workflow.data.patch == "auto":
        diameter = _usual_diameter(surveys, workflow)
        usual = patch_for(UNLIMITED[: pairs[0].dimensions], diameter, pairs[0].spacing)
        wanted = np.minimum(usual, largest)
    else:
        wanted = np.array(workflow.data.patch)
    multiple = np.array(shape.multiple)
    patch = np.maximum(np.ceil(wanted / multiple), 1).astype(int) * multiple
    # a bottom level of one pixel has no spread that a norm could measure
    patch[-1] = max(patch[-1], 2 * multiple[-1])
    sizes = tuple(int(size) for size in patch)
    given = workflow.data.patch
    if given not in ("auto", sizes):
        assert not isinstance(given, str)  # noqa: S101  (nothing else is)
        notes.append(
            f"patches are {sized(sizes)} px instead of {sized(given)}, whole multiples "
            f"of {sized(shape.multiple)} as the network's depth needs"
        )
    if (smallest < patch).any():
        notes.append(
            f"images smaller than a patch of {sized(sizes)} px are mirrored at "
            "their edges to fill it"
        )
    return sizes, notes


def _usual_diameter(surveys: Sequence[Survey], workflow: Workflow) -> float:
    """Return the median diameter of the objects; 0 where objects are not told apart."""
    if workflow.is_semantic or max(len(found.values) for found in surveys) < 2:
        return 0.0
    pixels = np.median(np.concatenate([found.pixels for found in surveys]))
    return diameter_of(float(pixels), surveys[0].extents.shape[1])


def _subjects(
    pairs: Sequence[Pair],
    parts: Sequence[Part],
    workflow: Workflow,
    rng: np.random.Generator,
    scale: Scale | None,
    *,
    held: bool,
) -> list[Subject]:
    """Prepare images or parts of one, each image once."""
    subjects: list[Subject] = []
    for number, group in itertools.groupby(parts, key=lambda part: part[0]):
        regions = [region for _, region in group]
        subjects += make_subjects(
            pairs[number], workflow, regions, rng, scale=scale, held=held
        )
    return subjects


def _common_scale(
    pairs: Sequence[Pair], training: Sequence[Part], workflow: Workflow
) -> Scale | None:
    """Measure intensities on all training images, if that is wanted."""
    if not is_common(workflow.data.normalization):
        return None
    images = [with_channel(pairs[number]) for number, _ in training]
    return common_scale(images, workflow.data.normalization)


def _grid(
    validation: Sequence[Subject],
    patch: tuple[int, ...],
    limit: int,
    data: DataSettings,
) -> list[tuple[int, tuple[int, ...]]]:
    """List validation patches that show labelled pixels, evenly thinned out."""
    grid = [
        (index, tuple(start))
        for index, subject in enumerate(validation)
        for start in grid_starts(subject, patch)
        if not may_ignore(subject.pair, data)
        or _shows_labels(subject, start, patch, data)
    ]
    if len(grid) > limit:
        kept = np.linspace(0, len(grid) - 1, limit).round().astype(int)
        grid = [grid[i] for i in kept]
    return grid


def _shows_labels(
    subject: Subject, start: Sequence[int], patch: Sequence[int], data: DataSettings
) -> bool:
    if not may_ignore(subject.pair, data):
        return True

    def read(region: Region) -> NDArray[np.int32]:
        return read_ids(subject.pair, region, data)

    return bool((read_box(subject.bounds, start, patch, read, 0) >= 0).any())


def _digest(subjects: Sequence[Subject], workflow: Workflow) -> str:
    """Tell training data apart: a hash of all labels and intensity ranges."""
    digest = hashlib.sha256(repr(workflow.channels).encode())
    for subject in subjects:
        for numbers in (subject.scale.shift, subject.scale.factor):
            digest.update(numbers.astype(np.float32).tobytes())
        digest.update(subject.digest.encode())
    return digest.hexdigest()[:16]
