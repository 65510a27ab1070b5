"""Plots that stand still, in the colours of the theme."""

from __future__ import annotations

from typing import Any

from .look import Palette


def still_plot() -> Any:
    """Return a plot that the mouse does not move.

    Returns
    -------
    pyqtgraph.PlotWidget
    """
    import pyqtgraph

    plot = pyqtgraph.PlotWidget(background=None)
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    item.setMouseEnabled(x=False, y=False)
    return plot


def paint_axes(plot: Any, palette: Palette) -> None:
    """Draw the axes of a plot in the colours of the theme.

    Parameters
    ----------
    plot : pyqtgraph.PlotWidget
        The plot.
    palette : Palette
        The colours.
    """
    import pyqtgraph

    for side in ("left", "bottom"):
        axis = plot.getPlotItem().getAxis(side)
        axis.setPen(pyqtgraph.mkPen(palette.line))
        axis.setTextPen(pyqtgraph.mkPen(palette.muted))
