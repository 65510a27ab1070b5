"""What the network shall learn from one image, worked out before patches are cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import encode
from napari_bioseg.settings import (
    ChannelSettings,
    Distance,
    PercentileNormalization,
    Workflow,
)

from .normalize import Scale, scale_of
from .pair import Pair
from .pair_classes import class_targets

Region = tuple[slice, ...]
"""A part of an image, one slice with start and stop per spatial axis."""

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
        Normalisation, measured on the whole image.
    spread : ndarray, (C,)
        Range of the normalised intensities, without the outermost percentiles.
    targets : tuple of ndarray, each ([Z,] Y, X)
        One per target channel: uint8 where binary or a class, float32 for distances.
        Worked out on the whole image, so that an object cut by a patch keeps its
        whole distances.
    bounds : tuple of slice
        The part of the image that may be used, per spatial axis.
    centres : ndarray, (n, axes)
        Places that patches may be centred on to show objects.
    """

    pair: Pair
    scale: Scale
    spread: NDArray[np.float32]
    targets: tuple[NDArray[Any], ...]
    bounds: Region
    centres: NDArray[np.int64]

    @property
    def size(self) -> tuple[int, ...]:
        """Size of the part that may be used."""
        return tuple(part.stop - part.start for part in self.bounds)


def is_masked(channel: ChannelSettings) -> bool:
    """Whether a channel is learned inside objects only."""
    return isinstance(channel, Distance) and channel.masked


def needs_mask(channels: tuple[ChannelSettings, ...]) -> bool:
    """Whether some channel is learned inside objects only."""
    return any(map(is_masked, channels))


def make_targets(pair: Pair, workflow: Workflow) -> tuple[NDArray[Any], ...]:
    """Turn labels into what the network shall return.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow

    Returns
    -------
    tuple of ndarray, each ([Z,] Y, X)
        Classes (one array) for semantic tasks; else one array per channel, one of
        objects' classes if the task has some, and the foreground as the last if a
        distance is masked to it.
    """
    labels = np.asarray(pair.labels)
    if workflow.is_semantic:
        return (labels.astype(np.uint8),)
    labels = labels.astype(np.int32, copy=False)
    encoded = encode(labels, workflow.channels, spacing=pair.spacing)
    targets = [
        values.astype(np.uint8) if channel.is_binary else values.astype(np.float32)
        for channel, values in zip(workflow.channels, encoded, strict=True)
    ]
    if workflow.task.has_classes:
        targets.append(class_targets(labels, pair.classes))
    if needs_mask(workflow.channels):
        targets.append((labels > 0).astype(np.uint8))
    return tuple(targets)


def make_subjects(
    pair: Pair,
    workflow: Workflow,
    parts: tuple[Region, ...],
    rng: np.random.Generator,
) -> tuple[Subject, ...]:
    """Prepare one image, once for each part of it that is used on its own.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow
    parts : tuple of tuple of slice
        The whole image, or a part to train on and one to validate on.
    rng : numpy.random.Generator
        Chooses among very many objects.

    Returns
    -------
    tuple of Subject
        One per part; they share the arrays.
    """
    image = pair.image if pair.has_channel_axis else _WithChannel(pair)
    scale = scale_of(image, workflow.data.normalization)
    usual = scale_of(image, PercentileNormalization()).factor
    spread = np.divide(scale.factor, usual, out=np.zeros_like(usual), where=usual > 0)
    targets = make_targets(pair, workflow)
    labels = np.asarray(pair.labels)
    return tuple(
        Subject(
            pair=pair,
            scale=scale,
            spread=spread,
            targets=targets,
            bounds=part,
            centres=_centres(labels, part, workflow, rng),
        )
        for part in parts
    )


class _WithChannel:
    """A single-channel image seen with a channel axis, still read piece by piece."""

    def __init__(self, pair: Pair) -> None:
        self.shape = (1, *pair.size)
        self.dtype = pair.image.dtype
        self._pair = pair

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[Any]:
        return np.asarray(self._pair.image[index[1:]])


def _centres(
    labels: NDArray[Any], part: Region, workflow: Workflow, rng: np.random.Generator
) -> NDArray[np.int64]:
    """List where patches may be centred: middles of objects, or pixels of classes."""
    labels = labels[part]
    if workflow.task.kind == "semantic":
        places = _pixels(labels, workflow.task.classes, rng)
    else:
        places = _middles(labels, rng)
    places += np.array([axis.start for axis in part])
    return places


def _pixels(
    labels: NDArray[Any], classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose as many pixels of each class, so that rare ones are seen often."""
    chosen = [np.empty(0, dtype=np.int64)]
    for value in range(1, classes):
        places = np.flatnonzero(labels == value)
        if places.size:
            chosen.append(rng.choice(places, max(1, MAX_CENTRES // classes)))
    places = np.concatenate(chosen)
    return np.stack(np.unravel_index(places, labels.shape), axis=1)


def _middles(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the mean position of every object, or of a choice of very many."""
    places = np.flatnonzero(labels)
    values, owner = np.unique(labels.ravel()[places], return_inverse=True)
    counts = np.bincount(owner, minlength=len(values))
    middles = [
        np.bincount(owner, weights=axis, minlength=len(values)) / counts
        for axis in np.unravel_index(places, labels.shape)
    ]
    out = np.stack(middles, axis=1).round().astype(np.int64)
    if len(out) > MAX_CENTRES:
        out = out[np.sort(rng.choice(len(out), MAX_CENTRES, replace=False))]
    return out
