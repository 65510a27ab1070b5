"""Which layer is the region of interest that the clean-up step *ROI* asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_bioseg.settings import CleanupSettings
from napari_bioseg.widgets.bridge.axes import finest
from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.layers import role_of
from napari_bioseg.widgets.forms.rows import field, row_of

from .sources import Source


class RegionChoice(QWidget):
    """A choice of one Labels layer, there while a clean-up step needs it.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.layer = LayerCombo(viewer, _offered, "Paint it in a Labels layer")
        self.layer.setToolTip(
            "Labels that are 0 outside of the region of interest, for the step Roi"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row_of(field("Region"), self.layer, stretch=1))
        self._wanted = False
        self.hide()

    @property
    def chosen(self) -> Any:
        """The layer, or None while no step needs one."""
        return self.layer.layer if self._wanted else None

    def follow(self, cleanup: CleanupSettings) -> None:
        """Show the choice if a step needs it.

        Parameters
        ----------
        cleanup : CleanupSettings
            The steps.
        """
        self._wanted = any(step.step == "roi" for step in cleanup.running)
        self.setVisible(self._wanted)


def read_region(layer: Any, source: Source) -> NDArray[np.bool_]:
    """Read a region of interest.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    source : Source
        The prediction that it lies on.

    Returns
    -------
    ndarray
        Bool, of the shape of results, or without their leading axes.

    Raises
    ------
    ValueError
        If the layer has another shape.
    """
    region = np.asarray(np.asarray(finest(layer)) != 0, bool)
    if region.shape not in (source.shape, source.shape[source.leading :]):
        raise ValueError(
            f"the region of interest (layer {layer.name!r}) has shape {region.shape}, "
            f"but the prediction has {source.shape}; they must be equal"
        )
    return region


def _offered(layer: Any) -> bool:
    from napari.layers import Labels

    return isinstance(layer, Labels) and not role_of(layer)
