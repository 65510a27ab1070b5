"""Bring the channel axis of a layer to the front, where results fall into place."""

from __future__ import annotations

from typing import Any

from napari_bioseg.widgets.bridge.layers import transforms_of


class ChannelsLast(ValueError):
    """The channels of a layer lie between or behind its other axes."""

    def __init__(self, layer: Any, axis: int) -> None:
        after = layer.ndim - 1 - axis
        where = "behind the pixels" if after == 0 else "between the other axes"
        super().__init__(
            f"The channels of layer {layer.name!r} lie {where} (axis {axis} of "
            f"{layer.ndim}), where napari would show objects in the wrong slices."
        )
        self.layer, self.axis = layer, axis


def put_channels_first(layer: Any, axis: int) -> None:
    """Show the same pixels with the channel axis in front; nothing is copied.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer; its place in the world goes along.
    axis : int
        Its channel axis.
    """
    order = [axis, *(other for other in range(layer.ndim) if other != axis)]
    place = transforms_of(layer, order)
    data = layer.data
    if layer.multiscale:
        layer.data = [level.transpose(order) for level in data]
    else:
        layer.data = data.transpose(order)
    for name, value in place.items():
        setattr(layer, name, value)
