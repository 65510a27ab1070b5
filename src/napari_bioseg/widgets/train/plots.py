"""Curves that grow while the network learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_bioseg.widgets.bridge.colours import colour_of
from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.still_plot import paint_axes, still_plot

REDRAWS = 2
"""Most redraws of the curves per second."""
POINTS = 400
"""Most points drawn of the step curve; more steps are averaged together."""
LOSS, SCORES, RATE = "Loss", "Scores", "Learning rate"
WHAT = {
    LOSS: "What training minimises, on the training and the validation images.",
    SCORES: "How well each channel or class of the validation images is predicted: "
    "1 is perfect.",
    RATE: "Step size of the optimiser.",
}
"""What the curves can show."""


def thinned(values: list[float], points: int = POINTS) -> tuple[Any, Any]:
    """Average a long series down to a few points.

    Parameters
    ----------
    values : list of float
        One value per step, the first step being step 1.
    points : int
        Most points to return.

    Returns
    -------
    steps, means : ndarray
        Where the middle of each group of steps lies, and its mean.

    Examples
    --------
    >>> thinned([1.0, 3.0, 5.0, 7.0], points=2)
    (array([1.5, 3.5]), array([2., 6.]))
    """
    series = np.asarray(values, dtype=float)
    if not series.size:
        return series, series
    group = max(math.ceil(series.size / points), 1)
    starts = np.arange(0, series.size, group)
    counts = np.minimum(group, series.size - starts)
    means = np.add.reduceat(series, starts) / counts
    return starts + (counts + 1) / 2, means


class LearningPlot(QWidget):
    """Losses, validation scores or learning rate over the epochs.

    The best epoch is marked on the validation loss.

    Parameters
    ----------
    palette : Palette
        Colours to draw with.
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        self._plot: Any = None
        self._curves: dict[str, Any] = {}
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.what = QComboBox()
        for index, (name, tip) in enumerate(WHAT.items()):
            self.what.addItem(name)
            self.what.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        self.what.setToolTip("What the curves show.")
        self.what.currentIndexChanged.connect(self._draw)
        self.log = QCheckBox("log")
        self.log.setToolTip("Logarithmic axis: shows progress late in training.")
        self.log.toggled.connect(self._draw)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(6)
        top.addWidget(self.what)
        top.addStretch(1)
        top.addWidget(self.log)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addLayout(top)
        self._layout.addWidget(self.legend)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(1000 // REDRAWS)
        self._timer.timeout.connect(self._draw)
        self.setVisible(False)
        self.reset()

    def reset(self, first_epoch: int = 1) -> None:
        """Forget the curves of an earlier training run.

        Parameters
        ----------
        first_epoch : int
            Epoch that the steps to come belong to; curves of earlier epochs stay
            when a run is continued.
        """
        if first_epoch <= 1:
            self.epochs: list[int] = []
            self.training: list[float] = []
            self.validation: list[float] = []
            self.best: tuple[int, float] | None = None
            self.judged = ("", 0.0)
            self.scores: dict[str, list[tuple[int, float]]] = {}
            self.rates: list[tuple[int, float]] = []
        self._first = first_epoch
        self._per_epoch = 1
        self.steps: list[float] = []
        self._soon()

    def add_step(self, loss: float, steps: int) -> None:
        """Add the loss of one optimiser step.

        Parameters
        ----------
        loss : float
            Training loss of the step.
        steps : int
            Steps per epoch.
        """
        self._per_epoch = max(steps, 1)
        self.steps.append(loss)
        self._soon()

    def add_epoch(
        self,
        epoch: int,
        training: float,
        validation: float,
        best: bool,
        *,
        scores: Mapping[str, float] | None = None,
        rate: float | None = None,
        judged: tuple[str, float] | None = None,
    ) -> None:
        """Add one epoch.

        Parameters
        ----------
        epoch : int
            Its number, from 1.
        training, validation : float
            Its losses.
        best : bool
            Whether no epoch was better so far.
        scores : mapping, optional
            Validation scores by name, such as ``{"IoU B": 0.9}``.
        rate : float, optional
            Learning rate at its end.
        judged : tuple of (str, float), optional
            Name and value of what decides which epoch is the best; the validation loss
            if not given.
        """
        self.epochs.append(epoch)
        self.training.append(training)
        self.validation.append(validation)
        if best:
            self.judged = judged or ("validation loss", validation)
            shown = training if self.judged[0] == "training loss" else validation
            self.best = (epoch, shown)
        for name, value in (scores or {}).items():
            if math.isfinite(value):  # else there was nothing to judge by
                self.scores.setdefault(name, []).append((epoch, value))
        if rate is not None:
            self.rates.append((epoch, rate))
        self._soon()

    def palette_changed(self, palette: Palette) -> None:
        """Draw with other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self._palette = palette
        if self._plot is not None:
            self._paint_colours()
        self._draw()

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _make(self) -> None:
        self._plot = still_plot()
        self._plot.setMinimumHeight(130)
        self._plot.setMaximumHeight(170)
        self._plot.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        item = self._plot.getPlotItem()
        item.getAxis("left").setWidth(38)
        item.getAxis("bottom").setHeight(18)
        self._curves = {
            name: item.plot(antialias=True)
            for name in ("steps", "training", "validation")
        }
        self._curves["best"] = item.plot(
            pen=None, symbol="o", symbolSize=9, antialias=True
        )
        self._curves["rate"] = item.plot(antialias=True)
        self._layout.addWidget(self._plot)
        self._paint_colours()

    def _paint_colours(self) -> None:
        import pyqtgraph

        p = self._palette
        faint = pyqtgraph.mkColor(p.training)
        faint.setAlpha(90)
        self._curves["steps"].setPen(pyqtgraph.mkPen(faint, width=1))
        self._curves["training"].setPen(pyqtgraph.mkPen(p.training, width=2))
        self._curves["validation"].setPen(pyqtgraph.mkPen(p.validation, width=2))
        self._curves["rate"].setPen(pyqtgraph.mkPen(p.training, width=2))
        self._curves["best"].setSymbolBrush(pyqtgraph.mkBrush(p.validation))
        self._curves["best"].setSymbolPen(pyqtgraph.mkPen(p.text, width=1))
        paint_axes(self._plot, p)

    def _draw(self, _: object = None) -> None:
        if not self.steps and not self.epochs:
            self.setVisible(False)
            return
        self.setVisible(True)
        if self._plot is None:
            self._make()
        what = self.what.currentText()
        loss = what == LOSS
        where, means = thinned(self.steps if loss else [])
        self._set("steps", self._first - 1 + where / self._per_epoch, means)
        self._set("training", *((self.epochs, self.training) if loss else ((), ())))
        self._set("validation", *((self.epochs, self.validation) if loss else ((), ())))
        best = [self.best] if self.best and loss else []
        self._set("best", [b[0] for b in best], [b[1] for b in best])
        self._set_points("rate", self.rates if what == RATE else [])
        for name, points in self.scores.items():
            self._make_score(name)
            self._set_points(f"score {name}", points if what == SCORES else [])
        self._say(what)

    def _make_score(self, name: str) -> None:
        if f"score {name}" in self._curves:
            return
        import pyqtgraph

        colour = self._score_colour(name)
        curve = self._plot.getPlotItem().plot(
            antialias=True, symbol="o", symbolSize=4, symbolBrush=colour, symbolPen=None
        )
        curve.setPen(pyqtgraph.mkPen(colour, width=2))
        self._curves[f"score {name}"] = curve

    def _score_colour(self, name: str) -> str:
        """Return the colour of the channel that a score is about, as in its layer."""
        known = colour_of(name.partition(" ")[2])
        return self._palette.text if known is None else known

    def _set_points(self, name: str, points: list[tuple[int, float]]) -> None:
        self._set(name, [p[0] for p in points], [p[1] for p in points])

    def _set(self, name: str, x: Any, y: Any) -> None:
        values = np.asarray(y, dtype=float)
        if self.log.isChecked():
            # The axis shows powers of ten of what is drawn: log10 here, once.
            values = np.log10(np.maximum(values, 1e-9))
        self._plot.getPlotItem().getAxis("left").setLogMode(self.log.isChecked())
        self._curves[name].setData(np.asarray(x, dtype=float), values)

    def _say(self, what: str) -> None:
        p = self._palette
        if what == RATE:
            now = f"{self.rates[-1][1]:.2g}" if self.rates else "after the first epoch"
            self.legend.setText(f'<span style="color:{p.training}">━</span> {now}')
            self.legend.setToolTip("Learning rate at the end of the last epoch.")
            return
        if what == SCORES:
            parts = [
                f'<span style="color:{self._score_colour(name)}">━ {name}</span> '
                f"{points[-1][1]:.2f}"
                for name, points in self.scores.items()
            ]
            self.legend.setText(
                " &nbsp;".join(parts)
                or "after the first epoch, if images are kept for validation"
            )
            self.legend.setToolTip("Scores of the last epoch on the validation images.")
            return
        parts = [f'<span style="color:{p.training}">━ training</span>']
        if self.epochs:
            parts.append(f'<span style="color:{p.validation}">━ validation</span>')
        if self.best:
            parts.append(
                f'<span style="color:{p.validation}">●</span> best ({self.best[0]})'
            )
            name, value = self.judged
            self.legend.setToolTip(f"Best {name}: {value:.3g} in epoch {self.best[0]}.")
        self.legend.setText(" &nbsp;".join(parts))
