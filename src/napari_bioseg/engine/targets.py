"""One image ready for training: normalisation, targets, places of interest."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import PercentileNormalization, Workflow

from .draw_targets import is_masked, needs_mask
from .labelled import Region, may_ignore, read_ids, slabs
from .normalize import Scale, scale_of
from .pair import Pair
from .survey import Survey, survey
from .target_store import Targets, draw_on_demand, hold_targets

__all__ = [
    "Region",
    "Subject",
    "is_masked",
    "make_subjects",
    "make_targets",
    "needs_mask",
    "with_channel",
]

MAX_CENTRES = 20_000
"""Patches are centred on at most this many places of one image."""


@dataclass(frozen=True)
class Subject:
    """One image ready for training: normalisation, targets, places of interest.

    Parameters
    ----------
    pair : Pair
        The image; its pixels are read patch by patch.
    scale : Scale
        Normalisation, measured on the whole image or on all training images.
    spread : ndarray, (C,)
        Range of the normalised intensities, without the outermost percentiles.
    targets : Targets
        What to learn, read patch by patch too. Worked out on the whole image, or as
        much of it as matters, so that an object cut by a patch keeps its whole
        distances.
    bounds : tuple of slice
        The part of the image that may be used, per spatial axis.
    centres : ndarray, (n, axes)
        Places that patches may be centred on to show objects.
    digest : str
        Tells labels apart.
    objects : int
        How many objects, or classes, the labels hold.
    counted : ndarray, (n, axes)
        Pixels, chosen at random, that are labelled; patches lie around them where
        most of the image may count for nothing. Empty where all pixels count.
    """

    pair: Pair
    scale: Scale
    spread: NDArray[np.float32]
    targets: Targets
    bounds: Region
    centres: NDArray[np.int64]
    digest: str = ""
    objects: int = 0
    counted: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), int))

    @property
    def size(self) -> tuple[int, ...]:
        """Size of the part that may be used."""
        return tuple(part.stop - part.start for part in self.bounds)


def make_targets(pair: Pair, workflow: Workflow) -> tuple[NDArray[Any], ...]:
    """Turn labels into what the network shall return.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow

    Returns
    -------
    tuple of ndarray, each ([Z,] Y, X)
        As `draw_targets` draws them, of the whole image.
    """
    return hold_targets(pair, workflow).arrays


def make_subjects(
    pair: Pair,
    workflow: Workflow,
    parts: Sequence[Region],
    rng: np.random.Generator,
    *,
    scale: Scale | None = None,
    held: bool = True,
) -> tuple[Subject, ...]:
    """Prepare one image, once for each part of it that is used on its own.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow
    parts : sequence of tuple of slice
        The whole image, or a part to train on and one to validate on.
    rng : numpy.random.Generator
        Chooses among very many objects.
    scale : Scale, optional
        How to normalise; measured on this image if not given.
    held : bool
        Whether to keep the targets of the whole image in memory, or to draw them anew
        for every patch.

    Returns
    -------
    tuple of Subject
        One per part; they share the targets.
    """
    image = with_channel(pair)
    scale = scale or scale_of(image, workflow.data.normalization)
    usual = scale_of(image, PercentileNormalization()).factor.astype(np.float32)
    factor = scale.factor.astype(np.float32)
    spread = np.divide(factor, usual, out=np.zeros_like(usual), where=usual > 0)
    surveys = [survey(pair, workflow, part) for part in parts]
    targets: Targets
    if held:
        targets = hold_targets(pair, workflow)
    else:
        whole = surveys[0] if len(parts) == 1 else survey(pair, workflow)
        largest = whole.extents.max(axis=0, initial=1)
        targets = draw_on_demand(pair, workflow, largest)
    return tuple(
        Subject(
            pair=pair,
            scale=scale,
            spread=spread,
            targets=targets,
            bounds=part,
            centres=_centres(pair, part, found, workflow, rng),
            digest=found.digest,
            objects=len(found.values),
            counted=_counted(pair, part, found, workflow, rng),
        )
        for part, found in zip(parts, surveys, strict=True)
    )


def with_channel(pair: Pair) -> Any:
    """Return a pair's image with a channel axis, still read piece by piece."""
    return pair.image if pair.has_channel_axis else _WithChannel(pair)


class _WithChannel:
    """A single-channel image seen with a channel axis, still read piece by piece."""

    def __init__(self, pair: Pair) -> None:
        self.shape = (1, *pair.size)
        self.dtype = pair.image.dtype
        self._pair = pair

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[Any]:
        return np.asarray(self._pair.image[index[1:]])


def _centres(
    pair: Pair,
    part: Region,
    found: Survey,
    workflow: Workflow,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """List where patches may be centred: middles of objects, or pixels."""
    if workflow.is_semantic and workflow.task.classes > 2:
        # as many pixels of each class, so that rare ones are seen often
        share = max(1, MAX_CENTRES // workflow.task.classes)
        groups = [
            _Group(functools.partial(np.equal, value), int(pixels), share)
            for value, pixels in zip(found.values, found.pixels, strict=True)
        ]
    elif workflow.is_semantic or workflow.data.favour == "pixels":
        everything = int(found.pixels.sum())
        groups = [_Group(functools.partial(np.less, 0), everything, MAX_CENTRES)]
    else:
        middles = found.middles.round().astype(np.int64)
        if len(middles) > MAX_CENTRES:
            chosen = rng.choice(len(middles), MAX_CENTRES, replace=False)
            middles = middles[np.sort(chosen)]
        return middles
    return _pixels(pair, part, workflow, groups, rng)


def _counted(
    pair: Pair,
    part: Region,
    found: Survey,
    workflow: Workflow,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose labelled pixels, background included, where some do not count."""
    if not may_ignore(pair, workflow.data):
        return np.empty((0, pair.dimensions), np.int64)
    total = int(found.pixels.sum()) + found.background
    group = _Group(functools.partial(np.less_equal, 0), total, MAX_CENTRES)
    return _pixels(pair, part, workflow, [group], rng)


@dataclass(frozen=True)
class _Group:
    """Pixels of one kind, of which some are chosen."""

    belongs: Callable[[NDArray[np.int32]], NDArray[np.bool_]]
    total: int
    count: int


def _pixels(
    pair: Pair,
    part: Region,
    workflow: Workflow,
    groups: Sequence[_Group],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose pixels of every group at random, reading slab by slab."""
    wanted = [
        np.sort(rng.integers(0, max(group.total, 1), group.count if group.total else 0))
        for group in groups
    ]
    passed = [0] * len(groups)
    chosen: list[list[NDArray[np.int64]]] = [[] for _ in groups]
    for slab in slabs(pair.labels, part):
        ids = read_ids(pair, slab, workflow.data)
        start = np.array([axis.start for axis in slab])
        for number, group in enumerate(groups):
            here = np.flatnonzero(group.belongs(ids))
            ends = (passed[number], passed[number] + len(here))
            low, high = np.searchsorted(wanted[number], ends)
            picked = here[wanted[number][low:high] - passed[number]]
            places = np.stack(np.unravel_index(picked, ids.shape), axis=1)
            chosen[number].append(places + start)
            passed[number] += len(here)
    everything = [places for group in chosen for places in group]
    if not everything:
        return np.empty((0, pair.dimensions), np.int64)
    return np.concatenate(everything)
