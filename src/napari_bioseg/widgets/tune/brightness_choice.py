"""Which image gives the brightness that conditions of clean-up steps ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_bioseg.settings import CleanupSettings
from napari_bioseg.widgets.bridge.axes import finest, image_array, time_axes, unwrapped
from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.matching import is_image
from napari_bioseg.widgets.forms.rows import field, row_of

from .sources import Source


class BrightnessChoice(QWidget):
    """A choice of one image layer, there while a clean-up step needs it.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.layer = LayerCombo(viewer, is_image, "Open the image", fill=False)
        self.layer.setToolTip("Image whose brightness clean-up conditions are about")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row_of(field("Brightness"), self.layer, stretch=1))
        self._wanted = False
        self.hide()

    @property
    def chosen(self) -> Any:
        """The layer, or None while no step needs one."""
        return self.layer.layer if self._wanted else None

    def follow(self, cleanup: CleanupSettings, source: Source | None) -> None:
        """Show the choice if a step needs it.

        Parameters
        ----------
        cleanup : CleanupSettings
            The steps.
        source : Source, optional
            The prediction; the image that it was made from is proposed.
        """
        self._wanted = source is not None and cleanup.looks_at_image
        self.setVisible(self._wanted)
        if source is None or not self._wanted or self.layer.layer is not None:
            return
        named = [layer for layer in self.layer.layers if layer.name == source.name]
        fitting = named or [x for x in self.layer.layers if _fits(x, source)]
        if fitting:
            self.layer.blockSignals(True)
            self.layer.layer = fitting[0]
            self.layer.blockSignals(False)


def read_brightness(
    layer: Any, source: Source, frame: tuple[int, ...]
) -> NDArray[np.generic]:
    """Read the image that lies under one frame of a prediction.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    source : Source
        The prediction.
    frame : tuple of int
        Place along its leading axes.

    Returns
    -------
    ndarray, shape (C, [Z,] Y, X)

    Raises
    ------
    ValueError
        If the image has another size.
    """
    layer = unwrapped(layer)
    space = source.shape[source.leading :]
    if not frame:
        pixels = image_array(layer, spatial=len(space)).data
    elif time_axes(layer):
        pixels = image_array(layer, spatial=len(space), time=frame[0]).data
    else:
        pixels = finest(layer)[frame][None]  # its first axis is looped over
    if tuple(pixels.shape[1:]) != tuple(space):
        raise ValueError(
            f"the image {layer.name!r} has {tuple(pixels.shape[1:])} pixels, but the "
            f"prediction has {tuple(space)}; choose the image that was segmented as "
            "Brightness"
        )
    return np.asarray(pixels)


def _fits(layer: Any, source: Source) -> bool:
    space = source.shape[source.leading :]
    return tuple(finest(unwrapped(layer)).shape[: layer.ndim])[-len(space) :] == space
