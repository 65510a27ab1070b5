"""Tells when pixels of a layer were replaced in place, which napari does not."""

from __future__ import annotations

from typing import Any

from psygnal import Signal


class _Replaced:
    pixels = Signal(object)


_REPLACED = _Replaced()
pixels_replaced = _REPLACED.pixels
"""Emits the layer whose pixels `replace_data` wrote."""


def on_change(layer: Any, changed: Any) -> None:
    """Call something whenever the pixels of a layer may have changed.

    That is after painting, undo, redo, new data, results written in place, and, as
    undo cannot be told apart from it, when another slice is shown.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    changed : bound method
        Called without arguments; held weakly.
    """
    for name in ("data", "labels_update", "set_data"):
        getattr(layer.events, name).connect(changed)


def off_change(layer: Any, changed: Any) -> None:
    """Take back `on_change`.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    changed : bound method
        What was to be called.
    """
    for name in ("data", "labels_update", "set_data"):
        getattr(layer.events, name).disconnect(changed)
