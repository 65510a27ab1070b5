"""What a training job shows while it runs, and what is left of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QUrl, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.counted import counted
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.look import Palette, palette_of
from napari_bioseg.widgets.forms.note import Kind, Note
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.jobs.progress import ProgressLine, clock
from napari_bioseg.widgets.jobs.worker import Job

from .fold_training import FoldsDone, FoldStarted
from .live_preview import LivePreview
from .plots import LearningPlot
from .previews import PreviewReady, PreviewSkipped
from .training import Doing, NotSaved, NotWritten, Saved, save

ENDS = {
    "finished": "all epochs done",
    "patience": "no more progress",
    "time": "time is up",
    "stopped": "stopped",
    "diverged": "the loss became infinite",
}


class TrainingView(QWidget):
    """Progress, curves, preview and result of one training after the other.

    Parameters
    ----------
    viewer : napari.Viewer
        Where previews are shown.
    session : Session
        Its model becomes the one trained.
    parent : QWidget, optional
        Parent widget.
    """

    trouble = Signal(str, str)
    """What went wrong, and whether it is an ``error`` or a ``warning``."""
    predict = Signal()
    save_again = Signal()

    def __init__(
        self, viewer: Any, session: Any, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._model: Any = None
        self._started: Any = None
        self._paused = False
        self._epoch_text = ""
        self._fold_text = ""
        self._ended = ""
        self.failed = False
        self.progress = ProgressLine()
        self.plot = LearningPlot(palette_of(viewer))
        self.preview = LivePreview(viewer)
        self.result = Note()
        self.predict_button = QPushButton("Predict with it")
        self.predict_button.setToolTip("Open the Predict panel with this model.")
        self.report_button = QPushButton("Open report")
        self.report_button.setToolTip(
            "Show curves, sample predictions and settings in the web browser."
        )
        self.save_button = QPushButton("Save again")
        self.save_button.setToolTip("Try once more to write the model.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for part in (self.progress, self.plot, self.preview, self.result):
            layout.addWidget(part)
        layout.addLayout(row_of(self.predict_button, self.report_button))
        layout.addWidget(self.save_button)
        self._report: Path | None = None
        for button in (self.predict_button, self.report_button, self.save_button):
            button.hide()
        self.predict_button.clicked.connect(self.predict)
        self.report_button.clicked.connect(self._open_report)
        self.save_button.clicked.connect(self.save_again)

    def palette_changed(self, palette: Palette) -> None:
        """Draw the curves in other colours.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self.plot.palette_changed(palette)

    def follow(self, job: Job) -> None:
        """Show what a job does from now on.

        Parameters
        ----------
        job : Job
            A training job.
        """
        self.failed = False
        self._model = self._started = None
        self._paused = False
        self.result.clear()
        self._fold_text = ""
        self._report = None
        for button in (self.predict_button, self.report_button, self.save_button):
            button.hide()
        job.event.connect(self._event)
        job.state_changed.connect(self._state_changed)
        job.failed.connect(self._job_failed)
        job.finished.connect(self._job_finished)

    def stopping(self) -> None:
        """Say that the training is about to end."""
        self.progress.report(
            self.progress.value() / 1000, "stopping, keeping the best …"
        )

    def save(self, folder: Path) -> None:
        """Write the trained model once more, to a place of the user's choice.

        Parameters
        ----------
        folder : Path
            Where to.
        """
        done = save(self._model, folder)
        if isinstance(done, Saved):
            self._on_saved(done)
        else:
            self._on_not_saved(done)

    # ---- what happens ----

    def _event(self, event: Any) -> None:
        handler = _HANDLERS.get(type(event).__name__)
        if handler is not None and alive(self):
            handler(self, event)

    def _on_doing(self, event: Doing) -> None:
        self.progress.report(None, f"{self._fold_text}{event.text} …")

    def _on_fold(self, event: FoldStarted) -> None:
        self._fold_text = f"fold {event.number} of {event.count} · "

    def _on_folds_done(self, event: FoldsDone) -> None:
        done = f"{event.finished} of {event.count} folds are trained"
        kind: Kind = "good" if event.finished == event.count else "hint"
        table = "\n".join("\t".join(row) for row in readable(event.table))
        self.result.say(f"{done}; models in {event.folder.name}\n{table}", kind)
        self.result.setToolTip(str(event.folder / "folds.csv"))

    def _on_started(self, event: Any) -> None:
        self._started = event
        self.plot.reset(event.first_epoch)
        size = "×".join(str(side) for side in event.patch)
        guess = "" if event.estimate is None else _guessed(event.estimate)
        images = counted(event.training, "image")
        judged = f", {event.validation} to judge by" if event.validation else ""
        self.result.say(
            f"learning from {images}{judged}; patch {size}; "
            f"{event.parameters / 1e6:.2g} M weights on {event.device}{guess}"
            + "".join(f"; {note}" for note in event.notes)
        )

    def _on_step(self, event: Any) -> None:
        self.plot.add_step(event.loss, event.steps)
        started = self._started
        if started is None:
            return
        if event.warning:
            self.trouble.emit(event.warning, "warning")
        self._epoch_text = f"{self._fold_text}epoch {event.epoch}/{started.epochs}"
        text = f"{self._epoch_text} · {clock(event.seconds_left)} left"
        if self._paused:  # a step that was on its way when Pause was pressed
            text = f"paused · {self._epoch_text}"
        self.progress.report(event.share, text)

    def _on_epoch(self, event: Any) -> None:
        self.plot.add_epoch(
            event.epoch,
            event.train_loss,
            event.validation_loss,
            event.best,
            scores=event.metrics,
            rate=event.learning_rate,
            judged=(event.monitor, event.score),
        )
        if event.warning:
            self.trouble.emit(event.warning, "warning")

    def _on_preview(self, event: PreviewReady) -> None:
        self.preview.show_preview(event)

    def _on_preview_skipped(self, event: PreviewSkipped) -> None:
        self.trouble.emit(event.message, "warning")

    def _on_trained(self, event: Any) -> None:
        self._model = event.model
        best = f"best epoch {event.best_epoch}" if event.best_epoch else "first epoch"
        score = "" if event.score is None else f", {event.monitor} {event.score:.3g}"
        self._ended = f"{ENDS[event.reason]} · {best}{score}"
        if event.message:
            self.trouble.emit(event.message, "warning")

    def _on_saved(self, event: Saved) -> None:
        folder = event.folder
        # folds predict together: what is in use is the folder of all of them
        self._session.model = folder.parent if self._fold_text else folder
        self.result.say(f"{event.folder.name} is saved: {self._ended}", "good")
        self.result.setToolTip(str(event.folder))
        self._report = event.report
        self.predict_button.show()
        self.report_button.setVisible(event.report is not None)
        self.save_button.hide()

    def _on_not_written(self, event: NotWritten) -> None:
        self.trouble.emit(event.message, "warning")

    def _open_report(self) -> None:
        if self._report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._report)))

    def _on_not_saved(self, event: NotSaved) -> None:
        self._session.model = self._model
        self.result.error(
            f"the model could not be saved ({event.message}). It is kept in memory and "
            "can predict: make room or choose another folder, then press Save again"
        )
        self.predict_button.show()
        self.save_button.show()

    def _job_failed(self, error: Exception) -> None:
        self.failed = True
        self.result.clear()
        self.trouble.emit(said(error), "error")

    def _job_finished(self) -> None:
        if alive(self):
            self.preview.stop()
            self.progress.finish()

    def _state_changed(self, state: str) -> None:
        if not alive(self):
            return
        self._paused = state == "paused"
        if self._paused:
            text = f"paused · {self._epoch_text}".rstrip(" ·")
            self.progress.report(self.progress.value() / 1000, text)


