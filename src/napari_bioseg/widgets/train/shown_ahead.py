"""Layers with augmented patches, and with the places that patches come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_bioseg.widgets.bridge.colours import colormap_of
from napari_bioseg.widgets.bridge.layers import add_or_update

from .look_ahead import Places, Samples


def show_samples(viewer: Any, samples: Samples, beside: Any) -> list[Any]:
    """Add the patches right of an image, or change the layers that are there.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show them.
    samples : Samples
        The patches.
    beside : napari.layers.Layer or None
        The image; without one they lie at the origin.

    Returns
    -------
    list of napari.layers.Layer
    """
    layers = [
        _add(viewer, "Augmented image", channel, "gray", beside, number)
        for number, channel in enumerate(samples.image)
    ]
    for name, values in zip(samples.names, samples.targets, strict=True):
        if name != "objects":  # where distances count: no picture of its own
            layer = _add(
                viewer, f"Augmented {name}", values, colormap_of(name), beside, 0
            )
            layer.blending = "additive"
            # the image stays visible under all but thin lines
            layer.opacity = 1.0 if name == "C" else 0.35
            layers.append(layer)
    return layers


def _add(
    viewer: Any, name: str, data: Any, colormap: str, beside: Any, number: int
) -> Any:
    title = name if number == 0 else f"{name} {number + 1}"
    known = data[np.isfinite(data)]
    low, high = (0.0, 1.0) if not known.size else np.percentile(known, (0.5, 99.5))
    if colormap != "gray":
        low, high = 0.0, max(float(known.max(initial=0.0)), 1.0)
    layer = add_or_update(
        viewer,
        title,
        np.nan_to_num(data, nan=float(low)),
        "image",
        metadata={"role": "augmented", "channel": title, "source": "augmented"},
        colormap=colormap,
        contrast_limits=(float(low), max(float(high), float(low) + 1e-6)),
    )
    if beside is not None:
        _place(layer, beside)
    return layer


def _place(layer: Any, beside: Any) -> None:
    """Put a picture right of a layer, with pixels of the same size."""
    axes = layer.ndim
    scale = np.asarray(beside.scale)[-axes:]
    low, high = np.asarray(beside.extent.world)[:, -axes:]
    layer.scale = scale
    translate = low.copy()
    translate[-1] = high[-1] + 0.05 * (high[-1] - low[-1])
    layer.translate = translate
    layer.units = tuple(beside.units)[-axes:]


def show_places(viewer: Any, places: Places, image: Any) -> Any:
    """Add how often each place of an image is shown, or change the layer that is there.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show it.
    places : Places
        What to show.
    image : napari.layers.Layer
        The image.

    Returns
    -------
    napari.layers.Layer
    """
    ndim = places.counts.ndim
    axes = list(range(image.ndim))[-ndim:] if image.ndim >= ndim else None
    layer = add_or_update(
        viewer,
        f"{image.name} patches",
        places.counts,
        "image",
        image,
        {"role": "patches", "source": image.name},
        axes=axes,
        colormap="inferno",
        blending="additive",
        opacity=0.6,
        contrast_limits=(0.0, max(float(places.counts.max()), 1e-6)),
    )
    # of huge images the picture is coarser
    layer.scale = np.asarray(image.scale)[-ndim:] * places.step
    return layer
