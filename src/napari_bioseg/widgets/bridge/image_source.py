"""What of an image layer a model predicts: axes, stacks, views, regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_bioseg.counted import counted
from napari_bioseg.settings import TrainedOn, Workflow

from .axes import finest, spacing_of
from .axis_names import LEFT_OUT, guess_layer_axes, problem_with, size_of
from .layers import current_view, unwrapped

MARGIN = 32
"""Pixels around a view or region that are predicted too, as context."""
DEPTH = 16
"""Slices above and below the one on screen that a 3-D network predicts."""


@dataclass(frozen=True, eq=False)
class Target:
    """One image layer as a model sees it: equal pieces along time or slices.

    Attributes
    ----------
    layer : napari.layers.Image
        Where the pixels come from.
    name : str
        Its name when the prediction began.
    array : array
        (leading, C, [Z,] Y, X); a numpy view, or lazy.
    leading : tuple of int
        Sizes of the axes that are looped over, such as time; empty for one piece.
    axes : tuple of int
        Axes of the layer that the result has: the leading ones, then space.
    spacing : tuple of float
        Pixel size per spatial axis.
    region : tuple of slice
        Part to predict: per leading axis, then per spatial axis.
    letters : str
        What the leading axes are, T and Z.
    focus : tuple of float
        Pixel around which the user looks: per leading axis, then per spatial axis.
    """

    layer: Any
    name: str
    array: Any
    leading: tuple[int, ...]
    axes: tuple[int, ...]
    spacing: tuple[float, ...]
    region: tuple[slice, ...]
    letters: str = ""
    focus: tuple[float, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of the result without its channels."""
        return tuple(part.stop - part.start for part in self.region)

    @property
    def size(self) -> tuple[int, ...]:
        """Size of the whole image without its channels."""
        channel = len(self.leading)
        shape = tuple(int(n) for n in self.array.shape)
        return (*shape[:channel], *shape[channel + 1 :])

    @property
    def spatial(self) -> tuple[slice, ...]:
        """The part of each piece that is predicted."""
        return self.region[len(self.leading) :]

    @property
    def whole(self) -> bool:
        """Whether all of the image is predicted."""
        return self.shape == self.size

    @property
    def count(self) -> int:
        """How many pieces are predicted."""
        return int(np.prod(self.shape[: len(self.leading)], dtype=np.int64))

    def piece(self, place: tuple[int, ...]) -> Any:
        """Return one of the images (C, [Z,] Y, X).

        Parameters
        ----------
        place : tuple of int
            Where it goes in the result, per leading axis.
        """
        index = tuple(i + p.start for i, p in zip(place, self.region, strict=False))
        return self.array[index] if index else self.array

    @property
    def places(self) -> Iterator[tuple[int, ...]]:
        """Where each piece goes in the result, the last axis fastest."""
        return iter(np.ndindex(self.shape[: len(self.leading)]))

    def wanted(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        """Yield where each piece goes in the result, and the piece."""
        for place in self.places:
            yield place, self.piece(place)

    def on_grid(self, multiple: Sequence[int]) -> Target:
        """Let a part begin where a network sees it on the grid of the whole image.

        Parameters
        ----------
        multiple : sequence of int
            Per spatial axis, how many pixels the network's coarsest one holds.

        Returns
        -------
        Target
            It begins up to that much earlier.
        """
        ahead = len(self.leading)
        spatial = [
            slice(part.start // step * step, part.stop)
            for part, step in zip(self.spatial, multiple, strict=True)
        ]
        return replace(self, region=(*self.region[:ahead], *spatial))


def channels_in(layer: Any, workflow: Workflow, letters: str = "") -> int:
    """Return how many channels an image layer has, as a model sees it.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    workflow : Workflow
        Of the model.
    letters : str
        Which axis is which, as in `guess_axes`; guessed if not given.

    Returns
    -------
    int
        0 if the layer does not suit the model otherwise.
    """
    layer = unwrapped(layer)
    facts = workflow.trained
    if facts is None:
        return 0
    letters = letters or guess_layer_axes(layer, facts.in_channels)
    if problem_with(letters, size_of(layer)):
        return 0
    if facts.dimensions == 3 and "Z" not in letters:
        return 0
    return _channels(layer, letters)


def mismatch(layer: Any, workflow: Workflow, letters: str = "") -> str:
    """Say why a layer does not suit a model, or ``""``.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    workflow : Workflow
        Of the model.
    letters : str
        Which axis is which; guessed if not given.

    Returns
    -------
    str
        Empty too where the layer has more channels than the model, which can be
        chosen from.
    """
    layer = unwrapped(layer)
    facts = workflow.trained
    if facts is None:
        return "this model was never trained; choose another one"
    letters = letters or guess_layer_axes(layer, facts.in_channels)
    problem = problem_with(letters, size_of(layer))
    if problem:
        return f"{layer.name}: {problem}"
    flat = facts.dimensions == 3 and "Z" not in letters
    if flat or _channels(layer, letters) < facts.in_channels:
        return _unsuited(layer, letters, facts)
    return ""


def target_of(
    layer: Any,
    workflow: Workflow,
    chosen: Sequence[int] | None = None,
    letters: str = "",
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
    letters : str
        Which axis is which; guessed if not given.

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
    problem = mismatch(layer, workflow, letters)
    facts = workflow.trained
    if problem or facts is None:
        raise ValueError(problem)
    letters = letters or guess_layer_axes(layer, facts.in_channels)
    space = "ZYX" if facts.dimensions == 3 else "YX"
    loops = "".join(x for x in "TZ" if x in letters and x not in space)
    array = _arranged(layer, letters, loops, space)
    if chosen is not None:
        array = _chosen(array, len(loops), chosen)
    if array.shape[len(loops)] != facts.in_channels:
        raise ValueError(_unsuited(layer, letters, facts))
    axes = tuple(letters.index(letter) for letter in loops + space)
    size = size_of(layer)
    return Target(
        layer=layer,
        name=layer.name,
        array=array,
        leading=tuple(size[axis] for axis in axes[: len(loops)]),
        axes=axes,
        spacing=spacing_of(layer, axes[len(loops) :]),
        region=tuple(slice(0, size[axis]) for axis in axes),
        letters=loops,
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
    return replace(target, focus=focus)


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
        more = deep if along_z else MARGIN
        out[place] = slice(max(part.start - more, 0), min(part.stop + more, size))
    return replace(target, region=tuple(out))


def _channels(layer: Any, letters: str) -> int:
    if getattr(layer, "rgb", False):
        return 3
    return size_of(layer)[letters.index("C")] if "C" in letters else 1


def _arranged(layer: Any, letters: str, loops: str, space: str) -> Any:
    """Return the pixels as (loops, C, space); alpha is left out of colours."""
    array = finest(layer)
    rgb = bool(getattr(layer, "rgb", False))
    kept = letters.replace(LEFT_OUT, "")
    array = array[tuple(0 if x == LEFT_OUT else slice(None) for x in letters)]
    if rgb:
        kept, array = kept + "C", array[..., :3]
    elif "C" not in kept:
        kept, array = kept + "C", array[..., np.newaxis]
    return array.transpose([kept.index(letter) for letter in f"{loops}C{space}"])


def _chosen(array: Any, axis: int, channels: Sequence[int]) -> Any:
    ahead = (slice(None),) * axis
    if len(channels) == 1:  # a view, not a copy
        return array[(*ahead, slice(channels[0], channels[0] + 1))]
    return array[(*ahead, list(channels))]


def _unsuited(layer: Any, letters: str, facts: TrainedOn) -> str:
    flat = "Z" not in letters or facts.dimensions == 2
    found = f"{2 if flat else 3}-D, {counted(_channels(layer, letters), 'channel')}"
    if getattr(layer, "rgb", False):
        found += " (RGB)"
    size = " × ".join(str(length) for length in size_of(layer))
    ways = "choose another image or model"
    if layer.ndim > 2:
        ways += ", or say under Axes which axis is which"
    return (
        f"the model was trained on {facts.dimensions}-D images with "
        f"{counted(facts.in_channels, 'channel')}, but {layer.name} is {found} "
        f"({size} px read as {' '.join(letters)}); {ways}"
    )
