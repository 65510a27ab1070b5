"""Find a learning rate: a short trial, its curve, and the rate that it suggests."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.still_plot import paint_axes, still_plot

from .division import DividedSource
from .training import Doing

if TYPE_CHECKING:
    from napari_bioseg.widgets.jobs.worker import Job

HEIGHT = 130


def trying_rates(
    source: DividedSource, workflow: Workflow
) -> Generator[Any, Any, None]:
    """Try rising learning rates, in the thread of a job.

    Parameters
    ----------
    source : DividedSource
        The training pairs.
    workflow : Workflow
        All settings.

    Yields
    ------
    Doing, engine.find_learning_rate.RateTried, RateFound
        ``send("stop")`` ends the trial without an answer.
    """
    yield Doing("Starting the deep-learning library")
    from napari_bioseg.widgets.jobs.engine_start import load_for_training

    load_for_training()
    from napari_bioseg.engine.find_learning_rate import find_learning_rate

    yield Doing("Reading the training images")
    events = find_learning_rate(source.read(), workflow)
    for event in events:
        if (yield event) == "stop":
            return


class RateFinder(QWidget):
    """The curve of a trial and a button that takes the rate it suggests.

    Parameters
    ----------
    palette : Palette
        Colours to draw with.
    parent : QWidget, optional
        Parent widget.
    """

    chosen = Signal(float)

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        self._plot: Any = None
        self._rates: list[float] = []
        self._losses: list[float] = []
        self.suggested: float | None = None
        self.note = Note()
        self.use = QPushButton()
        self.use.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.use.hide()
        self.use.clicked.connect(self._use)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        self._layout.addWidget(self.note)
        self._layout.addWidget(self.use)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def follow(self, job: Job) -> None:
        """Show what a trial finds from now on.

        Parameters
        ----------
        job : Job
            Runs `trying_rates`.
        """
        self._rates, self._losses, self.suggested = [], [], None
        self.use.hide()
        self.note.say("starting …")
        job.event.connect(self._event)
        job.failed.connect(lambda error: self.note.error(str(error)))
        job.finished.connect(self._finished)

    def _event(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "Doing":
            self.note.say(event.text + " …")
        elif kind == "RateTried":
            self._rates.append(event.rate)
            self._losses.append(event.loss)
            self.note.say(
                f"step {event.step} of at most {event.steps}: rate {event.rate:.1e}, "
                f"loss {event.loss:.3g}"
            )
            self._draw()
        elif kind == "RateFound":
            self.suggested = event.suggested
            self._draw()
            self.note.say("the loss falls fastest at the rate marked", "good")
            self.use.setText(f"Use learning rate {event.suggested:g}")
            self.use.setToolTip(
                "Write it into Advanced settings, Optimisation, learning rate."
            )
            self.use.show()

    def _finished(self) -> None:
        if self.suggested is None and self.note.kind != "error":
            self.note.say("stopped: no learning rate was chosen", "warning")

    def _use(self) -> None:
        if self.suggested is not None:
            self.chosen.emit(self.suggested)
            self.note.say(f"the learning rate is {self.suggested:g} now", "good")
            self.use.hide()

    def palette_changed(self, palette: Palette) -> None:
        """Draw with other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self._palette = palette
        if self._plot is not None:
            self._draw()

    def _draw(self) -> None:
        import pyqtgraph

        p = self._palette
        if self._plot is None:
            self._plot = still_plot()
            self._plot.setFixedHeight(HEIGHT)
            item = self._plot.getPlotItem()
            item.setLogMode(x=True, y=False)
            item.getAxis("left").setWidth(38)
            self._curve = item.plot(antialias=True)
            self._mark = pyqtgraph.InfiniteLine(angle=90)
            item.addItem(self._mark)
            self._layout.insertWidget(0, self._plot)
        paint_axes(self._plot, p)
        self._curve.setPen(pyqtgraph.mkPen(p.training, width=2))
        self._curve.setData(self._rates, self._losses)
        self._mark.setPen(pyqtgraph.mkPen(p.validation, width=2))
        self._mark.setVisible(self.suggested is not None)
        if self.suggested is not None:
            self._mark.setValue(math.log10(self.suggested))
