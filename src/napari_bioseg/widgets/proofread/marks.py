"""Dots over the canvas that show where the user clicked or drew.

They are drawn on a see-through sheet that lies on napari's canvas. A layer of points
would do as well, but adding one stops the window for a quarter of a second, and it
would lie among the user's layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QObject, QPointF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from napari_bioseg.widgets.bridge.axes import unwrapped
from napari_bioseg.widgets.forms.alive import alive

COLOUR = "#ffd43b"
SIZE = 7.0
"""Size of a dot on screen, pixels."""


class Marks:
    """Dots at pixels of a labels layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where to show them.
    anchor : QWidget
        A widget in the window whose canvas is meant.

    Attributes
    ----------
    points : ndarray
        Pixels of the layer that have a dot, ``(n, axes)``.
    """

    def __init__(self, viewer: Any, anchor: QWidget) -> None:
        self._viewer = unwrapped(viewer)
        self._anchor = anchor
        self._over: Any = None
        self._sheet: _Sheet | None = None
        self.points: NDArray[np.float64] = np.zeros((0, 2))
        camera, dims = self._viewer.scene.camera.events, self._viewer.dims.events
        for event in (
            *(camera.center, camera.zoom, camera.orientation),
            *(dims.current_step, dims.order, dims.ndisplay),
        ):
            event.connect(self._moved)

    @property
    def sheet(self) -> QWidget | None:
        """What they are drawn on, or None where there is no canvas."""
        return self._sheet

    def show(self, points: NDArray[Any], over: Any) -> None:
        """Show dots, instead of those there were.

        Parameters
        ----------
        points : ndarray
            Places in pixels of the layer below, ``(n, axes)``.
        over : napari.layers.Labels
            The layer below.
        """
        self._over = over
        self.points = np.asarray(points, float).reshape(-1, over.ndim)
        if self._sheet is None or not alive(self._sheet):
            canvas = canvas_beside(self._anchor)
            self._sheet = None if canvas is None else _Sheet(canvas, self._places)
        if self._sheet is not None:
            self._sheet.setVisible(len(self.points) > 0)
            self._sheet.update()

    def clear(self) -> None:
        """Show no dots."""
        self.points = self.points[:0]
        if self._sheet is not None and alive(self._sheet):
            self._sheet.hide()

    def _moved(self, _: object = None) -> None:
        if len(self.points) and self._sheet is not None and alive(self._sheet):
            self._sheet.update()

    def _places(self) -> NDArray[np.float64]:
        """Return where on the canvas the dots are, from its middle, ``(n, x and y)``.

        Those in other slices are left out, and all where the canvas is not one flat
        view of the layer.
        """
        viewer, layer = self._viewer, self._over
        ahead = viewer.dims.ndim - layer.ndim
        shown = [axis - ahead for axis in viewer.dims.displayed]
        flat = len(shown) == 2 and min(shown) >= 0 and not viewer.canvas.grid.enabled
        if not flat or layer not in viewer.layers:
            return np.zeros((0, 2))
        here = np.asarray(layer.world_to_data(np.asarray(viewer.dims.point)[ahead:]))
        hidden = [axis for axis in range(layer.ndim) if axis not in shown]
        away = np.abs(self.points[:, hidden] - here[hidden])
        points = self.points[(away <= 0.5).all(1)]
        start = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
        steps = np.array([layer.data_to_world(axis) for axis in np.eye(layer.ndim)])
        world = start + points @ (steps - start)
        camera = viewer.scene.camera
        places = (world[:, shown] - np.asarray(camera.center)[-2:]) * camera.zoom
        up, left = (str(way) in ("up", "left") for way in camera.orientation[1:])
        return np.asarray(places[:, ::-1] * (-1 if left else 1, -1 if up else 1))


class _Sheet(QWidget):
    """A sheet that lies on the canvas and lets the mouse through."""

    def __init__(
        self, canvas: QWidget, places: Callable[[], NDArray[np.float64]]
    ) -> None:
        super().__init__(canvas)
        self._places = places
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setGeometry(canvas.rect())
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stay as large as the canvas."""
        canvas = self.parent()
        resized = event is not None and event.type() == QEvent.Type.Resize
        if resized and isinstance(canvas, QWidget):
            self.setGeometry(canvas.rect())
        return False

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the dots."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor("#202020"))
        painter.setBrush(QColor(COLOUR))
        middle = QPointF(self.width() / 2, self.height() / 2)
        for x, y in self._places():
            painter.drawEllipse(middle + QPointF(x, y), SIZE / 2, SIZE / 2)
        painter.end()


def canvas_beside(anchor: QWidget) -> QWidget | None:
    """Return the canvas of the window that a widget is docked in, or floats beside.

    Parameters
    ----------
    anchor : QWidget
        Any widget.

    Returns
    -------
    QWidget or None
    """
    from qtpy.QtOpenGLWidgets import QOpenGLWidget
    from qtpy.QtWidgets import QMainWindow

    window: Any = anchor.window()
    while window is not None and not isinstance(window, QMainWindow):
        window = window.parent()
    middle = None if window is None else window.centralWidget()
    return None if middle is None else middle.findChild(QOpenGLWidget)
