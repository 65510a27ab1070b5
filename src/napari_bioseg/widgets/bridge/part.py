"""Draw again only the part of a labels layer that changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import unwrapped


def refresh_part(layer: Any, region: tuple[slice, ...]) -> bool:
    """Draw a part of a labels layer whose pixels were changed in place.

    Refreshing the whole layer costs about 20 ms for 2048² pixels, for every answer to a
    slider; napari itself draws only a part while somebody paints, and this asks for
    the same. It listens to no public call for that, so where napari is made otherwise
    nothing is done.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    region : tuple of slice
        The pixels that changed, one slice per axis.

    Returns
    -------
    bool
        Whether that was possible; else ``layer.refresh()`` is needed.
    """
    layer = unwrapped(layer)
    try:
        shown, sides = layer._slice.image, layer._slice_input.displayed
        point = layer._data_slice.point
        simple = layer._slicing_state.loaded and not layer.multiscale
        draw, show = layer._raw_to_displayed, layer._partial_labels_refresh
    except AttributeError:
        return False
    if not simple or len(sides) != 2 or layer.contour:
        return False
    if not np.may_share_memory(shown.raw, layer.data):
        return False
    for axis, side in enumerate(region):
        if axis not in sides and not side.start <= round(point[axis]) < side.stop:
            return True  # another slice is looked at
    part = tuple(region[axis] for axis in sides)
    shown.view[part] = draw(shown.raw, part)
    layer._updated_slice = region
    show()
    return True
