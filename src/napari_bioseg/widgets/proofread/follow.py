"""What happens to a labels layer while it is corrected: painting and new data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_bioseg.widgets.bridge.hand_edits import distinct

Painted = list[tuple[int, tuple[slice, ...]]]
"""Labels that were painted, each with the box that holds it."""


class Following:
    """Listens to one layer at a time.

    Parameters
    ----------
    painted : callable
        Called with what an edit painted, and where.
    replaced : callable
        Called when the layer has other data.
    """

    def __init__(
        self,
        painted: Callable[[Painted], None],
        replaced: Callable[[], None],
    ) -> None:
        self._painted, self._replaced = painted, replaced
        self._layer: Any = None
        self._data: Any = None

    def follow(self, layer: Any) -> None:
        """Listen to another layer, or to none.

        Parameters
        ----------
        layer : napari.layers.Labels or None
            The layer.
        """
        if self._layer is not None:
            self._layer.events.paint.disconnect(self._paint)
            self._layer.events.data.disconnect(self._new_data)
        self._layer = layer
        self._data = None if layer is None else layer.data
        if layer is not None:
            layer.events.paint.connect(self._paint)
            layer.events.data.connect(self._new_data)

    def _paint(self, event: Any) -> None:
        self._painted([found for atom in event.value for found in painted(atom)])

    def _new_data(self, _: object = None) -> None:
        if self._layer is not None and self._layer.data is not self._data:
            self._data = self._layer.data
            self._replaced()


def painted(atom: Any) -> Painted:
    """Read one entry of napari's history of a labels layer.

    Parameters
    ----------
    atom : tuple
        Either a box with a mask and one new label, or indices with old and new labels.

    Returns
    -------
    list of (int, box)
    """
    if hasattr(atom, "slice_key"):
        return [(int(atom.new_value), tuple(atom.slice_key))]
    indices, _, new = atom
    values = np.asarray(new)
    found = []
    for number in sorted(distinct(values)):
        mine = slice(None) if values.ndim == 0 else values == number
        box = tuple(
            slice(int(places[mine].min()), int(places[mine].max()) + 1)
            for places in map(np.asarray, indices)
        )
        found.append((number, box))
    return found
