"""How measurements are distributed: a histogram, or one against another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.tables.plot import Plot

if TYPE_CHECKING:
    import pandas as pd

BINS = 40
MOST = 20_000
"""Points drawn at most; of more objects, evenly spread ones are shown."""


class Charts(QWidget):
    """Histogram of a measurement, or a scatter plot of two.

    Parameters
    ----------
    palette : Palette
        Colours to draw with.

    Attributes
    ----------
    chosen : Signal(int)
        Row of the table whose point was clicked.
    """

    chosen = Signal(int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.way = Segmented(
            {
                "histogram": ("Histogram", "How many objects have which value"),
                "scatter": ("Scatter", "One measurement against another"),
            }
        )
        self.across, self.up = NarrowCombo(), NarrowCombo()
        self.across.setToolTip("Measurement along the horizontal axis")
        self.up.setToolTip("Measurement along the vertical axis")
        self.plot = Plot(palette, 170)
        self._frame: pd.DataFrame | None = None
        self._gone: NDArray[np.bool_] = np.zeros(0, bool)
        self._bars: dict[str, Any] = {}
        self._points: Any = None
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self._up_row = QWidget()
        self._up_row.setLayout(row_of(field("up", width=46), self.up, stretch=1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.way)
        layout.addLayout(row_of(field("across", width=46), self.across, stretch=1))
        layout.addWidget(self._up_row)
        layout.addWidget(self.plot)
        self.way.changed.connect(lambda _: self.draw())
        self.across.currentIndexChanged.connect(lambda _: self.draw())
        self.up.currentIndexChanged.connect(lambda _: self.draw())

    def show_table(self, frame: pd.DataFrame, columns: list[str]) -> None:
        """Draw another table, with the same measurements where they exist.

        Parameters
        ----------
        frame : pandas.DataFrame
            The measurements.
        columns : list of str
            Those that can be drawn.
        """
        self._frame = frame
        self._gone = np.zeros(len(frame), bool)
        usual = {
            self.across: ("area", "volume"),
            self.up: ("circularity", "sphericity"),
        }
        for combo, first in usual.items():
            wanted = combo.currentText() or next(
                (name for name in first if name in columns), ""
            )
            combo.blockSignals(True)
            combo.clear()
            combo.addItems(columns)
            combo.setCurrentIndex(max(combo.findText(wanted), 0))
            combo.blockSignals(False)
        self.draw()

    def mark(self, gone: NDArray[np.bool_]) -> None:
        """Draw the objects that would go in another colour.

        Parameters
        ----------
        gone : ndarray of bool
            One per row of the table.
        """
        self._gone = gone
        self.draw()

    def palette_changed(self, palette: Palette) -> None:
        """Draw with other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self.plot.palette_changed(palette)
        self.draw()

    def draw(self) -> None:
        """Draw what is chosen."""
        scatter = self.way.value == "scatter"
        self._up_row.setVisible(scatter)
        if self._frame is None or not self.across.currentText():
            return
        if not self._bars:
            self._make()
        for item in self._bars.values():
            item.setVisible(not scatter)
        self._points.setVisible(scatter)
        if scatter:
            self._draw_points()
        else:
            self._draw_bars()
        self.plot.item.enableAutoRange()

    def _draw_bars(self) -> None:
        values = self._values(self.across)
        held = np.isfinite(values)
        counts, edges = np.histogram(values[held], BINS)
        gone = np.histogram(values[held & self._gone], edges)[0]
        p = self.plot.colours
        width = edges[1] - edges[0]
        middle = (edges[1:] + edges[:-1]) / 2
        for name, heights, colour in (
            ("all", counts, p.accent),
            ("gone", gone, p.error),
        ):
            self._bars[name].setOpts(
                x=middle, height=heights, width=width, brush=colour, pen=p.background
            )
        self.plot.label(self.across.currentText(), "objects")

    def _draw_points(self) -> None:
        import pyqtgraph

        x, y = self._values(self.across), self._values(self.up)
        held = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if len(held) > MOST:
            held = held[np.linspace(0, len(held) - 1, MOST).astype(int)]
        self._shown = held
        p = self.plot.colours
        kept, gone = pyqtgraph.mkBrush(p.accent), pyqtgraph.mkBrush(p.error)
        brushes = [gone if self._gone[place] else kept for place in held]
        self._points.setData(x[held], y[held], brush=brushes, pen=None, size=5)
        self.plot.label(self.across.currentText(), self.up.currentText())

    def _values(self, combo: NarrowCombo) -> NDArray[np.float64]:
        if self._frame is None:
            return np.zeros(0)
        return self._frame[combo.currentText()].to_numpy(float)

    def _make(self) -> None:
        import pyqtgraph

        for name in ("all", "gone"):
            self._bars[name] = pyqtgraph.BarGraphItem(x=[0], height=[0], width=1)
            self.plot.item.addItem(self._bars[name])
        self._points = pyqtgraph.ScatterPlotItem()
        self.plot.item.addItem(self._points)
        self._points.sigClicked.connect(self._clicked)

    def _clicked(self, _: object, points: Any, *__: object) -> None:
        if len(points):
            self.chosen.emit(int(self._shown[points[0].index()]))
