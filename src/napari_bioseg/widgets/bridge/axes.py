"""Which axis of a layer is which, and its pixels in the package's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from napari.layers import Layer

_CHANNEL_LABELS = ("c", "ch", "channel", "channels")
_TIME_LABELS = ("t", "time", "frame", "frames")
_FEW = 4
"""An unlabelled first axis with at most so many entries is taken for channels."""


@dataclass(frozen=True)
class ImageArray:
    """An image layer's pixels in the package's order, and where each axis came from.

    Attributes
    ----------
    data : array
        ``(C, [Z,] Y, X)``, numpy or dask, in the layer's own type; a view where the
        layer holds numpy.
    spatial_axes : tuple of int
        Axes of the layer that are ``([Z,] Y, X)``.
    channel_axis : int or None
        Axis of the layer that holds channels; None if it has none, or is RGB.
    rgb : bool
        Whether the channels are the colours of an RGB layer (alpha is left out).
    spacing : tuple of float
        Size of a pixel per spatial axis.
    guessed : bool
        Whether the channel axis was guessed from its size, not named by a label.
    """

    data: Any
    spatial_axes: tuple[int, ...]
    channel_axis: int | None
    rgb: bool
    spacing: tuple[float, ...]
    guessed: bool = False

    @property
    def text(self) -> str:
        """What was understood, in words: ``2-D, 3 channels (axis 0)``."""
        count = self.data.shape[0]
        channels = f"{count} channel" + ("s" if count > 1 else "")
        if self.rgb:
            channels += " (RGB)"
        elif self.channel_axis is not None:
            channels += f" (axis {self.channel_axis})"
        return f"{len(self.spatial_axes)}-D, {channels}"


def unwrapped(thing: Any) -> Any:
    """Return the viewer or layer itself where napari handed out a proxy of it.

    Proxies are made anew at each access, so they can be neither weak keys nor compared
    with ``is``.

    Parameters
    ----------
    thing
        A viewer, a layer, or a proxy.

    Returns
    -------
    object
    """
    return getattr(thing, "__wrapped__", thing)


def image_array(
    layer: Layer,
    *,
    channel_axis: int | Literal["auto"] | None = "auto",
    spatial: int | None = None,
    time: int | None = None,
) -> ImageArray:
    """Return the pixels of an image layer as ``(C, [Z,] Y, X)``.

    Parameters
    ----------
    layer : napari.layers.Image
        Any image layer; of a multiscale one the finest level is taken.
    channel_axis : int, None or "auto"
        Axis of the layer that holds channels, None for no such axis. By default an
        axis labelled c or channel, else an axis that is left over, else a first axis
        of at most four.
    spatial : int, optional
        Number of spatial axes, 2 or 3, if it is known (from the labels, for example).
    time : int, optional
        Which time point to take of a layer with an axis labelled t or time.

    Returns
    -------
    ImageArray

    Raises
    ------
    ValueError
        If the axes cannot be told apart, or there is a time axis and no time point.
    """
    data = finest(layer)
    shape = tuple(data.shape[: layer.ndim])
    rgb = bool(getattr(layer, "rgb", False))
    axes, at = _without_time(layer, shape, time)
    channel, guessed = _channel_axis(layer, shape, axes, channel_axis, spatial, rgb)
    rest = tuple(axis for axis in axes if axis != channel)
    if len(rest) not in (2, 3) or (spatial is not None and len(rest) != spatial):
        wanted = "2 or 3" if spatial is None else str(spatial)
        raise ValueError(
            f"layer {layer.name!r} has shape {shape}, which leaves {len(rest)} spatial "
            f"axes instead of {wanted}; name its axes (e.g. t, c, z, y, x) as the "
            "layer's axis labels, or choose the channel axis"
        )
    array = data[at]
    kept = [axis for axis in range(layer.ndim) if isinstance(at[axis], slice)]
    if rgb:
        array = np.moveaxis(array, -1, 0)[:3]
    elif channel is None:
        array = array[None]
    else:
        array = np.moveaxis(array, kept.index(channel), 0)
    return ImageArray(array, rest, channel, rgb, spacing_of(layer, rest), guessed)


def labels_array(layer: Layer, *, time: int | None = None) -> Any:
    """Return the pixels of a labels layer as ``([Z,] Y, X)``.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer; of a multiscale one the finest level is taken.
    time : int, optional
        Which time point to take of a layer with an axis labelled t or time.

    Returns
    -------
    array
        Integer, numpy or dask; a view where the layer holds numpy.

    Raises
    ------
    ValueError
        If the layer has other than two or three spatial axes.
    """
    data = finest(layer)
    axes, at = _without_time(layer, tuple(data.shape), time)
    if len(axes) not in (2, 3):
        raise ValueError(
            f"layer {layer.name!r} has shape {tuple(data.shape)}; labels have the axes "
            "(Y, X) or (Z, Y, X)"
        )
    return data[at]


def spacing_of(layer: Layer, axes: Sequence[int] | None = None) -> tuple[float, ...]:
    """Return the size of a pixel along some axes, in the layer's units.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer.
    axes : sequence of int, optional
        Axes of the layer; all by default.

    Returns
    -------
    tuple of float
    """
    chosen = range(layer.ndim) if axes is None else axes
    return tuple(abs(float(layer.scale[axis])) for axis in chosen)


def finest(layer: Layer) -> Any:
    """Return a layer's array: its finest level, in a type that can be indexed.

    Parameters
    ----------
    layer : napari.layers.Layer
        An image or labels layer.

    Returns
    -------
    array
        Numpy, or dask for anything that is not in memory.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    if isinstance(data, np.ndarray) or type(data).__module__.startswith("dask."):
        return data
    import dask.array

    if hasattr(data, "values") and hasattr(data, "dims"):  # xarray
        data = data.data
    if isinstance(data, np.ndarray):
        return data
    return dask.array.from_array(data)  # type: ignore[no-untyped-call]


