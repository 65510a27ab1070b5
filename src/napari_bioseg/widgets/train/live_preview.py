"""One layer with what the network sees now, where the user looks now."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.layers import (
    METADATA_VERSION,
    add_or_update,
    current_view,
    find_result,
    image_array,
    unwrapped,
)
from napari_bioseg.widgets.bridge.matching import is_image
from napari_bioseg.widgets.bridge.placing import moved
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.rows import row_of

from .previews import PreviewReady, Previews, View

LOOK_INTERVAL = 300
"""Milliseconds between two looks at what is on screen."""
TURN = 30
"""Milliseconds between adding the layer and drawing it for the first time."""
SETTLE = 60
"""Milliseconds that a preview gets to be painted before the next may come."""


class LivePreview(QWidget):
    """Choice of the image to preview, and the layer that shows it.

    The layer is drawn over the image; the view, the selection and the sliders stay
    as they are. Whoever deletes it switches the preview off.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show it.
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.previews = Previews()
        self.shown = 0
        self._dimensions = 2
        self._layer: Any = None
        self._source: Any = None
        self._arrays: tuple[Any, Any] | None = None
        self._chosen = False
        self.wanted = QCheckBox("Live preview on")
        self.wanted.setChecked(True)
        self.wanted.setToolTip(
            "While training, draw the newest prediction over the part of the image "
            "that is on screen, about once a second."
        )
        self.image = LayerCombo(viewer, is_image, "no image")
        self.image.setToolTip("Image to show the newest prediction of.")
        self.setLayout(row_of(self.wanted, self.image, stretch=1))
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_INTERVAL)
        self._timer.timeout.connect(self._look)
        self.wanted.toggled.connect(lambda _: self._look())
        self.image.activated.connect(self._choose)

    def start(self, dimensions: int) -> Previews:
        """Begin to tell a training thread what is on screen.

        Parameters
        ----------
        dimensions : int
            2 or 3: what the network is trained on.

        Returns
        -------
        Previews
            What the thread looks at.
        """
        self.previews = Previews()
        self.shown = 0
        if not self._chosen:
            self.image.layer = self._seen()
        self._dimensions = dimensions
        self._layer = None
        self._look()
        self._timer.start()
        return self.previews

    def stop(self) -> None:
        """Ask for no more previews."""
        self._timer.stop()
        self.previews.post(None)

    def show_preview(self, ready: PreviewReady) -> None:
        """Draw a preview.

        Parameters
        ----------
        ready : PreviewReady
            From the training thread.
        """
        source, axes = ready.view.target
        if source not in self.viewer.layers or not self.wanted.isChecked():
            self.previews.painted()
            return
        if self._layer is not None and self._layer not in self.viewer.layers:
            self._layer = None  # the user deleted it
            self.wanted.setChecked(False)
            self.previews.painted()
            return
        self._paint(source, axes, ready)
        self.shown += 1
        QTimer.singleShot(SETTLE, self.previews.painted)

    def _paint(self, source: Any, axes: tuple[int, ...], ready: PreviewReady) -> None:
        start = np.array([part.start for part in ready.region], dtype=float)
        notes = {
            "version": METADATA_VERSION,
            "role": "preview",
            "channel": "",
            "source": source.name,
        }
        layer = find_result(self.viewer, "image", notes)
        if layer is None:
            layer = add_or_update(
                self.viewer,
                f"{source.name} preview",
                ready.picture,
                "image",
                source,
                notes,
                axes=axes,
                rgb=True,
                opacity=0.75,
                visible=False,
            )
            layer.translate = moved(layer, source, axes, start)
            # drawn in a turn of its own: adding it took long enough
            QTimer.singleShot(TURN, lambda: setattr(layer, "visible", True))
        else:
            place = moved(layer, source, axes, start)
            if layer.data.shape != ready.picture.shape:
                layer.translate = place
                layer.data = ready.picture
            else:
                if not np.allclose(layer.translate, place):
                    layer.translate = place
                layer.data[...] = ready.picture
                layer.refresh(extent=False, highlight=False, thumbnail=False)
        self._layer = layer

    def _choose(self, _: int) -> None:
        self._chosen = True
        self._look()

    def _seen(self) -> Any:
        """Return the topmost image that is visible."""
        visible = [layer for layer in self.image.layers if layer.visible]
        return visible[-1] if visible else self.image.layer

    def _look(self) -> None:
        """Tell the training thread what is on screen."""
        if alive(self):
            self.previews.post(self._view())

    def _view(self) -> View | None:
        source = unwrapped(self.image.layer)
        if source is None or not self.wanted.isChecked():
            return None
        if self.viewer.dims.ndisplay == 3:
            return None  # pictures in three colours have no volume rendering
        found = self._array_of(source)
        if found is None:
            return None
        image, axes = found
        region = current_view(self.viewer, source, axes)
        if len(axes) > self._dimensions:
            # a stack, and a network for its slices: the one on screen
            image = image[(slice(None), *(part.start for part in region[:-2]))]
            axes, region = axes[-2:], region[-2:]
        elif len(axes) < self._dimensions:
            return None
        return View(image, region, target=(source, axes))

    def _array_of(self, source: Any) -> tuple[Any, tuple[int, ...]] | None:
        """Return the pixels (C, [Z,] Y, X) of a layer and the axes they came from."""
        if self._arrays is None or self._arrays[0] is not source:
            spatial = 2 if source.ndim == 2 else None
            try:
                found = image_array(source, spatial=spatial)
            except ValueError:
                self._arrays = (source, None)
            else:
                self._arrays = (source, (found.data, found.spatial_axes))
        return self._arrays[1]
