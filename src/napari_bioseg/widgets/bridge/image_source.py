"""What of an image layer a model predicts: axes, stacks, views, regions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_bioseg.settings import Workflow

from .layers import current_view, image_array, unwrapped
from .reading import time_axis

MARGIN = 32
"""Pixels around a view or region that are predicted too, as context."""
GRID = 16
"""In the plane a part begins at multiples of this many pixels: networks that halve an
image up to four times see it on the same grid as in the whole image."""
DEPTH = 16
"""Slices above and below the one on screen that a 3-D network predicts."""


@dataclass(frozen=True)
class Target:
    """One image layer as a model sees it: equal pieces along time or slices.

    Attributes
    ----------
    layer : napari.layers.Image
        Where the pixels come from.
    name : str
        Its name when the prediction began.
    pieces : tuple of array
        (C, [Z,] Y, X) each; numpy views or lazy.
    leading : tuple of int
        Sizes of the axes that are looped over, such as time; empty for one piece.
    axes : tuple of int
        Axes of the layer that the result has: the leading ones, then space.
    spacing : tuple of float
        Pixel size per spatial axis.
    region : tuple of slice
        Part to predict: per leading axis, then per spatial axis.
    focus : tuple of float
        Pixel of each piece, per spatial axis, around which the user looks.
    """

    layer: Any
    name: str
    pieces: tuple[Any, ...]
    leading: tuple[int, ...]
    axes: tuple[int, ...]
    spacing: tuple[float, ...]
    region: tuple[slice, ...]
    focus: tuple[float, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of the result without its channels."""
        return tuple(part.stop - part.start for part in self.region)

    @property
    def spatial(self) -> tuple[slice, ...]:
        """The part of each piece that is predicted."""
        return self.region[len(self.leading) :]

    @property
    def whole(self) -> bool:
        """Whether all of the image is predicted."""
        size = (*self.leading, *self.pieces[0].shape[1:])
        return self.shape == tuple(size)

    def wanted(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        """Yield where each piece goes in the result, and the piece."""
        ranges = [range(p.start, p.stop) for p in self.region[: len(self.leading)]]
        for index in itertools.product(*ranges):
            number = int(np.ravel_multi_index(index, self.leading)) if index else 0
            place = tuple(
                i - part.start for i, part in zip(index, self.region, strict=False)
            )
            yield place, self.pieces[number]


def channels_in(layer: Any, workflow: Workflow) -> int:
    """Return how many channels an image layer has, as a model sees it.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    workflow : Workflow
        Of the model.

    Returns
    -------
    int
        0 if the layer has other dimensions than the model.
    """
    layer = unwrapped(layer)
    if workflow.trained is None:
        return 0
    dimensions, channels = workflow.trained.dimensions, workflow.trained.in_channels
    time = None if time_axis(layer) is None else 0
    try:
        found = _array(layer, time, dimensions, channels)
    except ValueError:
        return 0
    suits = len(found.spatial_axes) - dimensions in (0, 1)
    return int(found.data.shape[0]) if suits else 0


def target_of(
    layer: Any, workflow: Workflow, chosen: Sequence[int] | None = None
) -> Target:
    """Look at an image layer as a model sees it.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    workflow : Workflow
        Of the model: says how many dimensions and channels it knows.
    chosen : sequence of int, optional
        Channels of the image that the model gets; all if not given.

    Returns
    -------
    Target
        All of the image.

    Raises
    ------
    ValueError
        If the image has other dimensions or channels than the model was trained on.
    """
    layer = unwrapped(layer)
    if workflow.trained is None:
        raise ValueError("this model was never trained; choose another one")
    dimensions, channels = workflow.trained.dimensions, workflow.trained.in_channels
    frames = time_axis(layer)
    times = [None] if frames is None else list(range(layer.data.shape[frames]))
    found = [_array(layer, time, dimensions, channels) for time in times]
    if chosen is not None:
        found = [replace(one, data=_chosen(one.data, chosen)) for one in found]
    first = found[0]
    depth = len(first.spatial_axes) - dimensions
    if first.data.shape[0] != channels or depth not in (0, 1):
        raise ValueError(_unsuited(layer.name, first, dimensions, channels))
    pieces = [image.data for image in found]
    leading: tuple[int, ...] = () if frames is None else (len(times),)
    if depth == 1:
        leading = (*leading, int(first.data.shape[1]))
        pieces = [data[:, z] for data in pieces for z in range(leading[-1])]
    axes = first.spatial_axes if frames is None else (frames, *first.spatial_axes)
    size = (*leading, *pieces[0].shape[1:])
    return Target(
        layer=layer,
        name=layer.name,
        pieces=tuple(pieces),
        leading=leading,
        axes=tuple(axes),
        spacing=first.spacing[depth:],
        region=tuple(slice(0, int(length)) for length in size),
    )


def looked_at(target: Target, viewer: Any) -> Target:
    """Note what the user looks at, so that it is predicted first.

    Parameters
    ----------
    target : Target
        All of an image.
    viewer : napari.Viewer
        Whose view counts.

    Returns
    -------
    Target
    """
    region = current_view(viewer, target.layer, target.axes)
    focus = tuple((part.start + part.stop) / 2 for part in region)
    return replace(target, focus=focus[len(target.leading) :])


def on_screen(target: Target, viewer: Any) -> Target:
    """Cut a target down to what is on screen.

    Parameters
    ----------
    target : Target
        All of an image.
    viewer : napari.Viewer
        Whose view counts.

    Returns
    -------
    Target
    """
    region = current_view(viewer, target.layer, target.axes)
    return _cut(target, region, deep=DEPTH)


def around_shapes(target: Target, shapes: Any) -> Target:
    """Cut a target down to the box around shapes.

    Parameters
    ----------
    target : Target
        All of an image.
    shapes : napari.layers.Shapes
        The selected shapes count, or all if none is selected. Along axes in which
        they are flat everything counts for space, and their place for time.

    Returns
    -------
    Target

    Raises
    ------
    ValueError
        If there are no shapes, or they lie outside the image.
    """
    chosen = sorted(shapes.selected_data) or range(len(shapes.data))
    corners = [np.asarray(shapes.data[index]) for index in chosen]
    if not corners:
        raise ValueError(
            f"{shapes.name} holds no shapes: draw a rectangle around the region"
        )
    layer = target.layer
    points = np.concatenate(corners)
    world = np.array([shapes.data_to_world(point) for point in points])
    if world.shape[1] < layer.ndim:
        missing = np.zeros((len(world), layer.ndim - world.shape[1]))
        world = np.hstack([missing, world])
    pixels = np.array([layer.world_to_data(w[-layer.ndim :]) for w in world])
    region = []
    for place, axis in enumerate(target.axes):
        low, high = pixels[:, axis].min(), pixels[:, axis].max()
        size = target.region[place].stop
        flat = high - low < 1e-6
        if (flat and place >= len(target.leading)) or axis < layer.ndim - shapes.ndim:
            region.append(slice(0, size))
            continue
        start, stop = max(round(low), 0), min(round(high) + 1, size)
        if stop <= start:
            raise ValueError(
                f"the shapes of {shapes.name} lie outside {layer.name}: draw them on it"
            )
        region.append(slice(start, stop))
    return _cut(target, tuple(region), deep=0)


def _cut(target: Target, region: tuple[slice, ...], *, deep: int) -> Target:
    """Take a part, with some context around it."""
    leading = len(target.leading)
    out = list(region)
    for place in range(leading, len(region)):
        part, size = region[place], target.region[place].stop
        along_z = len(region) - leading == 3 and place == leading
        more, grid = (deep, 1) if along_z else (MARGIN, GRID)
        start = max(part.start - more, 0) // grid * grid
        out[place] = slice(start, min(part.stop + more, size))
    return replace(target, region=tuple(out))


def _array(layer: Any, time: int | None, dimensions: int, channels: int) -> Any:
    """Read the axes as the model suggests where the layer leaves a choice."""
    found = image_array(layer, time=time)
    if found.guessed and found.data.shape[0] != channels and channels == 1:
        return image_array(layer, time=time, channel_axis=None)
    if len(found.spatial_axes) == dimensions + 1 and found.data.shape[0] != channels:
        # perhaps a slower axis holds the channels
        for axis in found.spatial_axes:
            if layer.data.shape[axis] == channels and channels > 1:
                return image_array(layer, time=time, channel_axis=axis)
    return found


def _chosen(data: Any, channels: Sequence[int]) -> Any:
    if len(channels) == 1:  # a view, not a copy
        return data[channels[0] : channels[0] + 1]
    return data[list(channels)]


def _unsuited(name: str, found: Any, dimensions: int, channels: int) -> str:
    return (
        f"the model was trained on {dimensions}-D images with "
        f"{channels} channel{'s' if channels != 1 else ''}, but {name} is "
        f"{found.text}; choose another image, or name its axes as the layer's axis "
        "labels (c, z, y, x)"
    )
