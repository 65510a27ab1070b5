"""What the network predicted, as something that splits can follow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.edit import Box
from napari_bioseg.widgets.bridge.axes import finest
from napari_bioseg.widgets.bridge.matching import is_image, spatial_shape
from napari_bioseg.widgets.tune.sources import Part, Source, find_sources

from .target import Frame, Target

INSIDE = ("B", "M", "F", "foreground")
"""Channels that say how sure the network is of being inside an object."""


class Guide:
    """The predicted channels that belong to some labels.

    Parameters
    ----------
    source : Source
        A prediction of the shape of the labels.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._parts = {part.channel: part for part in source.parts}

    @property
    def text(self) -> str:
        """What to call it."""
        return self.source.text

    @property
    def threshold(self) -> float:
        """Probability above which a pixel counted as inside."""
        used = self.source.workflow().instances.foreground_binary
        return float(used) if isinstance(used, int | float) else 0.5

    def landscape(self, frame: Frame, box: Box) -> NDArray[np.float32]:
        """Return what parts of an object are flooded over: high between cells.

        Parameters
        ----------
        frame : tuple of int
            Which frame.
        box : tuple of slice
            Which part of it; nothing else is read.

        Returns
        -------
        ndarray
            Float32.
        """
        from scipy import ndimage

        total = np.zeros(tuple(s.stop - s.start for s in box), np.float32)
        for name, part in self._parts.items():
            if name == "C":
                total += self._read(part, frame, box)
            elif name in INSIDE:
                total -= self._read(part, frame, box)
            elif name in ("D", "Dv2"):
                far = self._read(part, frame, box)
                total -= far / max(float(far.max()), 1e-6)
        smooth: NDArray[np.float32] = np.empty_like(total)
        ndimage.gaussian_filter(total, 1.0, output=smooth)
        return smooth

    def inside(self, frame: Frame) -> Any:
        """Return the probability of being inside an object, to be read in slabs.

        Parameters
        ----------
        frame : tuple of int
            Which frame.

        Returns
        -------
        array or None
            None where no channel says so.
        """
        for name in INSIDE:
            if name in self._parts:
                return _Channel(self, self._parts[name], frame)
        return None

    def _read(self, part: Part, frame: Frame, box: Any) -> NDArray[np.float32]:
        data = finest(part.layer)
        key = [*frame, *(box if isinstance(box, tuple) else (box,))]
        if part.channel_axis is not None:
            key.insert(part.channel_axis, part.index or 0)
        pixels = np.asarray(data[tuple(key)])
        if pixels.dtype.kind in "iu":
            return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
        return pixels.astype(np.float32, copy=False)


class _Channel:
    """One channel of one frame as an array that is read where it is sliced."""

    def __init__(self, guide: Guide, part: Part, frame: Frame) -> None:
        self._guide, self._part, self._frame = guide, part, frame
        self.shape = guide.source.shape[len(frame) :]

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        keys = key if isinstance(key, tuple) else (key,)
        full = (*keys, *(slice(None),) * (len(self.shape) - len(keys)))
        return self._guide._read(self._part, self._frame, full)


def find_guide(viewer: Any, target: Target) -> Guide | None:
    """Return the prediction that some labels were made from, as far as can be told.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are searched.
    target : Target
        The labels.

    Returns
    -------
    Guide or None
        The newest prediction of the labels' shape and image. Where the labels do not
        say of which image they are, it must be the only open one of their shape, or
        their name must begin with its name.
    """
    notes = target.layer.metadata.get("bioseg")
    origin = notes.get("source") if isinstance(notes, dict) else None
    shape = tuple(target.layer.data.shape)
    suited = []
    for source in find_sources(viewer):
        channels = set(source.channels)
        useful = channels & {"C", "D", "Dv2", *INSIDE}
        if useful and source.shape == shape and source.leading <= target.leading:
            suited.append(source)
    images = [
        layer.name
        for layer in viewer.layers
        if is_image(layer) and spatial_shape(layer) == shape
    ]
    name = target.layer.name
    for source in suited:
        known = source.name == origin
        alone = origin is None and len(images) <= 1
        if known or alone or (origin is None and name.startswith(source.name)):
            return Guide(source)
    return None
