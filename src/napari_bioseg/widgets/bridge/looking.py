"""Bring an object into view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .axes import unwrapped

SHARE = 6.0
"""How much wider than an object the view is at most, when a small one is shown."""


def look_at(
    viewer: Any, layer: Any, point: Sequence[float], size: Sequence[float] | None = None
) -> None:
    """Centre the view on a place of a layer, on its slice and its frame.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Layer
        The layer.
    point : sequence of float
        The place, in pixels of the layer, one number per axis.
    size : sequence of float, optional
        Size of what is there, in pixels per axis; the view comes closer if it would
        be tiny, and stays as it is otherwise.
    """
    viewer, layer = unwrapped(viewer), unwrapped(layer)
    world = np.asarray(layer.data_to_world(np.asarray(point, float)), float)
    ahead = viewer.dims.ndim - layer.ndim
    for axis in range(viewer.dims.ndim):
        if axis >= ahead and axis not in viewer.dims.displayed:
            viewer.dims.set_point(axis, float(world[axis - ahead]))
    shown = [axis - ahead for axis in viewer.dims.displayed]
    if min(shown) < 0:
        return
    camera = viewer.scene.camera
    centre = np.zeros(3)
    centre[3 - len(shown) :] = world[shown]
    camera.center = tuple(centre)
    if size is None:
        return
    wide = max(float(size[a]) * abs(float(layer.scale[a])) for a in shown)
    room = float(min(viewer.canvas.size))
    wanted = room / (SHARE * max(wide, 1e-9))
    if camera.zoom < wanted / 2:
        camera.zoom = wanted
