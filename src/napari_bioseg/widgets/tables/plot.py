"""A small plot in the colours of the panel."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.still_plot import paint_axes, still_plot


def load_plots() -> None:
    """Import what draws plots; slow, so it is called in a thread first."""
    from napari_bioseg.widgets.jobs.engine_start import no_collection

    with no_collection():
        import pyqtgraph  # noqa: F401  # loading it is the purpose


class Plot(QWidget):
    """Holds a pyqtgraph plot, made when it is first drawn.

    Parameters
    ----------
    palette : Palette
        Colours to draw with.
    height : int
        Height in pixels.
    """

    def __init__(self, palette: Palette, height: int = 150) -> None:
        super().__init__()
        self.colours = palette
        self._height = height
        self._plot: Any = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)

    def palette_changed(self, palette: Palette) -> None:
        """Draw with other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self.colours = palette
        if self._plot is not None:
            self._paint()

    @property
    def item(self) -> Any:
        """The plot item; the first call makes it."""
        if self._plot is None:
            self._make()
        return self._plot.getPlotItem()

    def pen(self, colour: str, width: float = 2) -> Any:
        """Return a pen.

        Parameters
        ----------
        colour : str
            ``#rrggbb``.
        width : float
            In pixels.

        Returns
        -------
        QPen
        """
        import pyqtgraph

        return pyqtgraph.mkPen(colour, width=width)

    def label(self, bottom: str, left: str) -> None:
        """Name the axes.

        Parameters
        ----------
        bottom, left : str
            The names.
        """
        self.item.getAxis("bottom").setLabel(bottom)
        self.item.getAxis("left").setLabel(left)

    def _make(self) -> None:
        self._plot = still_plot()
        self._plot.setFixedHeight(self._height)
        self._plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        item = self._plot.getPlotItem()
        for side in ("left", "bottom"):
            item.getAxis(side).enableAutoSIPrefix(False)
        layout = self.layout()
        if layout is not None:
            layout.addWidget(self._plot)
        self._paint()

    def _paint(self) -> None:
        paint_axes(self._plot, self.colours)
