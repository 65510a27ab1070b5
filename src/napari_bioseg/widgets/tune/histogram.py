"""A slider drawn over the histogram of what it cuts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_bioseg.widgets.forms.look import Palette

MARGIN = 6
"""Room at both ends for half of the handle."""
GRIP = 5
"""Half the width of the handle."""


class HistogramSlider(QWidget):
    """The histogram of a channel with a threshold to drag.

    What the threshold keeps is drawn in colour. The value moves with the mouse, the
    arrow keys (with Shift ten times as far) and a click anywhere.

    Attributes
    ----------
    moved : Signal(float)
        Emitted while the user moves the threshold.
    released : Signal()
        Emitted when a movement has ended.
    """

    moved = Signal(float)
    released = Signal()

    def __init__(self, *, above: bool, step: float = 0.01) -> None:
        super().__init__()
        self._above = above
        self._usual_step = self._step = step
        self._low, self._high = 0.0, 1.0
        self._bars: NDArray[Any] = np.zeros(1)
        self._value: float | None = None
        self._mark: float | None = None
        self._free = True
        self._palette: Palette | None = None
        self.dragging = False
        self.setFixedHeight(34)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    @property
    def value(self) -> float | None:
        """Where the threshold lies; None while there is none."""
        return self._value

    @property
    def middle(self) -> float:
        """The value half-way between the limits."""
        return (self._low + self._high) / 2

    def sizeHint(self) -> QSize:
        """Ask for the room of a usual row."""
        return QSize(200, 34)

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of the theme.

        Parameters
        ----------
        palette : Palette
            The colours.
        """
        self._palette = palette
        self.update()

    def set_histogram(self, counts: NDArray[Any], edges: NDArray[Any]) -> None:
        """Show a histogram; its edges become the limits of the slider.

        Parameters
        ----------
        counts : ndarray
            Pixels per bin.
        edges : ndarray
            Limits of the bins, one more than there are counts.
        """
        tall = np.log1p(np.asarray(counts, dtype=float))
        self._bars = tall / tall.max() if tall.max() > 0 else tall
        self._low, self._high = float(edges[0]), float(edges[-1])
        self._step = self._usual_step
        wide = self._high - self._low
        if not 0.2 <= wide <= 2:  # distances, in any unit
            self._step = 10.0 ** math.floor(math.log10(wide) - 2)
        self.update()

    def set_value(self, value: float | None, *, free: bool = True) -> None:
        """Show the threshold somewhere else without emitting anything.

        Parameters
        ----------
        value : float or None
            The threshold; None shows none.
        free : bool
            Whether the user set it; a threshold found automatically is drawn lighter.
        """
        if (value, free) != (self._value, self._free):
            self._value, self._free = value, free
            self.update()

    def set_mark(self, value: float | None) -> None:
        """Mark the value that would be found automatically.

        Parameters
        ----------
        value : float or None
            The value; None marks none.
        """
        if value != self._mark:
            self._mark = value
            self.update()

    # ---- user ----

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Put the threshold under the mouse and follow it."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.dragging = True
            self._move_to(self._value_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Follow the mouse while its button is down."""
        if event is not None and self.dragging:
            self._move_to(self._value_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End the movement."""
        if self.dragging:
            self.dragging = False
            self.released.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move by a step with the arrow keys."""
        if event is None:
            return
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1}
        ways |= {Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
        way = ways.get(Qt.Key(event.key()), 0)
        if way == 0 or self._value is None:
            super().keyPressEvent(event)
            return
        far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self._move_to(self._value + way * far * self._step)
        self.released.emit()

    def _move_to(self, value: float) -> None:
        value = min(max(value, self._low), self._high)
        value = round(round(value / self._step) * self._step, 10)
        if value != self._value or not self._free:
            self.set_value(value)
            self.moved.emit(value)

    def _value_at(self, x: float) -> float:
        share = (x - MARGIN) / max(self.width() - 2 * MARGIN, 1)
        return self._low + min(max(share, 0.0), 1.0) * (self._high - self._low)

    def _x_of(self, value: float) -> float:
        width = self._high - self._low
        share = (value - self._low) / width if width > 0 else 0.5
        return MARGIN + min(max(share, 0.0), 1.0) * (self.width() - 2 * MARGIN)

    # ---- drawing ----

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the histogram, what is kept, and the handle."""
        if self._palette is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._palette
        kept = QColor(colours.accent if self._value is not None else colours.muted)
        left_out = QColor(colours.muted)
        left_out.setAlphaF(0.45)
        outline = self._outline()
        floor = self.height() - 4.0
        cut = self._x_of(self._value) if self._value is not None else -1.0
        for inside in (False, True):
            painter.save()
            painter.setClipRect(self._side(cut, inside))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(kept if inside else left_out)
            painter.drawPolygon(outline)
            painter.restore()
        painter.setPen(QPen(QColor(colours.line), 1.0))
        painter.drawLine(QPointF(MARGIN, floor), QPointF(self.width() - MARGIN, floor))
        if self._mark is not None:
            painter.setPen(QPen(QColor(colours.text), 1.0, Qt.PenStyle.DotLine))
            x = self._x_of(self._mark)
            painter.drawLine(QPointF(x, 2.0), QPointF(x, floor))
        if self._value is not None:
            self._draw_handle(painter, cut, floor, colours)
        painter.end()

    def _outline(self) -> QPolygonF:
        """Return the silhouette of the bars."""
        floor, top = self.height() - 4.0, 3.0
        width = (self.width() - 2.0 * MARGIN) / len(self._bars)
        points = [QPointF(MARGIN, floor)]
        for index, bar in enumerate(self._bars):
            y = floor - float(bar) * (floor - top)
            points.append(QPointF(MARGIN + index * width, y))
            points.append(QPointF(MARGIN + (index + 1) * width, y))
        points.append(QPointF(self.width() - MARGIN, floor))
        return QPolygonF(points)

    def _side(self, cut: float, inside: bool) -> QRectF:
        right = inside == self._above
        if cut < 0:  # no threshold: nothing is kept
            return QRectF() if inside else QRectF(self.rect())
        if right:
            return QRectF(cut, 0, self.width() - cut, self.height())
        return QRectF(0, 0, cut, self.height())

    def _draw_handle(
        self, painter: QPainter, x: float, floor: float, colours: Palette
    ) -> None:
        colour = QColor(colours.text)
        if not self._free:
            colour.setAlphaF(0.6)
        painter.setPen(QPen(colour, 1.6))
        painter.drawLine(QPointF(x, 2.0), QPointF(x, floor))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        grip = [QPointF(x - GRIP, floor + 4), QPointF(x + GRIP, floor + 4)]
        painter.drawPolygon(QPolygonF([*grip, QPointF(x, floor - 4)]))
        if self.hasFocus():
            ring = QColor(colours.accent_hover)
            painter.setPen(QPen(ring, 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 3, 3)
        if self.dragging:
            self._draw_value(painter, x, colours)

    def _draw_value(self, painter: QPainter, x: float, colours: Palette) -> None:
        """Write the value beside the handle while it moves."""
        text = f"{self._value:.3g}"
        width = QFontMetricsF(painter.font()).horizontalAdvance(text)
        place = x + 5 if x + 8 + width < self.width() else x - 5 - width
        painter.setPen(QColor(colours.text))
        painter.drawText(QPointF(place, 13.0), text)