def time_axes(layer: Layer) -> list[int]:
    """Return the axes of a layer that are labelled as time.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    list of int
    """
    return _named(layer, _TIME_LABELS)


def _named(layer: Layer, names: Sequence[str]) -> list[int]:
    return [
        axis
        for axis, label in enumerate(layer.axis_labels)
        if str(label).strip().lower() in names
    ]


def _without_time(
    layer: Layer, shape: Sequence[int], time: int | None
) -> tuple[list[int], tuple[Any, ...]]:
    """Return the axes that are not time, and the index that takes one time point.

    Further leading axes of length one are dropped, until three axes are left.
    """
    at: list[Any] = [slice(None)] * layer.ndim
    for axis in time_axes(layer):
        count = shape[axis]
        if time is None and count > 1:
            raise ValueError(
                f"layer {layer.name!r} has a time axis with {count} time points; "
                "choose one time point, or split the layer along it"
            )
        if time is not None and not -count <= time < count:
            raise ValueError(
                f"layer {layer.name!r} has {count} time points; there is none at {time}"
            )
        at[axis] = 0 if time is None else time
    for axis in range(layer.ndim - 2):
        left = sum(isinstance(index, slice) for index in at)
        if left > 3 and shape[axis] == 1 and isinstance(at[axis], slice):
            at[axis] = 0
    return [axis for axis in range(layer.ndim) if isinstance(at[axis], slice)], tuple(
        at
    )


def _channel_axis(
    layer: Layer,
    shape: Sequence[int],
    axes: Sequence[int],
    wanted: int | Literal["auto"] | None,
    spatial: int | None,
    rgb: bool,
) -> tuple[int | None, bool]:
    """Find the channel axis and say whether that was a guess."""
    if rgb:
        return None, False
    if wanted is None:
        return None, False
    if wanted != "auto":
        axis = wanted + layer.ndim if wanted < 0 else wanted
        if axis not in axes:
            raise ValueError(
                f"layer {layer.name!r} with shape {tuple(shape)} has no axis {wanted} "
                f"for channels; there are {', '.join(str(a) for a in axes)}"
            )
        return axis, False
    named = [axis for axis in _named(layer, _CHANNEL_LABELS) if axis in axes]
    if named:
        return named[0], False
    leading = list(axes[:-2])
    if not leading or len(axes) == spatial:
        return None, False
    smallest = min(leading, key=lambda axis: shape[axis])
    if spatial is not None and len(axes) == spatial + 1:
        return smallest, len(leading) > 1
    labelled = any(str(label).strip().lower() == "z" for label in layer.axis_labels)
    if len(axes) == 4 or (shape[smallest] <= _FEW and not labelled):
        return smallest, True
    return None, False
