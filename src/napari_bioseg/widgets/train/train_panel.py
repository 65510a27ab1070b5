"""The panel that trains: pairs, goal, effort, and what is learned while it is."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer

from napari_bioseg.settings import InstanceTask, SemanticTask, Workflow
from napari_bioseg.widgets.bridge.proposal import Proposal
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import title
from napari_bioseg.widgets.forms.section import Section
from napari_bioseg.widgets.jobs.worker import Job, Latest
from napari_bioseg.widgets.opening import open_panel
from napari_bioseg.widgets.panel import Panel
from napari_bioseg.widgets.session import BusyError, session_of

from .continuing import earlier_training
from .division import DividedSource
from .effort import Effort
from .fold_training import earlier_folds, training_folds
from .goal import Goal
from .judged_by import JudgedBy
from .look_first import LookFirst
from .model_place import ModelPlace
from .offered_data import OfferedData
from .onward import further, onward, resumed
from .pairs import Pairs, described, judge
from .run_buttons import RunButtons
from .sparse_labels import SparseLabels
from .targets import Targets
from .training import training
from .training_view import TrainingView, said

LABEL_WIDTH = 68
EDITED = 800
"""Milliseconds after the last stroke of a brush before the labels are judged anew."""
NAME = "training"
"""What the job is called where other panels are told to wait for it."""


class TrainPanel(Panel):
    """Train a network on pairs of images and labels.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Whose layers are learned from.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.session = session_of(napari_viewer)
        self.job: Job | None = None
        self.proposal: Proposal | None = None
        self._looked: Proposal | None = None
        self._edits = QTimer(self)
        self._edits.setSingleShot(True)
        self._edits.setInterval(EDITED)
        self._edits.timeout.connect(self._look)
        self._make_parts()
        self._lay_out()
        self._judge: Latest = Latest(judge)
        self._judge.result.connect(self._judged)
        self._judge.failed.connect(self._not_judged)
        self._connect()
        self._pairs_changed()
        self._effort_changed()
        running = self.session.job
        if running is not None and running.name == NAME:
            self._follow(running)

    # ---- parts ----

    def _make_parts(self) -> None:
        self.pairs = Pairs(self.viewer)
        self.pairs_note = Note()
        self.judged = JudgedBy(LABEL_WIDTH)
        self.sparse = SparseLabels()
        self._offered = OfferedData()
        self.goal = Goal(LABEL_WIDTH)
        self.goal_note = Note()
        self.targets = Targets(self.viewer, self.goal_note, self)
        self.effort = Effort(LABEL_WIDTH)
        self.look = LookFirst(
            self.viewer,
            self.session,
            lambda: (self.source, self.workflow),
            lambda: self.pairs.images,
        )
        self.place = ModelPlace(LABEL_WIDTH)
        self.buttons = RunButtons()
        self.train_button = self.buttons.train
        self.pause_button = self.buttons.pause
        self.stop_button = self.buttons.stop
        self.continue_button = self.buttons.go_on
        self.note = Note()
        self.view = TrainingView(self.viewer, self.session)

    def _lay_out(self) -> None:
        self.add(title("Training data"), self.pairs, self.pairs_note)
        self.add(self.judged, self.sparse)
        self.add(title("Learn"), self.goal, self.goal_note)
        look = Section("Look before you train", self.look)
        look.setToolTip("Augmented samples, where patches fall, a good learning rate.")
        self.add(title("Effort"), self.effort, look)
        self.add(title("Model"), self.place, self.buttons, self.note, self.view)

    def _connect(self) -> None:
        self.pairs.changed.connect(self._pairs_changed)
        self.pairs.edited.connect(self._edits.start)
        self.judged.changed.connect(self._refresh)
        self.goal.changed.connect(self._goal_changed)
        self.goal.targets.clicked.connect(self._show_targets)
        self.effort.changed.connect(self._effort_changed)
        self.sparse.changed.connect(self.effort.set_data)
        self.effort.task_changed.connect(self._task_edited)
        self.look.rate_chosen.connect(self.effort.set_learning_rate)
        self.place.changed.connect(self._refresh)
        self.train_button.clicked.connect(self._train)
        self.pause_button.clicked.connect(self._pause)
        self.stop_button.clicked.connect(self._stop)
        self.continue_button.clicked.connect(self._continue)
        self.view.trouble.connect(self._trouble)
        self.view.predict.connect(lambda: open_panel(self.viewer, "Predict"))
        self.view.save_again.connect(lambda: self.view.save(self.place.folder))
        self.session.job_changed.connect(self._job_changed)
        self.session.pairs_offered.connect(self._take_data)
        self._take_data()

    def palette_changed(self, palette: Palette) -> None:
        """Take on the colours of the theme, curves included."""
        super().palette_changed(palette)
        if hasattr(self, "view"):
            self.view.palette_changed(palette)
            self.look.palette_changed(palette)

    # ---- what is asked for ----

    @property
    def source(self) -> DividedSource:
        """Where the training pairs come from, and which of them judge.

        Raises
        ------
        ValueError
            If they are not complete or do not fit.
        """
        return DividedSource(self.pairs.source, self.judged.division)

    @property
    def workflow(self) -> Workflow:
        """All settings as they are shown, the proposed patch filled in.

        Raises
        ------
        ValueError
            If a value is not allowed.
        """
        workflow = self.effort.workflow(self.goal.task)
        if workflow.data.patch == "auto" and self.proposal is not None:
            data = workflow.data.replace(patch=self.proposal.patch)
            workflow = workflow.replace(data=data)
        return workflow

    def _pairs_changed(self) -> None:
        self._forget_looks()
        self._look()

    def _forget_looks(self) -> None:
        self.proposal = self._looked = None

    def _look(self) -> None:
        """Look at the labels; what they looked like before holds until then."""
        self._refresh()
        if self.pairs.problem:
            self._judge.forget()
            self._forget_looks()
            self.pairs_note.clear()
            return
        try:
            source = self.pairs.source
        except ValueError as error:
            self._not_judged(error)
            return
        self.pairs_note.say("looking at the labels …")
        self._judge.request(source)

    def _judged(self, proposal: Proposal) -> None:
        if self.pairs.problem:
            return
        self._looked = self.proposal = proposal
        self.goal.propose(proposal)
        self.effort.propose(proposal.dimensions, proposal.network_size)
        self._name_model()
        self._effort_changed()

    def _not_judged(self, error: Exception) -> None:
        self._forget_looks()
        self.pairs_note.error(said(error))
        self._refresh()

    def _take_data(self) -> None:
        """Read labels that another panel offered as it says."""
        wanted, self.session.offered_data = self.session.offered_data, None
        if alive(self) and wanted is not None:
            self.effort.set_data(
                self._offered.follow(self.effort.data.settings, wanted)
            )

    def _goal_changed(self) -> None:
        self.pairs.ask_classes(self.goal.task.has_classes)
        self.judged.ask_classes(self.goal.task.has_classes)
        self.effort.show_task(self.goal.task)
        self.goal_note.clear()
        if self._looked is not None:
            self._judged(self._looked)
        self._name_model()
        self._refresh()

    def _task_edited(self, task: InstanceTask | SemanticTask) -> None:
        if isinstance(task, SemanticTask):
            task = task.replace(classes=self.goal.classes.value())
        self.goal.task = task

    def _effort_changed(self) -> None:
        try:
            data = self.effort.workflow(self.goal.task).data
        except ValueError as error:
            self.effort.note.error(str(error))
        else:
            self.effort.note.say("; ".join(self.effort.reasons))
            self.proposal = self._looked and self._looked.read_as(data)
            self.sparse.follow(self.proposal, data)
        if self.proposal is not None:
            self.pairs_note.say(*described(self.proposal, self.goal.task))
        self._refresh()

    def _name_model(self) -> None:
        if self.job is not None and self.job.active:
            return  # Continue is about the folder that is being trained
        pairs = self.pairs.layers.pairs
        folders = self.pairs.folders.folders
        stem = "model"
        if self.pairs.where.value == "folders" and folders is not None:
            stem = folders[0].parent.name
        elif pairs:
            stem = pairs[0][0].name
        task = self.goal.task
        kind = "semantic" if isinstance(task, SemanticTask) else task.configuration
        self.place.propose(f"{stem} {kind}")

    def _show_targets(self) -> None:
        pairs = self.pairs.layers.pairs
        task = self.goal.task
        if self.pairs.where.value == "folders" or not pairs:
            self.goal_note.error(
                "targets are shown for open layers: choose an image and its labels"
            )
        elif isinstance(task, InstanceTask):
            self.targets.request(*pairs[0], task, slices=self.pairs.slices)

    # ---- running ----

    def _train(self) -> None:
        folder = self.place.folder
        if self.place.exists:
            if self.place.typed:
                self.note.error(
                    f"there is a model called {folder.name} already: choose another "
                    "name, or press Continue to train it further"
                )
                return
            folder = self.place.free
        self._launch(folder, lambda: self.workflow, folds=self.effort.folds.value())

    def _continue(self) -> None:
        folder = self.place.folder
        minutes = self.effort.minutes.value()
        folds = earlier_folds(folder)
        begun = [fold for fold in folds if fold is not None]
        earlier = begun[-1] if begun else earlier_training(folder)
        if earlier is None:
            self._refresh()
        elif begun or earlier.interrupted:
            settings = partial(resumed, earlier, minutes)
            self._launch(folder, settings, resume=True, folds=len(folds))
        else:
            self._launch(
                self.place.free, lambda: further(earlier, self.workflow), start=folder
            )

    def _launch(
        self,
        folder: Path,
        workflow: Callable[[], Workflow],
        *,
        resume: bool = False,
        start: Path | None = None,
        folds: int = 1,
    ) -> None:
        try:
            source, settings = self.source, workflow()
        except ValueError as error:
            self.note.error(str(error))
            return
        proposal = self.proposal
        dimensions = self.pairs.dimensions if proposal is None else proposal.dimensions
        previews = self.view.preview.start(dimensions)
        data = (source.read, settings, folder, previews)
        work: Callable[[], Generator[Any, Any, Any]]
        if folds > 1:
            work = partial(training_folds, *data, count=folds, resume=resume)
        else:
            work = partial(training, *data, resume=resume, start=start)
        job = Job(work, name=NAME)
        try:
            self.session.claim(job)
        except BusyError as error:
            self.note.error(str(error))
            return
        self.place.offer(folder)
        self._follow(job)
        job.start()

    def _follow(self, job: Job) -> None:
        """Show what a job does from now on."""
        self.job = job
        self.note.clear()
        self.view.follow(job)
        job.state_changed.connect(self._job_changed)
        job.finished.connect(self._job_changed)
        self._refresh()

    def _trouble(self, message: str, kind: str) -> None:
        self.note.say(message, "error" if kind == "error" else "warning")

    def _job_changed(self, job: object = None) -> None:
        """Look at the buttons again; a job that was claimed is about to start."""
        if not alive(self):
            return
        if isinstance(job, Job) and job is not self.job:
            job.state_changed.connect(self._refresh)
        self._refresh()

    def _pause(self) -> None:
        if self.job is None:
            return
        if self.job.state == "paused":
            self.job.resume()
        else:
            self.job.pause()

    def _stop(self) -> None:
        if self.job is not None:
            self.job.stop()
            self.view.stopping()

    # ---- buttons ----

    def _refresh(self, _: object = None) -> None:
        """Let the buttons follow the state of the job and what is still missing."""
        state = self.job.state if self.job is not None else "idle"
        active = self.job is not None and self.job.active
        reason = self._obstacle()
        self.judged.compare(self.pairs.places)
        ahead = ("", "") if active else onward(self.place.folder)
        self.buttons.follow(state, reason, ahead)
        self.look.enable(reason)
        for part in (self.pairs, self.judged, self.goal, self.effort, self.place):
            part.setEnabled(not active)
        if self.note.kind == "hint":
            self.note.say("" if active else reason)

    def _obstacle(self) -> str:
        """Return why training cannot start now, or ``""``."""
        if self.job is not None and self.job.active:
            return "training is running"
        other = self.session.job
        if other is not None and other.active:
            return f"{other.name} is {other.state}: wait for its end or stop it first"
        if self.pairs.problem or self.judged.problem:
            return self.pairs.problem or self.judged.problem
        if self.effort.folds.value() > 1 and self.judged.how.value != "share":
            return (
                "training in folds divides the images itself: judge by a share, or "
                "set Folds to off"
            )
        if self.pairs_note.kind == "error" and self.pairs_note.message:
            return self.pairs_note.message
        if self.proposal is None:
            # settings and the model's name follow from what the labels look like
            return "the labels are being looked at"
        return self.effort.note.message