def _guessed(estimate: Any) -> str:
    """Return how long training will probably take, and how much memory."""
    text = f"; at most about {clock(estimate.seconds)}, {estimate.memory / 1e9:.1f} GB"
    if estimate.fits:
        return text
    return f"{text}, more than the {estimate.free / 1e9:.1f} GB that are free"


def readable(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the columns of a summary of folds that a narrow panel has room for.

    Parameters
    ----------
    table : sequence of sequence of str
        Head and lines.

    Returns
    -------
    list of list of str

    Examples
    --------
    >>> readable([("fold", "epochs", "score", "IoU"), ("1", "9", "0.4", "0.8")])
    [['fold', 'score', 'IoU'], ['1', '0.4', '0.8']]
    """
    if not table:
        return []
    shown = [n for n, name in enumerate(table[0]) if name in ("fold", "score", "IoU")]
    return [[row[n] for n in shown] for row in table]


def said(error: Exception) -> str:
    """Return what an error says to somebody who uses the panel.

    Parameters
    ----------
    error : Exception
        What a job raised.

    Returns
    -------
    str
        Wrong input explains itself; of anything else the kind is named too.
    """
    text = str(error) or "no details given"
    if isinstance(error, ValueError):
        return text
    if isinstance(error, MemoryError):
        return f"out of memory: {text}"
    return f"{type(error).__name__}: {text}"


_HANDLERS: dict[str, Callable[[TrainingView, Any], None]] = {
    "Doing": TrainingView._on_doing,
    "FoldStarted": TrainingView._on_fold,
    "FoldsDone": TrainingView._on_folds_done,
    "Started": TrainingView._on_started,
    "StepDone": TrainingView._on_step,
    "EpochDone": TrainingView._on_epoch,
    "PreviewReady": TrainingView._on_preview,
    "PreviewSkipped": TrainingView._on_preview_skipped,
    "Trained": TrainingView._on_trained,
    "Saved": TrainingView._on_saved,
    "NotSaved": TrainingView._on_not_saved,
    "NotWritten": TrainingView._on_not_written,
}
"""By name: the engine's events are not imported here, they would bring torch along."""
