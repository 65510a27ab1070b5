"""Corrected labels become training data."""

from __future__ import annotations

from typing import Any

from napari_bioseg.widgets.bridge.layers import unwrapped
from napari_bioseg.widgets.bridge.matching import is_image, match_layers
from napari_bioseg.widgets.forms.note import Kind
from napari_bioseg.widgets.opening import open_panel
from napari_bioseg.widgets.session import session_of


def hand_over(viewer: Any, labels: Any) -> tuple[str, Kind]:
    """Offer labels and their image to the Train panel, and bring it to the front.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels : napari.layers.Labels
        The corrected labels.

    Returns
    -------
    text, kind : str
        What to say.
    """
    image = image_of(viewer, labels)
    if image is None:
        return (
            f"no image layer has the size of {labels.name}: open the image that these "
            "labels belong to",
            "error",
        )
    session_of(viewer).offer_pair(image, labels)
    if hasattr(viewer, "window"):
        open_panel(viewer, "Train")
    return f"{image.name} and {labels.name} are in the Train panel", "good"


def image_of(viewer: Any, labels: Any) -> Any:
    """Return the image that labels were made from, or one of their size.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels : napari.layers.Labels
        The labels.

    Returns
    -------
    napari.layers.Image or None
    """
    notes = labels.metadata.get("bioseg")
    origin = notes.get("source") if isinstance(notes, dict) else None
    images = [layer for layer in map(unwrapped, viewer.layers) if is_image(layer)]
    named = [layer for layer in images if layer.name == origin]
    for choice in (named, images):
        pairs = match_layers(choice, [labels])
        if pairs:
            return pairs[0][0]
    return None
