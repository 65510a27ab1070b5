"""The panel that predicts: a model, images, and layers that fill."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from qtpy.QtWidgets import QPushButton, QSizePolicy

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.counted import counted
from napari_bioseg.settings import PredictSettings
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.form import SettingsForm
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import row_of, title
from napari_bioseg.widgets.forms.section import Section
from napari_bioseg.widgets.jobs.progress import ProgressLine, clock
from napari_bioseg.widgets.jobs.worker import Job
from napari_bioseg.widgets.opening import open_panel
from napari_bioseg.widgets.panel import Panel
from napari_bioseg.widgets.preferences import preferred_prediction
from napari_bioseg.widgets.session import BusyError, session_of
from napari_bioseg.widgets.train.training import Doing
from napari_bioseg.widgets.train.training_view import said

from .events import (
    Begun,
    BegunOnDisk,
    Filled,
    Labelled,
    LabelledOnDisk,
    NothingFound,
    Step,
    Stored,
    Told,
    Written,
)
from .filling import Filling
from .gaze import Gaze
from .image_choice import ImageChoice
from .model_choice import ModelChoice
from .predicting import predicting
from .predicting_folder import Folders, predicting_folder
from .result_choice import STORED, ResultChoice
from .wording import worded

if TYPE_CHECKING:
    from napari_bioseg.io.results import Format

LABEL_WIDTH = 58
MOST_TOLD = 3
"""Notes about a prediction that are shown at its end."""
NAME = "prediction"
"""What the job is called where other panels are told to wait for it."""


class PredictPanel(Panel):
    """Run a trained network over images.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Whose layers are predicted.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.session = session_of(napari_viewer)
        self.job: Job | None = None
        self._watched: list[Any] = []
        self._began = 0.0
        self._ending = ""
        self._told: list[str] = []
        self._where = ""
        self._gaze: Gaze | None = None
        self._objects = 0
        self._without_workers = False
        self.model = ModelChoice(self.session)
        self.images = ImageChoice(napari_viewer, LABEL_WIDTH)
        self.results = ResultChoice(LABEL_WIDTH)
        self.seeds, self.foreground = self.results.seeds, self.results.foreground
        self.advanced = SettingsForm(preferred_prediction(), exclude=STORED)
        self.predict_button = _button("Predict", "Run the model.")
        self.predict_button.setObjectName("main")
        self.cancel_button = _button("Cancel", "Stop; what is done stays.")
        self.note = Note()
        self.progress = ProgressLine()
        self.result = Note()
        self.tune_button = _button(
            "Tune thresholds", "Open the Tune panel with this prediction."
        )
        self.tune_button.hide()
        self.filling = Filling(napari_viewer, self)
        self._lay_out()
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        advanced = Section("Advanced settings", self.advanced)
        advanced.setToolTip(
            "Tiles, flips and turns, memory and device; automatic suits nearly always."
        )
        self.add(title("Model"), self.model)
        self.add(title("Image"), self.images)
        self.add(title("Result"), self.results)
        self.add(advanced)
        self.add(row_of(self.predict_button, self.cancel_button, stretch=0))
        self.add(self.note, self.progress, self.result, self.tune_button)

    def _connect(self) -> None:
        self.model.changed.connect(self._refresh)
        self.images.changed.connect(self._refresh)
        self.results.changed.connect(self._refresh)
        self.advanced.changed.connect(self._refresh)
        self.advanced.error.connect(self._refresh)
        self.predict_button.clicked.connect(self._predict)
        self.cancel_button.clicked.connect(self._cancel)
        self.tune_button.clicked.connect(self._tune)
        self.session.job_changed.connect(self._job_changed)
        self.viewer.layers.events.removed.connect(self._layer_removed)

    # ---- running ----

    def _predict(self) -> None:
        try:
            job = self._job()
            self.session.claim(job)
        except (BusyError, ValueError) as error:
            self.note.error(str(error))
            return
        self.job = job
        self._began = time.monotonic()
        self._ending, self._told, self._objects = "", [], 0
        self._where = ""
        self._without_workers = False
        self.note.clear()
        self.result.clear()
        self.tune_button.hide()
        self.filling.seeds = self.seeds.isChecked()
        self.filling.foreground = self.foreground.isChecked()
        job.event.connect(self._event)
        job.state_changed.connect(self._refresh)
        job.failed.connect(self._failed)
        job.finished.connect(self._finished)
        job.start()

    def _job(self) -> Job:
        """Make the job that the panel describes."""
        if self.model.problem or self.model.workflow is None:
            raise ValueError(self.model.problem)
        settings = self.results.settings(
            cast("PredictSettings", self.advanced.settings)
        )
        models = self.model.models
        if self.images.where.value == "folder":
            make = partial(predicting_folder, self._folders(), models, settings)
            self._watched = []
        else:
            targets = self.images.targets(self.model.workflow)
            self._gaze = Gaze(self.viewer, targets, self)
            keeping = self.results.keeping
            make = partial(
                predicting, targets, models, settings, keeping, self._gaze.at
            )
            self._watched = [target.layer for target in targets]
        return Job(
            partial(worded, make), droppable=(ClusterWaits, Filled, Step), name=NAME
        )

    def _folders(self) -> Folders:
        folders = self.images.folders
        if folders is None:
            raise ValueError(self.images.problem)
        return Folders(
            *folders,
            cast("Format", self.results.format.value),
            self.images.axes_of_files,
            self.results.keeping.earlier,
        )

    def _cancel(self) -> None:
        if self.job is not None and self.job.active:
            self._ending = "cancelled; the layers hold what was done"
            if self._where:
                onward = "and Predict goes on from there"
                if self.results.keeping.earlier == "replace":
                    onward = "and with Replace Predict starts anew"
                self._ending = f"cancelled; what was done is in {self._where}, {onward}"
            elif self.images.where.value == "folder":
                self._ending = (
                    "cancelled; what is written stays, and with Go on Predict does "
                    "the rest"
                )
            self.job.cancel()

    def _layer_removed(self, event: Any) -> None:
        """End well when a layer goes away that is read or written."""
        if not alive(self) or self.job is None or not self.job.active:
            return
        if event.value in self._watched or event.value in self.filling.layers:
            self._ending = (
                f"{event.value.name} was removed while it was in use, so the "
                "prediction was ended; press Predict to start again"
            )
            self.job.cancel()

    # ---- what happens ----

    def _event(self, event: Any) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None and alive(self):
            handler(self, event)

    def _on_doing(self, event: Doing) -> None:
        self.progress.report(self.progress.value() / 1000, event.text + " …")

    def _on_begun(self, event: Begun) -> None:
        self.filling.begin(event)

    def _on_begun_on_disk(self, event: BegunOnDisk) -> None:
        self._where = str(event.path.parent)
        self.filling.begin_on_disk(event)

    def _on_step(self, event: Step) -> None:
        self.progress.report(event.share, f"{event.text} · {event.share:.0%}")

    def _on_stored(self, event: Stored) -> None:
        self._where = str(event.path.parent)
        self.filling.store(event)

    def _on_filled(self, event: Filled) -> None:
        self.filling.fill()
        several = f"image {event.image}/{event.images} · " if event.images > 1 else ""
        left = ""
        spent = time.monotonic() - self._began
        if spent > 2 and 0 < event.share < 1:
            left = f" · {clock(spent / event.share * (1 - event.share))} left"
        self.progress.report(
            event.share, f"{several}tile {event.tile}/{event.tiles}{left}"
        )

    def _on_waits(self, event: ClusterWaits) -> None:
        share = self.progress.value() / 1000
        if not event.workers:
            self.progress.report(share, "waiting: the cluster has no workers")
        elif self._without_workers:
            workers = counted(event.workers, "worker")
            self.progress.report(share, f"the cluster has {workers}")
        self._without_workers = not event.workers

    def _on_labelled(self, event: Labelled) -> None:
        self.filling.label(event)
        self._say_found(event.objects, semantic=event.workflow.is_semantic)

    def _on_labelled_on_disk(self, event: LabelledOnDisk) -> None:
        self.filling.label_on_disk(event)
        semantic = event.workflow.is_semantic
        self._say_found(event.objects, semantic=semantic, more=f": {self._where}")

    def _say_found(self, objects: int, *, semantic: bool, more: str = "") -> None:
        self._objects += objects
        what = "class" if semantic else "object"
        if self._objects:
            found = counted(self._objects, what)
            self.result.say(f"{found} found{self._time()}{more}", "good")
        else:
            self.result.say(
                "nothing was found: tune the thresholds, train longer, or check that "
                "this image looks like those the model learned from",
                "warning",
            )
        if not semantic:
            self.tune_button.show()

    def _on_nothing(self, event: NothingFound) -> None:
        self.result.say(
            f"the prediction is there, but no objects were found: {event.message}",
            "warning",
        )
        self.tune_button.show()

    def _on_written(self, event: Written) -> None:
        self._objects += event.objects
        self.result.say(
            f"{event.image} of {event.images} written, "
            f"{counted(self._objects, 'object')} found",
            "good",
        )

    def _on_told(self, event: Told) -> None:
        if event.message not in self._told:
            self._told.append(event.message)

    def _time(self) -> str:
        return f" in {time.monotonic() - self._began:.1f} s"

    def _failed(self, error: Exception) -> None:
        self._ending = said(error)

    def _finished(self) -> None:
        if not alive(self):
            return
        self.progress.finish()
        if self._gaze is not None:
            self._gaze.close()
            self._gaze = None
        if self._ending:
            self.filling.forget()
        else:
            self.filling.end()
        self._refresh()
        if self._ending:
            self.note.error(self._ending)
        elif self._told:
            self.note.say("; ".join(self._told[:MOST_TOLD]), "warning")

    def _job_changed(self, job: object) -> None:
        """Look at the buttons again; a job that was claimed is about to start."""
        if not alive(self):
            return
        if isinstance(job, Job) and job is not self.job:
            job.state_changed.connect(self._refresh)
        self._refresh()

    def _tune(self) -> None:
        open_panel(self.viewer, "Tune")

    # ---- buttons ----

    def _refresh(self, _: object = None) -> None:
        """Let the buttons follow the job and what is still missing."""
        active = self.job is not None and self.job.active
        if not active:
            self.images.suit(self.model.workflow)
            folder = self.images.where.value == "folder"
            self.results.suit(self.model.workflow, folder=folder)
        reason = self._obstacle()
        self.predict_button.setEnabled(not reason)
        self.predict_button.setToolTip(
            f"Not now: {reason}" if reason else "Run the model."
        )
        stopping = self.job is not None and self.job.state == "stopping"
        self.cancel_button.setEnabled(active and not stopping)
        self.cancel_button.setToolTip(
            "Stop; what is done stays." if active else "Not now: nothing is predicted"
        )
        for part in (self.model, self.images, self.results, self.advanced):
            part.setEnabled(not active)
        self.note.say("" if active else reason)

    def _obstacle(self) -> str:
        """Return why nothing can be predicted now, or ``""``."""
        if self.job is not None and self.job.active:
            return "a prediction is running"
        other = self.session.job
        if other is not None and other.active:
            return f"{other.name} is {other.state}: wait for its end or stop it first"
        if self.model.problem:
            return self.model.problem if self.model.model is None else "no usable model"
        if self.images.problem:
            return self.images.problem
        return str(self.advanced.error_text)


_HANDLERS: dict[type, Callable[[PredictPanel, Any], None]] = {
    ClusterWaits: PredictPanel._on_waits,
    Doing: PredictPanel._on_doing,
    Begun: PredictPanel._on_begun,
    BegunOnDisk: PredictPanel._on_begun_on_disk,
    Stored: PredictPanel._on_stored,
    Step: PredictPanel._on_step,
    LabelledOnDisk: PredictPanel._on_labelled_on_disk,
    Filled: PredictPanel._on_filled,
    Labelled: PredictPanel._on_labelled,
    NothingFound: PredictPanel._on_nothing,
    Told: PredictPanel._on_told,
    Written: PredictPanel._on_written,
}


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button
