"""What the panels of one viewer share: the model, the running job, predictions."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from .bridge.layers import find_predictions, unwrapped

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from .jobs.worker import Job


class BusyError(ValueError):
    """A job was to start while another one runs."""


class Session:
    """Shared state of all panels in one viewer; ask `session_of` for it.

    Attributes
    ----------
    model_changed : psygnal.SignalInstance
        Emits the model: a model folder, an `engine.Model`, or None.
    job_changed : psygnal.SignalInstance
        Emits the running `Job`, or None once it has ended.
    predictions_changed : psygnal.SignalInstance
        Emits when prediction layers came or went.
    pairs_offered : psygnal.SignalInstance
        Emits when somebody offered layers to learn from.
    offered : list of (Image, Labels)
        Layers that were offered and not taken yet.
    offered_data : dict or None
        Settings that the labels offered last are to be read with; None once taken.
    steps_offered : psygnal.SignalInstance
        Emits when somebody offered a step of the clean-up.
    steps : list of CleanupStep
        Steps that were offered and not taken yet.
    """

    model_changed = Signal(object)
    job_changed = Signal(object)
    predictions_changed = Signal()
    pairs_offered = Signal()
    steps_offered = Signal()

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = weakref.ref(viewer)
        self._model: Any = None
        self._job: Job | None = None
        self.offered: list[tuple[Any, Any]] = []
        self.offered_data: dict[str, Any] | None = None
        self.steps: list[Any] = []
        viewer.layers.events.inserted.connect(self._layers_changed)
        viewer.layers.events.removed.connect(self._layers_changed)

    @property
    def model(self) -> Any:
        """The model in use: a folder, an `engine.Model`, or None."""
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        if model is not self._model:
            self._model = model
            self.model_changed.emit(model)

    @property
    def job(self) -> Job | None:
        """The job that runs now."""
        return self._job

    @property
    def predictions(self) -> list[Layer]:
        """The prediction layers of the viewer, found by their metadata."""
        viewer = self._viewer()
        return [] if viewer is None else find_predictions(viewer)

    def claim(self, job: Job) -> None:
        """Make a job the running one until it ends; call it before ``job.start()``.

        Parameters
        ----------
        job : Job
            A job that is not started yet.

        Raises
        ------
        BusyError
            If another job still runs.
        """
        if self._job is not None and self._job is not job and self._job.active:
            raise BusyError(
                f"{self._job.name} is {self._job.state}; "
                f"wait for its end or stop it before {job.name} can start"
            )
        self._job = job
        job.finished.connect(lambda: self._release(job))
        self.job_changed.emit(job)

    def offer_pair(self, image: Any, labels: Any, **data: object) -> None:
        """Offer an image and its labels as training data.

        Parameters
        ----------
        image, labels : napari.layers.Layer
            The layers.
        **data
            Settings of `DataSettings` with which the labels are to be read.
        """
        others = [pair for pair in self.offered if pair[1] is not labels]
        self.offered = [*others, (image, labels)]
        self.offered_data = data
        self.pairs_offered.emit()

    def offer_step(self, step: Any) -> None:
        """Offer a step of the clean-up to who tunes.

        Parameters
        ----------
        step : settings of a clean-up step
            The step.
        """
        self.steps = [*self.steps, step]
        self.steps_offered.emit()

    def _release(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            self.job_changed.emit(None)

    def _layers_changed(self, event: Any) -> None:
        if "bioseg" in event.value.metadata:
            self.predictions_changed.emit()


_sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()


def session_of(viewer: Viewer) -> Session:
    """Return the session of a viewer, a new one at the first call.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer, or the proxy of it that napari hands to plugins.

    Returns
    -------
    Session
    """
    key = unwrapped(viewer)
    if key not in _sessions:
        _sessions[key] = Session(key)
    return _sessions[key]
