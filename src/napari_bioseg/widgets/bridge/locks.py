"""Which objects of a labels layer later tuning leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
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


def lock_ids(layer: Any, ids: Iterable[int]) -> None:
    """Lock these objects of a layer, and no others.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    ids : iterable of int
        Their ids.
    """
    notes = layer.metadata.get("bioseg")
    notes = dict(notes) if isinstance(notes, dict) else {}
    notes["locked"] = sorted({int(number) for number in ids})
    layer.metadata["bioseg"] = notes
