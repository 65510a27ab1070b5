"""Which objects of a labels layer later tuning leaves alone."""

from __future__ import annotations

from typing import Any


def locked_ids(layer: Any) -> tuple[int, ...]:
    """Return the ids of a layer's locked objects.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    tuple of int
    """
    notes = layer.metadata.get("bioseg")
    found = notes.get("locked", ()) if isinstance(notes, dict) else ()
    return tuple(int(number) for number in found)
