"""Buttons that show what training will be like before it starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.look import Palette, palette_of
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.jobs.worker import Job, Latest
from napari_bioseg.widgets.session import BusyError, Session

from .division import DividedSource
from .look_ahead import Samples, look_ahead
from .rate_finder import RateFinder, trying_rates
from .shown_ahead import show_places, show_samples
from .training_view import said

SAMPLES, PLACES, RATE = "samples", "places", "rate"
TIPS = {
    SAMPLES: "Add layers with patches as the network will see them: cut, normalised "
    "and augmented, with what it shall learn to draw.",
    PLACES: "Add a layer that is brighter where more training patches fall.",
    RATE: "Train for some seconds at rising learning rates, and suggest the one at "
    "which the loss falls fastest. Nothing is kept.",
}


class LookFirst(QWidget):
    """Augmented samples, the places of patches, and a trial of learning rates.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers are shown.
    session : Session
        Runs one job at a time.
    data : callable
        Returns the training pairs and the settings; raises ValueError where something
        is missing.
    images : callable
        Returns the image layers that are learned from.
    parent : QWidget, optional
        Parent widget.
    """

    rate_chosen = Signal(float)

    def __init__(
        self,
        viewer: Any,
        session: Session,
        data: Callable[[], tuple[DividedSource, Workflow]],
        images: Callable[[], list[Any]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._session = session
        self._data = data
        self._images = images
        self._trial: Job | None = None
        self.samples = _button("Samples")
        self.places = _button("Patches")
        self.rate = _button("Learning rate")
        self.note = Note()
        self.finder = RateFinder(palette_of(viewer))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 0, 4)
        layout.setSpacing(4)
        layout.addLayout(row_of(self.samples, self.places, self.rate))
        layout.addWidget(self.note)
        layout.addWidget(self.finder)
        self._look: Latest = Latest(look_ahead)
        self._look.result.connect(self._looked)
        self._look.failed.connect(lambda error: self.note.error(said(error)))
        self.samples.clicked.connect(lambda: self._ask(SAMPLES))
        self.places.clicked.connect(lambda: self._ask(PLACES))
        self.rate.clicked.connect(self._rate)
        self.finder.chosen.connect(self.rate_chosen)
        self.enable("")

    def palette_changed(self, palette: Palette) -> None:
        """Draw with other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self.finder.palette_changed(palette)

    def enable(self, reason: str) -> None:
        """Enable the buttons, or disable them and say why on hover.

        Parameters
        ----------
        reason : str
            Why nothing can be shown now; empty if it can.
        """
        trying = self._trial is not None and self._trial.active
        for name, button in (
            (SAMPLES, self.samples),
            (PLACES, self.places),
            (RATE, self.rate),
        ):
            stops = trying and name == RATE
            button.setEnabled(stops or not reason)
            button.setToolTip(TIPS[name] if not reason else f"Not now: {reason}")
        self.rate.setText("Stop trial" if trying else "Learning rate")
        if trying:
            self.rate.setToolTip("End the trial; nothing is kept.")

    def _ask(self, what: str) -> None:
        try:
            source, workflow = self._data()
        except ValueError as error:
            self.note.error(str(error))
            return
        self.note.say("drawing patches …")
        self._look.request(what, source, workflow)

    def _looked(self, answer: Any) -> None:
        if not alive(self):
            return
        images = [layer for layer in self._images() if layer in self._viewer.layers]
        if isinstance(answer, Samples):
            show_samples(self._viewer, answer, images[0] if images else None)
            self.note.say(
                "the layers called Augmented … show what the network will see"
                + (", right of the image" if images else "")
            )
            return
        by_name = {layer.name: layer for layer in images}
        shown = [p for p in answer if p.name in by_name]
        for places in shown:
            show_places(self._viewer, places, by_name[places.name])
        if not shown:
            self.note.say(
                "where patches fall is shown for open images that are not stacks of "
                "slices or frames",
                "warning",
            )
            return
        size = "×".join(str(side) for side in shown[0].patch)
        mean = sum(float(p.counts.mean()) for p in shown) / len(shown)
        self.note.say(
            f"patches of {size} px; a place is shown {mean:.1f} times an epoch on "
            "average, more often where it is bright"
        )

    def _rate(self) -> None:
        if self._trial is not None and self._trial.active:
            self._trial.stop()
            return
        try:
            source, workflow = self._data()
            job = Job(partial(trying_rates, source, workflow), name="the trial")
            self._session.claim(job)
        except (ValueError, BusyError) as error:
            self.note.error(str(error))
            return
        self.note.clear()
        self._trial = job
        self.finder.follow(job)
        job.start()


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button
