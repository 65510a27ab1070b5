"""Draw what a network shall learn from object numbers or classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import encode
from napari_bioseg.settings import (
    Binary,
    ChannelSettings,
    Contour,
    Distance,
    DistanceV2,
    Foreground,
    Points,
    Workflow,
)
from napari_bioseg.settings.task import IGNORE

from .labelled import IGNORED, known_ids
from .pair_classes import class_targets


def is_masked(channel: ChannelSettings) -> bool:
    """Whether a channel is learned inside objects only."""
    return isinstance(channel, Distance) and channel.masked


def needs_mask(channels: Sequence[ChannelSettings]) -> bool:
    """Whether some channel is learned inside objects only."""
    return any(map(is_masked, channels))


def is_local(channel: ChannelSettings) -> bool:
    """Whether a channel's value follows from the labels right around a pixel."""
    return not isinstance(channel, Distance | DistanceV2 | Points)


def reach(channels: Sequence[ChannelSettings]) -> int:
    """Return how far around a pixel labels matter for the local channels."""
    widest = 0
    for channel in channels:
        if isinstance(channel, Binary | Foreground):
            widest = max(widest, channel.erosion + channel.dilation)
    return widest + 1


def target_count(workflow: Workflow) -> int:
    """Return how many target arrays a workflow has."""
    if workflow.is_semantic:
        return 1
    extra = int(workflow.task.has_classes) + int(needs_mask(workflow.channels))
    return len(workflow.channels) + extra


def draw_targets(
    ids: NDArray[np.int32],
    classes: Any,
    workflow: Workflow,
    spacing: Sequence[float] | None,
    distant: Sequence[NDArray[np.float32]] | None = None,
) -> list[NDArray[Any]]:
    """Draw all targets of an image or of a part of it.

    Parameters
    ----------
    ids : ndarray, ([Z,] Y, X), int32
        Objects or classes; 0 is background, negative counts for nothing.
    classes : array of the same shape, optional
        Classes of objects, where the task has some.
    workflow : Workflow
    spacing : sequence of float, optional
        Pixel size per axis.
    distant : sequence of ndarray, optional
        Channels that do not follow from the labels right around a pixel (distances,
        points), in their order, where these are known already.

    Returns
    -------
    list of ndarray
        Classes (one array) for semantic tasks; else one array per channel, one of
        objects' classes if the task has some, and the foreground as the last if a
        distance is masked to it. uint8 where binary or a class, 255 where a pixel
        counts for nothing; float32 for distances, NaN there.

    Notes
    -----
    Objects are taken to be drawn whole: where one meets pixels that count for nothing,
    its outline is its border. What is not known is left out: contours on background
    beside such pixels, and distances that an object which nobody has labelled could
    shorten.
    """
    if workflow.is_semantic:
        return [np.where(ids < 0, IGNORE, ids).astype(np.uint8)]
    left_out = ids < 0
    known = not left_out.any()
    objects = known_ids(ids)
    channels = workflow.channels
    encoded = list(encode_some(objects, channels, spacing, distant is None))
    for number, channel in enumerate(channels):
        if distant is not None and not is_local(channel):
            encoded[number] = distant[sum(not is_local(c) for c in channels[:number])]
    targets: list[NDArray[Any]] = []
    for channel, values in zip(channels, encoded, strict=True):
        drawn = values.astype(np.uint8 if channel.is_binary else np.float32)
        if not known:
            _leave_out(drawn, channel, ids, spacing, redrawn=distant is not None)
        targets.append(drawn)
    if workflow.task.has_classes:
        named = class_targets(objects, classes)
        named[left_out] = IGNORE
        targets.append(named)
    if needs_mask(channels):
        targets.append((ids > 0).astype(np.uint8))
    return targets


def encode_some(
    objects: NDArray[np.int32],
    channels: Sequence[ChannelSettings],
    spacing: Sequence[float] | None,
    everything: bool,
) -> list[NDArray[np.float32]]:
    """Encode all channels, or the local ones and empty arrays for the others."""
    chosen = [c for c in channels if everything or is_local(c)]
    drawn = iter(encode(objects, chosen, spacing=spacing) if chosen else ())
    empty = np.empty(0, np.float32)
    return [next(drawn) if c in chosen else empty for c in channels]


def _leave_out(
    values: NDArray[Any],
    channel: ChannelSettings,
    ids: NDArray[np.int32],
    spacing: Sequence[float] | None,
    *,
    redrawn: bool,
) -> None:
    """Mark, in place, what does not count or is not known of a channel."""
    unknown = ids == IGNORED
    objects = known_ids(ids)
    background = (objects == 0) & ~unknown
    if channel.is_binary:
        values[ids < 0] = IGNORE
        width = _doubt(channel)
        if width and unknown.any():
            values[_within(unknown, width) & background & (values == 0)] = IGNORE
        return
    values[ids < 0] = np.nan
    if redrawn or not unknown.any():
        return  # marked before it was moved
    if isinstance(channel, DistanceV2):
        values[_nearer(unknown, objects > 0, spacing) & background] = np.nan
    if getattr(channel, "region", "each") == "foreground":
        values[_nearer(unknown, background, spacing) & (objects > 0)] = np.nan


def _doubt(channel: ChannelSettings) -> int:
    """Return how far into the background an object that is not labelled may reach."""
    if isinstance(channel, Contour):
        return 0 if channel.mode == "inner" else 1
    if isinstance(channel, Binary | Foreground):
        return channel.dilation
    return 0


def _within(places: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    from scipy import ndimage

    if width == 1:
        return np.asarray(
            ndimage.binary_dilation(places, np.ones((3,) * places.ndim, bool))
        )
    return np.asarray(ndimage.distance_transform_edt(~places) <= width)


def _nearer(
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    spacing: Sequence[float] | None,
) -> NDArray[np.bool_]:
    """Return where the first kind of pixels is nearer than the second."""
    from scipy import ndimage

    if not first.any():
        return np.zeros(first.shape, bool)
    if not second.any():
        return np.ones(first.shape, bool)
    to_first = ndimage.distance_transform_edt(~first, sampling=spacing)
    to_second = ndimage.distance_transform_edt(~second, sampling=spacing)
    return np.asarray(to_first < to_second)
