"""The labels that are corrected: their axes, frames, and the ids that are locked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.edit import EditedArray
from napari_bioseg.widgets.bridge.axes import spacing_of, time_axes, unwrapped
from napari_bioseg.widgets.bridge.hand_edits import watch_hands
from napari_bioseg.widgets.bridge.locks import lock_ids, locked_ids

Frame = tuple[int, ...]
"""Place along the axes before the spatial ones: time, usually."""


class FramePixels:
    """The pixels of one frame, read only where somebody looks.

    Parameters
    ----------
    data : array
        Labels with their leading axes.
    frame : tuple of int
        Which frame.
    """

    def __init__(self, data: Any, frame: Frame) -> None:
        self._data, self._frame = data, frame
        self.shape: tuple[int, ...] = tuple(data.shape[len(frame) :])
        self.dtype = np.dtype(data.dtype)
        self.ndim = len(self.shape)

    @property
    def whole(self) -> Any:
        """All pixels: a view where the labels are in memory, else this object."""
        if isinstance(self._data, np.ndarray):
            return self._data[self._frame]
        return self

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Size of the blocks on disk, where there are any."""
        return tuple(getattr(self._data, "chunks", ()) or ())[len(self._frame) :]

    def __getitem__(self, box: Any) -> NDArray[Any]:
        key = box if isinstance(box, tuple) else (box,)
        return np.asarray(self._data[(*self._frame, *key)])


class Target:
    """A labels layer to correct.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer. Labels that can only be read are made writable: what is corrected is
        kept in memory over them.

    Raises
    ------
    ValueError
        If the layer cannot be corrected.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = unwrapped(layer)
        problem = trouble(self.layer)
        if problem:
            raise ValueError(problem)
        times = len(time_axes(self.layer))
        self.leading = max(times, self.layer.ndim - 3)
        make_writable(self.layer)
        self.hands = watch_hands(self.layer)

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes of the layer that are space."""
        return tuple(range(self.leading, self.layer.ndim))

    @property
    def spacing(self) -> tuple[float, ...]:
        """Size of a pixel along each of them."""
        return spacing_of(self.layer, self.axes)

    def pixels(self, frame: Frame) -> FramePixels:
        """Return the labels of one frame.

        Parameters
        ----------
        frame : tuple of int
            Which one.

        Returns
        -------
        FramePixels
        """
        return FramePixels(self.layer.data, frame)

    def frame(self, viewer: Any) -> Frame:
        """Return the frame that is shown.

        Parameters
        ----------
        viewer : napari.Viewer
            The viewer.

        Returns
        -------
        tuple of int
        """
        ahead = viewer.dims.ndim - self.layer.ndim
        point = self.layer.world_to_data(np.asarray(viewer.dims.point)[ahead:])
        shape = self.layer.data.shape
        return tuple(
            min(max(round(float(point[axis])), 0), int(shape[axis]) - 1)
            for axis in range(self.leading)
        )

    # ---- locked objects ----

    @property
    def locked(self) -> tuple[int, ...]:
        """Ids of the objects that later tuning leaves alone."""
        return locked_ids(self.layer)

    @locked.setter
    def locked(self, ids: Iterable[int]) -> None:
        lock_ids(self.layer, ids)

    def let_go(self, ids: Iterable[int] | None = None) -> None:
        """Unlock objects, so that tuning changes them again.

        Parameters
        ----------
        ids : iterable of int, optional
            Which; all by default.
        """
        self.hands.let_go(ids)


def trouble(layer: Any) -> str:
    """Say why a layer cannot be corrected, or ``""``.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    str
    """
    if layer.multiscale:
        return (
            f"{layer.name} has several resolutions, which napari cannot edit; "
            "right-click it in the layer list and extract its finest one"
        )
    if layer.ndim < 2:
        return f"{layer.name} has one axis; labels have two or three"
    kind = np.dtype(layer.data.dtype).kind
    if kind == "b":
        return (
            f"{layer.name} holds only yes and no; right-click it in the layer list and "
            "convert it to int32, so that objects can have numbers"
        )
    times = time_axes(layer)
    if times and times != list(range(len(times))):
        return f"the time axis of {layer.name} must be its first one"
    if layer.ndim - max(len(times), layer.ndim - 3) < 2:
        return f"{layer.name} has too few axes beside time"
    return ""


def make_writable(layer: Any) -> None:
    """Let a layer's labels be written to, whatever they are stored in.

    Parameters
    ----------
    layer : napari.layers.Labels
        Numpy and zarr arrays are written to directly; corrections of anything else are
        kept in memory over it.
    """
    data = layer.data
    if hasattr(data, "values") and hasattr(data, "dims"):  # xarray indexes otherwise
        data = data.data
        if isinstance(data, np.ndarray):
            layer.data = data
            return
    if isinstance(data, np.ndarray):
        if not data.flags.writeable:
            layer.data = data.copy() if data.nbytes < 1 << 28 else EditedArray(data)
        return
    if isinstance(data, EditedArray):
        return
    if type(data).__module__.startswith("zarr") and not data.read_only:
        return
    layer.data = EditedArray(data)
