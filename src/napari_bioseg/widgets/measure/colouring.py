"""Colours of a labels layer by what its objects measure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.widgets.bridge.axes import unwrapped

RANGE = (2, 98)
"""Percentiles between which the colours spread, so that one giant does not count."""


class Colouring:
    """Lends a layer other colours and gives it its own back."""

    def __init__(self) -> None:
        self._layer: Any = None
        self._own: Any = None

    def by_value(self, layer: Any, ids: NDArray[Any], values: NDArray[Any]) -> None:
        """Colour each object by a value.

        Parameters
        ----------
        layer : napari.layers.Labels
            The layer.
        ids, values : ndarray
            Objects, and the value of each; objects without one become grey.
        """
        from napari.utils.colormaps import ensure_colormap

        held = np.isfinite(values)
        low, high = np.percentile(values[held], RANGE) if held.any() else (0, 1)
        share = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
        colours = np.full((len(ids), 4), (0.5, 0.5, 0.5, 1.0), np.float32)
        colours[held] = ensure_colormap("viridis").map(share[held])
        self._lend(layer, dict(zip(ids.tolist(), colours, strict=True)), None)

    def by_fate(self, layer: Any, gone: NDArray[Any]) -> None:
        """Colour objects that would go red and all others grey.

        Parameters
        ----------
        layer : napari.layers.Labels
            The layer.
        gone : ndarray
            Ids of the objects that would go.
        """
        red = np.array((1.0, 0.25, 0.25, 1.0), np.float32)
        self._lend(layer, dict.fromkeys(gone.tolist(), red), "#8b95a5")

    def give_back(self) -> None:
        """Show the layer's own colours again."""
        if self._layer is not None:
            self._layer.colormap = self._own
        self._layer = self._own = None

    def _lend(self, layer: Any, colours: dict[int, Any], rest: str | None) -> None:
        from napari.utils.colormaps import direct_colormap

        layer = unwrapped(layer)
        if layer is not self._layer:
            self.give_back()
            self._layer, self._own = layer, layer.colormap
        other = rest or "#808080"
        lent: dict[Any, Any] = {None: other, 0: "transparent", **colours}
        layer.colormap = direct_colormap(lent)
