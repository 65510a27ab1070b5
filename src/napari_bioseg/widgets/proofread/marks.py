"""Dots on the canvas that show where the user clicked or drew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.widgets.bridge.layers import transforms_of, unwrapped

NAME = "proofreading marks"
PIXELS = 7
"""Size of a dot on screen."""


class Marks:
    """A layer of dots, made when it is first needed and hidden while it is not.

    napari takes a tenth of a second to add or remove a layer, so it stays.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show it.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = unwrapped(viewer)
        self._layer: Any = None

    @property
    def layer(self) -> Any:
        """The layer, or None."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None
        return self._layer

    def prepare(self, over: Any) -> None:
        """Have the layer ready, empty.

        Parameters
        ----------
        over : napari.layers.Labels
            The layer below.
        """
        if self.layer is not None and self.layer.ndim != over.ndim:
            self.remove()
        if self.layer is None:
            self._add(over)
        self.layer.visible = True

    def show(self, points: NDArray[Any], over: Any) -> None:
        """Show dots.

        Parameters
        ----------
        points : ndarray
            Places in pixels of the layer below, ``(n, axes)``.
        over : napari.layers.Labels
            The layer below.
        """
        self.prepare(over)
        layer = self.layer
        layer.data = np.asarray(points, float).reshape(-1, over.ndim)
        layer.selected_data = set()

    def clear(self) -> None:
        """Show no dots."""
        if self.layer is not None and len(self.layer.data):
            self.layer.data = np.zeros((0, self.layer.ndim))

    def hide(self) -> None:
        """Show no dots, and nothing in the way of the mouse."""
        self.clear()
        if self.layer is not None:
            self.layer.visible = False

    def remove(self) -> None:
        """Take the layer away."""
        if self.layer is not None:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _add(self, over: Any) -> None:
        viewer = self._viewer
        active = viewer.layers.selection.active
        selected = set(viewer.layers.selection)
        self._layer = viewer.add_points(
            ndim=over.ndim,
            name=NAME,
            size=1,
            face_color="#ffd43b",
            border_width=0,
            canvas_size_limits=(PIXELS, PIXELS),
            metadata={"bioseg": {"role": "marks"}},
            **transforms_of(over),
        )
        viewer.layers.selection = selected
        viewer.layers.selection.active = active
