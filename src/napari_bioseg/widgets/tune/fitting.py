"""Fit thresholds to ground truth: choose it, watch the search, take what it found."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.layers import role_of
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.jobs.progress import ProgressLine
from napari_bioseg.widgets.jobs.worker import Job

from .live import Tuner
from .search import OVERLAPS, Contest, Found, Measure, Trying, search_tuning
from .threshold import thresholds_of
from .truth import Scope, read_truth
from .tuning import Tuning

MOST_FRAMES = 4
"""Frames that are compared, evenly spread, if more are annotated."""
Ask = Callable[[], tuple[Tuner, Tuning, tuple[int, ...]] | None]
OURS = ("prediction", "preview", "targets", "seeds", "foreground")

SCOPES: dict[Scope, tuple[str, str]] = {
    "auto": ("found out", "Find out how much of the image is annotated"),
    "everything": ("everything", "Every object of the image is annotated"),
    "area": ("the area around it", "Every object in the box around them is annotated"),
    "objects": ("annotated objects", "Only some objects here and there are annotated"),
}
MEASURES: dict[Measure, tuple[str, str]] = {
    "F1": ("F1", "Objects found: the mean of F1 at overlaps of 0.5 and 0.75"),
    "PQ": ("panoptic quality", "Objects found at an overlap of 0.5, times how well"),
}


class FitPart(QWidget):
    """The controls of the search, in the Tune panel.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers are offered as ground truth.

    Attributes
    ----------
    found : Signal(Tuning)
        Emitted with better settings.
    """

    found = Signal(object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.job: Job | None = None
        self._started: list[Job] = []
        self._ask: Ask = no_prediction
        self.truth = LayerCombo(viewer, offered, "Add a Labels layer", fill=False)
        self.truth.setToolTip(
            "Labels that are right: of the whole image, of a part, or a few objects"
        )
        self.scope = _combo(SCOPES)
        self.measure = _combo(MEASURES)
        self.fit = QPushButton("Fit")
        self.cancel = QPushButton("Cancel")
        self.progress = ProgressLine()
        self.note = Note()
        self._counts = field("Annotated", "How much of the image is annotated", 84)
        self._best = field("Best is", "What is to become large", 84)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row_of(field("Ground truth", "", 84), self.truth, stretch=1))
        column.addLayout(row_of(self._counts, self.scope, stretch=1))
        column.addLayout(row_of(self._best, self.measure, stretch=1))
        column.addLayout(row_of(self.fit, self.cancel))
        column.addWidget(self.progress)
        column.addWidget(self.note)
        self.truth.changed.connect(self._follow)
        self.fit.clicked.connect(self.start)
        self.cancel.clicked.connect(self.stop)
        self.destroyed.connect(partial(_cancel, self._started))
        self._follow()

    def follow(self, ask: Ask) -> None:
        """Say where the prediction, the settings and the frame looked at come from.

        Parameters
        ----------
        ask : callable
            Returns these three, or None while there are none.
        """
        self._ask = ask

    def show_semantic(self, semantic: bool) -> None:
        """Leave out what classes do not have.

        Parameters
        ----------
        semantic : bool
            Whether the prediction is of classes.
        """
        for part in (self._best, self.measure, self._counts, self.scope):
            part.setVisible(not semantic)

    def start(self) -> None:
        """Start the search."""
        asked, layer = self._ask(), self.truth.layer
        if asked is None or layer is None:
            return
        tuner, tuning, frame = asked
        measure, scope = self.measure.currentData(), self.scope.currentData()
        make = partial(fit, tuner, layer, frame, tuning, measure, scope)
        self.job = Job(make, droppable=(Trying,), name="Fit to ground truth")
        self.job.event.connect(partial(self._event, tuner))
        self.job.failed.connect(self._failed)
        self.job.finished.connect(self._follow)
        self._started[:] = [self.job]
        self.note.clear()
        self.progress.report(None, "Reading ground truth …")
        self.job.start()
        self._follow()

    def close_thread(self) -> None:
        """End the search, and wait for its thread."""
        _cancel(self._started)
        for job in self._started:
            job.wait(5.0)

    def stop(self) -> None:
        """Give the search up; the settings stay as they are."""
        if self.job is not None and self.job.active:
            self.job.cancel()
            self.note.say("Cancelled; nothing was changed.")
        self._follow()

    def _event(self, tuner: Tuner, event: Trying | Found) -> None:
        if self.job is None or self.job.cancelled:
            return
        if isinstance(event, Trying):
            self.progress.report(event.share, f"best so far {event.score:.3f}")
            return
        self.note.say(outcome(event, self.measure.currentData(), tuner), "good")
        if event.score > event.before:
            self.found.emit(event.tuning)

    def _failed(self, error: Exception) -> None:
        self.note.error(str(error))

    def _follow(self) -> None:
        running = self.job is not None and self.job.active
        if not running:
            self.progress.finish()
        self.fit.setEnabled(not running and self.truth.layer is not None)
        self.fit.setToolTip(
            "Search the thresholds that find the annotated objects best"
            if self.truth.layer is not None
            else "Choose a layer with ground truth first"
        )
        self.cancel.setVisible(running)


def fit(
    tuner: Tuner,
    layer: Any,
    frame: tuple[int, ...],
    tuning: Tuning,
    measure: Measure,
    scope: Scope,
) -> Generator[Trying | Found, None, None]:
    """Read ground truth and search the thresholds that come closest to it.

    Parameters
    ----------
    tuner : Tuner
        The prediction.
    layer : napari.layers.Layer
        The ground truth.
    frame : tuple of int
        The frame looked at.
    tuning : Tuning
        Where to start.
    measure, scope : str
        What is scored, and what counts.

    Yields
    ------
    Trying or Found
    """
    source = tuner.source
    truths = read_truth(layer, source, frame)
    if len(truths) > MOST_FRAMES:
        step = (len(truths) - 1) / (MOST_FRAMES - 1)
        truths = [truths[round(step * place)] for place in range(MOST_FRAMES)]
    yield Trying(0.0, 0.0)
    contest = Contest(
        [tuner.prediction(truth.index) for truth in truths],
        truths,
        semantic=source.is_semantic,
        measure=measure,
        scope=scope,
        start=tuning,
    )
    yield from search_tuning(contest, tuning)


def outcome(found: Found, measure: Measure, tuner: Tuner) -> str:
    """Say in words what a search found.

    Parameters
    ----------
    found : Found
        Its outcome.
    measure : str
        What was scored.
    tuner : Tuner
        The prediction.

    Returns
    -------
    str
    """
    if tuner.source.is_semantic:
        name, on = "mean Dice", f"{found.objects:,} annotated pixels"
    else:
        name = {"F1": "F1", "PQ": "panoptic quality"}[measure]
        name += f" at IoU {' and '.join(str(iou) for iou in OVERLAPS[measure])}"
        on = f"{found.objects:,} annotated object" + "s" * (found.objects != 1)
        where = {"area": ", in the area around them", "objects": ", these alone"}
        on += where.get(found.scope, "")
    if found.score > found.before:
        text = f"{name}: {found.before:.3f} with yours, {found.score:.3f} with these"
        text += f" ({on}). Undo brings yours back."
    else:
        text = f"{name}: {found.score:.3f} ({on}). Nothing better than yours was found."
    if found.ties:
        rows = {row.key: row for row in thresholds_of(tuner.source.channels)}
        ranges = ", ".join(
            f"{rows[tie.key].group.lower()} with {rows[tie.key].text} "
            f"{tie.low:g} to {tie.high:g}"
            for tie in found.ties
        )
        text += f" Just as good: {ranges}."
    return text


def no_prediction() -> None:
    """Return None: there is nothing to fit."""


def offered(layer: Any) -> bool:
    """Say whether a layer can be ground truth.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    bool
        Labels, those that we found only once they were edited; and images of whole
        numbers, as other programs write labels.
    """
    from napari.layers import Image, Labels

    notes = layer.metadata.get("bioseg")
    if isinstance(layer, Labels):
        found = role_of(layer) in ("instances", *OURS) or (
            role_of(layer) == "labels" and notes.get("channel") is None
        )
        return not found or bool(notes.get("edited"))
    return isinstance(layer, Image) and not layer.rgb and not notes


def _combo(meanings: Any) -> NarrowCombo:
    combo = NarrowCombo()
    for value, (text, help_text) in meanings.items():
        combo.addItem(text, value)
        role = Qt.ItemDataRole.ToolTipRole
        combo.setItemData(combo.count() - 1, help_text, role)
    return combo


def _cancel(jobs: list[Job]) -> None:
    """End the search of a panel that goes."""
    for job in jobs:
        job.cancel()
