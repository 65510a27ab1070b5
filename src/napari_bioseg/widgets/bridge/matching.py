"""Which layers can be learned from, and which image belongs to which labels."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from .layers import role_of

RESULT_ROLES = (
    "prediction",
    "preview",
    "targets",
    "augmented",
    "patches",
    "seeds",
    "foreground",
    "mistakes",
    "chosen",
)
"""Roles of layers that this plugin made and nobody learns from."""


def is_image(layer: Any) -> bool:
    """Say whether a layer can be learned from or predicted.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
    """
    from napari.layers import Image

    return isinstance(layer, Image) and role_of(layer) not in RESULT_ROLES


def is_labels(layer: Any) -> bool:
    """Say whether a layer can hold ground truth.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
    """
    from napari.layers import Labels

    return isinstance(layer, Labels) and role_of(layer) not in RESULT_ROLES


def spatial_shape(layer: Any) -> tuple[int, ...]:
    """Return the size of a layer without its colours.

    Parameters
    ----------
    layer : napari.layers.Layer
        Image or labels; of a pyramid its finest level counts.

    Returns
    -------
    tuple of int
    """
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    shape = tuple(int(size) for size in data.shape)
    return shape[:-1] if getattr(layer, "rgb", False) else shape


def fits(image: Any, labels: Any) -> bool:
    """Say whether labels are as large as an image, channels aside.

    Parameters
    ----------
    image, labels : napari.layers.Layer
        The two layers.

    Returns
    -------
    bool
    """
    return mismatch(image, labels) == ""


def mismatch(image: Any, labels: Any) -> str:
    """Say why an image and labels do not go together.

    Parameters
    ----------
    image, labels : napari.layers.Layer
        The two layers.

    Returns
    -------
    str
        Empty if they do: equal sizes, or the image has one axis more, its channels.
    """
    size, wanted = spatial_shape(image), spatial_shape(labels)
    if size == wanted:
        return ""
    extra = len(size) - len(wanted)
    if extra == 1 and any(
        size[:axis] + size[axis + 1 :] == wanted for axis in range(len(size))
    ):
        return ""
    return (
        f"{image.name} is {_times(size)}, {labels.name} is {_times(wanted)}: "
        "an image and its labels must have the same size"
    )


def match_layers(images: Sequence[Any], labels: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pair images with labels of the same size, by likeness of their names.

    Parameters
    ----------
    images, labels : sequence of napari.layers.Layer
        The layers to pair.

    Returns
    -------
    list of (Image, Labels)
        In the order of the labels; every layer is used once.
    """
    left = list(images)
    pairs = []
    for layer in labels:
        suited = [image for image in left if fits(image, layer)]
        if suited:
            best = max(suited, key=lambda image: _likeness(image.name, layer.name))
            left.remove(best)
            pairs.append((best, layer))
    return pairs


def _likeness(image: str, labels: str) -> float:
    ratio = SequenceMatcher(None, image.lower(), labels.lower()).ratio()
    return ratio + labels.startswith(image)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
