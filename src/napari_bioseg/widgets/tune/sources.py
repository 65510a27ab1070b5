"""Predictions in the viewer's layers: finding them, reading them, mending them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import (
    CHANNEL_NAMES,
    InstanceTask,
    SemanticTask,
    Task,
    Workflow,
    WorkflowError,
)
from napari_bioseg.widgets.bridge.axes import finest, time_axes
from napari_bioseg.widgets.bridge.layers import (
    find_predictions,
    image_array,
    spacing_of,
    unwrapped,
)

from .values import Mend, check_values, mended

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

FOREGROUND = "foreground"
_CLASS = re.compile(r"class \d+")
_SUFFIX = re.compile(r"^(.*?)[\s_\-\[(]+(Dv2|[BCDFMP]|foreground|class \d+)[\])]?$")
_PREDICTED = re.compile(r"pred|prob|channel|BC", re.IGNORECASE)
_USUAL = {2: ("B", "C"), 3: ("B", "C", "D")}


@dataclass(frozen=True, eq=False)
class Part:
    """One channel of a prediction: a layer, or one index along its channel axis."""

    layer: Layer
    channel: str
    index: int | None = None
    channel_axis: int | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """A prediction that is spread over one layer or several.

    Attributes
    ----------
    name : str
        The image it was made from.
    parts : tuple of Part
        Its channels, in order.
    notes : mapping
        ``layer.metadata["bioseg"]`` of its first layer, empty for foreign layers.
    mends : mapping of str to tuple of str
        What to do to the values, by channel.
    """

    name: str
    parts: tuple[Part, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)
    mends: Mapping[str, tuple[Mend, ...]] = field(default_factory=dict)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(part.channel for part in self.parts)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, each once."""
        return tuple(dict.fromkeys(part.layer for part in self.parts))

    @property
    def is_semantic(self) -> bool:
        """Whether the channels are classes."""
        return is_semantic(self.channels)

    @property
    def text(self) -> str:
        """What to call it in a list: ``cells · B C``."""
        return f"{self.name} · {' '.join(self.channels)}"

    @property
    def pixels(self) -> tuple[Any, ...]:
        """What is equal for two sources that read the same pixels of the same run."""
        parts = tuple(
            (id(p.layer), p.channel, p.index, p.channel_axis) for p in self.parts
        )
        return (*parts, self.notes.get("run"))

    @property
    def leading(self) -> int:
        """Number of axes before the spatial ones, each of whose steps stands alone.

        Predict notes them (time, or the slices seen by a 2-D network); of layers made
        elsewhere an axis labelled as time is one.
        """
        noted = self.notes.get("leading")
        if isinstance(noted, int):
            return noted
        return len(time_axes(self.parts[0].layer))

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes of the first layer that results have: leading ones, then space."""
        part = self.parts[0]
        if self.leading:
            return tuple(a for a in range(part.layer.ndim) if a != part.channel_axis)
        return image_array(part.layer, channel_axis=part.channel_axis).spatial_axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of results: leading axes, then space."""
        size = finest(self.parts[0].layer).shape
        return tuple(int(size[axis]) for axis in self.axes)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Size of a pixel per spatial axis."""
        return spacing_of(self.parts[0].layer, self.axes[self.leading :])

    def workflow(self) -> Workflow:
        """Return the workflow that made the prediction, or one with its channels.

        Returns
        -------
        Workflow
        """
        noted = self.notes.get("workflow")
        if isinstance(noted, Mapping):
            try:
                return Workflow.from_values(dict(noted))
            except WorkflowError:
                pass  # made by a newer or older version; its pixels are still good
        if self.is_semantic:
            task: Task = SemanticTask(classes=max(len(self.channels), 2))
        else:
            drawn = [name for name in self.channels if name in CHANNEL_NAMES]
            classes = len(self.channels) - len(drawn)
            task = InstanceTask(channels=drawn, classes=max(classes, 1))
        return Workflow(task=task)

    def mended(self, channel: str, mend: Mend) -> Source:
        """Return the source with one more thing to do to the values of a channel.

        The other channels whose layers are of the same type are mended too, except
        that no sigmoid is applied to distances.

        Parameters
        ----------
        channel : str
            Which channel.
        mend : str
            What to do.

        Returns
        -------
        Source
        """
        kinds = {part.channel: part.layer.dtype for part in self.parts}
        mends = dict(self.mends)
        for name, kind in kinds.items():
            alike = kind == kinds[channel] and mend not in mends.get(name, ())
            if alike and not (mend == "apply sigmoid" and name in ("D", "Dv2")):
                mends[name] = (*mends.get(name, ()), mend)
        return replace(self, mends=mends)

    def read(self) -> NDArray[np.float32]:
        """Read and check the pixels; slow for lazy layers, so call it in a thread.

        Returns
        -------
        ndarray
            Float32, ``(C, [leading,] [Z,] Y, X)``.

        Raises
        ------
        ValuesError
            If values are no probabilities but could become some.
        ValueError
            If the layers do not fit together.
        """
        self._check_memory()
        planes = [self._plane(part) for part in self.parts]
        first = planes[0].shape
        for part, plane in zip(self.parts, planes, strict=True):
            if plane.shape != first:
                raise ValueError(
                    f"channel {part.channel} (layer {part.layer.name!r}) has shape "
                    f"{plane.shape}, but {self.parts[0].channel} (layer "
                    f"{self.parts[0].layer.name!r}) has {first}; channels of one "
                    "prediction have the same shape"
                )
        if len(first) - self.leading not in (2, 3):
            raise ValueError(
                f"layer {self.parts[0].layer.name!r} has shape {first}; a channel has "
                "the axes (Y, X) or (Z, Y, X), and perhaps time before them, labelled t"
            )
        return np.stack(planes).astype(np.float32, copy=False)

    def _check_memory(self) -> None:
        """Refuse what lies on disk and would take more memory than there is."""
        if isinstance(finest(self.parts[0].layer), np.ndarray):
            return
        from napari_bioseg.channels.blockwise.room import room_for

        needed = 8 * len(self.parts) * math.prod(self.shape)  # once more to stack them
        room = room_for("auto")
        if needed > room:
            raise ValueError(
                f"{self.name} on disk needs {needed / 1e9:.1f} GB of memory to be "
                f"tuned, and {room / 1e9:.1f} GB may be taken; predict a part (current "
                "view or region) in memory and tune that, then save to the model"
            )

    def _plane(self, part: Part) -> NDArray[Any]:
        if self.leading:
            data = finest(part.layer)
            if part.channel_axis is not None:
                data = np.take(data, part.index or 0, axis=part.channel_axis)
        else:
            image = image_array(part.layer, channel_axis=part.channel_axis)
            data = image.data[part.index or 0]
        plane = np.asarray(data)
        whole = plane.dtype.kind in "iu"
        for mend in self.mends.get(part.channel, ()):
            plane = mended(plane, mend)
        check_values(part, plane, whole=whole)
        return plane


def is_semantic(channels: Sequence[str]) -> bool:
    """Return whether some channels are classes rather than parts of instances.

    Parameters
    ----------
    channels : sequence of str
        Their names.

    Returns
    -------
    bool
    """
    return all(name == FOREGROUND or _CLASS.fullmatch(name) for name in channels)


def find_sources(viewer: Viewer) -> list[Source]:
    """Return the predictions that the layers' metadata tell of, newest first.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to look.

    Returns
    -------
    list of Source
    """
    groups: dict[tuple[Any, ...], list[Layer]] = {}
    for layer in map(unwrapped, find_predictions(viewer)):
        notes = layer.metadata["bioseg"]
        alone = len(_names(notes)) > 1
        key = (notes.get("source"), notes.get("run"), id(layer) if alone else None)
        groups.setdefault(key, []).append(layer)
    found = [_source(layers) for layers in groups.values()]
    return [source for source in reversed(found) if source is not None]


def guess_channels(layer: Layer, count: int) -> tuple[str, ...]:
    """Guess which channels a layer without metadata holds.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer.
    count : int
        How many channels it has.

    Returns
    -------
    tuple of str
        Empty text where nothing can be said.
    """
    noted = layer.metadata.get("bioseg")
    if isinstance(noted, Mapping) and len(_names(noted)) == count:
        return _names(noted)
    found = _SUFFIX.match(layer.name)
    if count == 1:
        return (found[2] if found else "",)
    if _PREDICTED.search(layer.name) and count in _USUAL:
        return _USUAL[count]
    return ("",) * count


def image_name(layer_name: str) -> str:
    """Return a layer's name without the channel at its end.

    Parameters
    ----------
    layer_name : str
        For example ``"cells B"``.

    Returns
    -------
    str
        ``"cells"``.

    Examples
    --------
    >>> image_name("cells B"), image_name("cells_Dv2"), image_name("DAB")
    ('cells', 'cells', 'DAB')
    """
    found = _SUFFIX.match(layer_name)
    return found[1] if found else layer_name


def _names(notes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the channels one layer holds according to its metadata."""
    channel = notes.get("channel")
    if isinstance(channel, str) and channel:
        return (channel,)
    several = notes.get("channels")
    return tuple(several) if isinstance(several, list | tuple) else ()


def _source(layers: Sequence[Layer]) -> Source | None:
    """Put the layers of one run together; None if they hold no known channel."""
    parts: list[Part] = []
    for layer in layers:
        names = _names(layer.metadata["bioseg"])
        if len(names) == 1:
            parts.append(Part(layer, names[0]))
        else:
            axis = _axis_of(layer, len(names))
            parts += [Part(layer, n, i, axis) for i, n in enumerate(names)]
    known = [p for p in parts if p.channel in CHANNEL_NAMES or is_semantic([p.channel])]
    newest = {part.channel: part for part in known}
    if not newest:
        return None
    notes = layers[0].metadata["bioseg"]
    order = list(notes.get("channels") or newest)
    ordered = sorted(
        newest.values(),
        key=lambda p: order.index(p.channel) if p.channel in order else len(order),
    )
    name = str(notes.get("source") or image_name(layers[0].name))
    return Source(name, tuple(ordered), notes)


def _axis_of(layer: Layer, count: int) -> int:
    """Return the axis of a layer that has as many entries as there are channels."""
    shape = layer.data[0].shape if layer.multiscale else layer.data.shape
    fitting = [axis for axis in range(layer.ndim - 2) if shape[axis] == count]
    return fitting[0] if fitting else 0
