"""Between napari's layers and the package's arrays: axes, transforms, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

METADATA_VERSION = 1
"""Version of ``layer.metadata["bioseg"]``."""

Slices = tuple[slice, ...]
Kind = Literal["image", "labels"]

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
    data = _finest(layer)
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
    data = _finest(layer)
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


def transforms_of(layer: Layer, axes: Sequence[int] | None = None) -> dict[str, Any]:
    """Return what places a layer in the world, for a new layer with some of its axes.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer whose place is wanted.
    axes : sequence of int, optional
        Its axes that the new layer has; all by default.

    Returns
    -------
    dict
        Arguments of ``viewer.add_labels`` and its like: scale, translate, rotate,
        shear, affine, units and axis_labels.
    """
    chosen = list(range(layer.ndim) if axes is None else axes)
    block = np.ix_(chosen, chosen)
    shear = np.eye(layer.ndim)
    shear[np.triu_indices(layer.ndim, 1)] = layer.shear
    return {
        "scale": np.asarray(layer.scale)[chosen],
        "translate": np.asarray(layer.translate)[chosen],
        "rotate": np.asarray(layer.rotate)[block],
        "shear": shear[block][np.triu_indices(len(chosen), 1)],
        "affine": np.asarray(layer.affine.set_slice(chosen).affine_matrix),
        "units": tuple(layer.units[axis] for axis in chosen),
        "axis_labels": tuple(layer.axis_labels[axis] for axis in chosen),
    }


def add_or_update(
    viewer: Viewer,
    name: str,
    data: Any,
    kind: Kind,
    source_layer: Layer | None = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    axes: Sequence[int] | None = None,
    **style: Any,
) -> Layer:
    """Show a result: in the layer that already shows it, or in a new one.

    A layer shows the same result if it has the same kind, role, channel and source in
    its metadata. It is changed in place and keeps its name, colours, selection,
    visibility and position. A new layer goes on top, takes over the place of the
    source in the world, and does not become the selected one.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show it.
    name : str
        Name of a new layer.
    data : array
        The pixels. Labels are copied, images are not: who goes on writing to an image
        sees it in the layer after ``layer.refresh()``.
    kind : {"image", "labels"}
        Which sort of layer.
    source_layer : napari.layers.Layer, optional
        The layer that the result lies on.
    metadata : mapping, optional
        What ``layer.metadata["bioseg"]`` is to hold: role, channel, source, ...
    axes : sequence of int, optional
        Axes of the source that the result has; by default the last ones.
    **style
        Further arguments for a new layer, such as ``colormap`` or ``visible``.

    Returns
    -------
    napari.layers.Layer
        The layer, not a proxy of it.
    """
    viewer = unwrapped(viewer)
    source_layer = unwrapped(source_layer)
    notes = {"version": METADATA_VERSION, **(metadata or {})}
    found = find_result(viewer, kind, notes, name)
    if found is not None:
        found.metadata["bioseg"] = notes
        replace_data(found, data)
        return found
    place: dict[str, Any] = {}
    if source_layer is not None:
        if axes is None:
            axes = range(source_layer.ndim - data.ndim, source_layer.ndim)
        place = transforms_of(source_layer, axes)
    if kind == "labels" and isinstance(data, np.ndarray):
        data = data.copy()
    selected = set(viewer.layers.selection)
    active = viewer.layers.selection.active
    add = viewer.add_labels if kind == "labels" else viewer.add_image
    layer = add(data, name=name, metadata={"bioseg": notes}, **place, **style)
    if selected:
        viewer.layers.selection = selected
        viewer.layers.selection.active = active
    return layer


def find_result(
    viewer: Viewer, kind: Kind, notes: Mapping[str, Any], name: str = ""
) -> Layer | None:
    """Return the layer that shows a result, if there is one.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to look.
    kind : {"image", "labels"}
        Which sort of layer.
    notes : mapping
        Role, channel and source, as in ``layer.metadata["bioseg"]``.
    name : str
        Name to go by where no source is noted.

    Returns
    -------
    napari.layers.Layer or None
    """
    from napari.layers import Image, Labels

    wanted = Labels if kind == "labels" else Image
    keys = ("role", "channel", "source")
    for layer in unwrapped(viewer).layers:
        held = layer.metadata.get("bioseg")
        if not isinstance(layer, wanted) or not isinstance(held, Mapping):
            continue
        same = all(held.get(key) == notes.get(key) for key in keys)
        if same and (notes.get("source") is not None or layer.name == name):
            return layer
    return None


def replace_data(layer: Layer, data: Any, region: Slices | None = None) -> None:
    """Put other pixels into a layer, in place where that is possible.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer to change.
    data : array
        All its new pixels, or those of the region.
    region : tuple of slice, optional
        Which pixels to replace; all by default.

    Raises
    ------
    ValueError
        If a region is given and the layer's array cannot be written to.
    """
    layer = unwrapped(layer)
    held = layer.data
    writable = isinstance(held, np.ndarray) and held.flags.writeable
    if region is not None:
        if not writable:
            raise ValueError(f"the pixels of layer {layer.name!r} cannot be changed")
        held[region] = data
    elif held is data or (isinstance(data, np.ndarray) and _same_memory(held, data)):
        pass  # written already by who made it; only the picture is old
    elif (
        writable
        and isinstance(data, np.ndarray)
        and held.shape == data.shape
        and held.dtype == data.dtype
    ):
        held[...] = data
    else:
        layer.data = data.copy() if isinstance(data, np.ndarray) else data
        return
    layer.refresh(extent=False, highlight=False)


def find_predictions(viewer: Viewer) -> list[Layer]:
    """Return the layers whose metadata say that they are predictions.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to look.

    Returns
    -------
    list of napari.layers.Layer
        From bottom to top.
    """
    return [layer for layer in viewer.layers if role_of(layer) == "prediction"]


def role_of(layer: Layer) -> str:
    """Return what a layer is to this package: ``"prediction"``, ``"instances"``...

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    str
        Empty for layers that are not ours.
    """
    notes = layer.metadata.get("bioseg")
    return str(notes.get("role", "")) if isinstance(notes, Mapping) else ""


def current_view(
    viewer: Viewer,
    layer: Layer,
    axes: Sequence[int] | None = None,
    *,
    margin: float = 0.0,
) -> Slices:
    """Return the part of a layer that is on screen now.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Layer
        The layer, visible or not.
    axes : sequence of int, optional
        Axes to answer for; all by default.
    margin : float
        How much more to take on each side, as a share of the visible length.

    Returns
    -------
    tuple of slice
        In pixels of the finest level; everything in the 3-D display, one slice along
        axes that a slider stands for, and everything before the first drawing.
    """
    layer = unwrapped(layer)
    shape = _finest(layer).shape[: layer.ndim]
    chosen = list(range(layer.ndim) if axes is None else axes)
    whole = [slice(0, int(size)) for size in shape]
    corners = np.asarray(layer.corner_pixels, dtype=float)
    dims = viewer.dims
    ahead = dims.ndim - layer.ndim
    displayed = [axis - ahead for axis in dims.displayed if axis >= ahead]
    drawn = bool((corners[1] > corners[0]).any())
    if dims.ndisplay == 3 or len(displayed) < 2 or not drawn:
        return tuple(whole[axis] for axis in chosen)
    if layer.multiscale:
        corners = corners * np.asarray(layer.downsample_factors[layer.data_level])
    point = layer.world_to_data(np.asarray(dims.point)[ahead:])
    out = []
    for axis in chosen:
        size = int(shape[axis])
        if axis in displayed:
            low, high = corners[:, axis]
            more = margin * (high - low + 1)
            start, stop = int(low - more), int(np.ceil(high + more)) + 1
        else:
            start = round(float(point[axis]))
            stop = start + 1
        start = min(max(start, 0), size - 1)
        out.append(slice(start, min(max(stop, start + 1), size)))
    return tuple(out)


def _finest(layer: Layer) -> Any:
    """Return a layer's array: its finest level, in a type that can be indexed."""
    data = layer.data[0] if layer.multiscale else layer.data
    if isinstance(data, np.ndarray) or type(data).__module__.startswith("dask."):
        return data
    import dask.array

    if hasattr(data, "values") and hasattr(data, "dims"):  # xarray
        data = data.data
    if isinstance(data, np.ndarray):
        return data
    return dask.array.from_array(data)  # type: ignore[no-untyped-call]


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
    for axis in _named(layer, _TIME_LABELS):
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


def _same_memory(held: Any, data: NDArray[Any]) -> bool:
    return (
        isinstance(held, np.ndarray)
        and held.shape == data.shape
        and held.strides == data.strides
        and held.__array_interface__["data"] == data.__array_interface__["data"]
    )
