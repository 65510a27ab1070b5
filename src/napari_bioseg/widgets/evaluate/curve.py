"""Scores over the overlap that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_bioseg.measure import Match
from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.tables.plot import Plot


class Curve(QWidget):
    """F1, accuracy and panoptic quality over the overlap.

    Parameters
    ----------
    palette : Palette
        Colours to draw with.
    """

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        self.plot = Plot(palette)
        self._lines: dict[str, Any] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot)
        self.setVisible(False)

    def palette_changed(self, palette: Palette) -> None:
        """Draw with other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self.plot.palette_changed(palette)
        self._colour()

    def show_matches(self, matches: Sequence[Match], iou: float) -> None:
        """Draw the scores at many overlaps.

        Parameters
        ----------
        matches : sequence of Match
            One per overlap; none hides the curve.
        iou : float
            The overlap that is chosen, marked by a line.
        """
        self.setVisible(bool(matches))
        if not matches:
            return
        if not self._lines:
            self._make()
        where = [one.threshold for one in matches]
        for name, line in self._lines.items():
            if name != "iou":
                line.setData(where, [getattr(one, name) for one in matches])
        self._lines["iou"].setData([iou, iou], [0, 1])

    def _make(self) -> None:
        item = self.plot.item
        for name in ("iou", "f1", "accuracy", "panoptic_quality"):
            self._lines[name] = item.plot(antialias=True)
        item.setYRange(0, 1, padding=0.06)
        self.plot.label("overlap (IoU)", "")
        self._colour()

    def _colour(self) -> None:
        p = self.plot.colours
        shades = {
            "f1": ("F1", p.training),
            "accuracy": ("AP", p.validation),
            "panoptic_quality": ("PQ", p.good),
        }
        words = [f'<span style="color:{c}">━ {n}</span>' for n, c in shades.values()]
        self.legend.setText(" &nbsp;".join(words))
        self.legend.setToolTip(
            "F1; AP = TP / (TP + FP + FN); panoptic quality = F1 times the mean overlap"
        )
        if self._lines:
            for name, (_, colour) in shades.items():
                self._lines[name].setPen(self.plot.pen(colour))
            self._lines["iou"].setPen(self.plot.pen(p.muted, 1))
