"""Between napari's layers and the package's arrays: axes, transforms, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .axes import (
    ImageArray,
    finest,
    image_array,
    labels_array,
    spacing_of,
    unwrapped,
)
from .replaced import pixels_replaced

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = [
    "ImageArray",
    "Kind",
    "Slices",
    "add_or_update",
    "current_view",
    "find_predictions",
    "find_result",
    "image_array",
    "labels_array",
    "replace_data",
    "role_of",
    "spacing_of",
    "transforms_of",
    "unwrapped",
]

METADATA_VERSION = 1
"""Version of ``layer.metadata["bioseg"]``."""

Slices = tuple[slice, ...]
Kind = Literal["image", "labels"]


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
    thumbnail: bool = True,
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
    thumbnail : bool
        Whether to draw the thumbnail of a layer that is changed again.
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
        replace_data(found, data, thumbnail=thumbnail)
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


def replace_data(
    layer: Layer, data: Any, region: Slices | None = None, *, thumbnail: bool = True
) -> None:
    """Put other pixels into a layer, in place where that is possible.

    Parameters
    ----------
    layer : napari.layers.Layer
        The layer to change.
    data : array
        All its new pixels, or those of the region.
    region : tuple of slice, optional
        Which pixels to replace; all by default.
    thumbnail : bool
        Whether to draw the thumbnail again, which costs a repaint of the layer list.

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
    layer.refresh(extent=False, highlight=False, thumbnail=thumbnail)
    pixels_replaced.emit(layer)


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
        In pixels of the finest level: one slice along axes that a slider stands for;
        all of the other axes in the 3-D display and before the first drawing.
    """
    layer = unwrapped(layer)
    shape = finest(layer).shape[: layer.ndim]
    chosen = list(range(layer.ndim) if axes is None else axes)
    corners = np.asarray(layer.corner_pixels, dtype=float)
    dims = viewer.dims
    ahead = dims.ndim - layer.ndim
    displayed = [axis - ahead for axis in dims.displayed if axis >= ahead]
    drawn = bool((corners[1] > corners[0]).any())
    cut = dims.ndisplay == 2 and len(displayed) == 2 and drawn
    if layer.multiscale:
        corners = corners * np.asarray(layer.downsample_factors[layer.data_level])
    point = layer.world_to_data(np.asarray(dims.point)[ahead:])
    out = []
    for axis in chosen:
        size = int(shape[axis])
        start, stop = 0, size
        if axis not in displayed:
            start = round(float(point[axis]))
            stop = start + 1
        elif cut:
            low, high = corners[:, axis]
            more = margin * (high - low + 1)
            start, stop = int(low - more), int(np.ceil(high + more)) + 1
        start = min(max(start, 0), size - 1)
        out.append(slice(start, min(max(stop, start + 1), size)))
    return tuple(out)


def _same_memory(held: Any, data: NDArray[Any]) -> bool:
    return (
        isinstance(held, np.ndarray)
        and held.shape == data.shape
        and held.strides == data.strides
        and held.__array_interface__["data"] == data.__array_interface__["data"]
    )
