"""What a training job does in its thread: read, train, show previews, save."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.colours import mixed

if TYPE_CHECKING:
    from napari_bioseg.engine import Model, Pair

PREVIEW_INTERVAL = 1.0
"""Least seconds between two previews."""
PREVIEW_SHARE = 0.1
"""Most of the training time that previews may take."""
FIRST_PREVIEW = 256
"""Longest side of the first preview, pixels; later ones are as large as time allows."""
SMALLEST_PREVIEW = 128
"""However slow the network is, pixels; previews become rarer then."""
LARGEST_PREVIEW = 1024
"""Longest side of any preview, pixels."""


@dataclass(frozen=True)
class Doing:
    """A new stage began."""

    text: str


@dataclass(frozen=True)
class View:
    """What the user looks at, for previews."""

    image: Any
    """The whole image, (C, [Z,] Y, X); numpy or lazy."""
    region: tuple[slice, ...]
    """The part that is on screen, one slice per spatial axis."""
    target: Any = None
    """Whatever the panel wants back with the preview."""


@dataclass(frozen=True)
class PreviewReady:
    """The newest prediction of a part of the image that is on screen."""

    picture: NDArray[np.uint8]
    """All channels in one picture, ([Z,] Y, X, 4)."""
    region: tuple[slice, ...]
    """Where it lies in the image, one slice per spatial axis."""
    view: View
    """What was asked for."""


@dataclass(frozen=True)
class Saved:
    """The model is on disk."""

    folder: Path
    report: Path | None = None
    """Page about the training, if one was written."""


@dataclass(frozen=True)
class NotSaved:
    """The model could not be written; it is still in memory."""

    folder: Path
    message: str


@dataclass(frozen=True)
class NotWritten:
    """Log, TensorBoard or report could not be written; training goes on."""

    message: str


class Previews:
    """The panel's wish for previews, shared with the training thread.

    The panel posts the view; the thread answers it again and again, but never before
    the last answer was painted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._view: View | None = None
        self._painted = True

    def post(self, view: View | None) -> None:
        """Say what is on screen; None asks for no previews.

        Parameters
        ----------
        view : View or None
            The newest view.
        """
        with self._lock:
            self._view = view

    def painted(self) -> None:
        """Say that the last preview is on screen."""
        with self._lock:
            self._painted = True

    def take(self) -> View | None:
        """Return the view to answer now, or None if there is nothing to do."""
        with self._lock:
            if self._view is None or not self._painted:
                return None
            self._painted = False
            return self._view


class Previewer:
    """Answer views between two training steps, within a share of the time.

    Parameters
    ----------
    previews : Previews
        Where the panel posts its view.
    clock : callable
        Seconds; for tests.
    """

    def __init__(
        self, previews: Previews, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._previews = previews
        self._clock = clock
        self._started = clock()
        self._next = self._started + PREVIEW_INTERVAL
        self._side = FIRST_PREVIEW
        self._scale: tuple[Any, Any] | None = None
        self.seconds = 0.0

    def due(self) -> View | None:
        """Return the view to predict now, if it is time for one."""
        now = self._clock()
        if now < self._next:
            return None
        return self._previews.take()

    def predict(self, view: View, model: Model) -> PreviewReady | None:
        """Predict what is on screen with the network as it is now.

        Parameters
        ----------
        view : View
            From `due`.
        model : Model
            The network in training.

        Returns
        -------
        PreviewReady or None
            None if the image does not suit the network.
        """
        from napari_bioseg.engine.model import run_network

        began = self._clock()
        if not _suits(view, model):
            self._previews.painted()
            self._next = began + PREVIEW_INTERVAL
            return None
        region = _around_middle(view, self._side, model.dimensions)
        crop = np.asarray(view.image[(slice(None), *region)])
        data = run_network(model, self._scale_of(view, model)(crop))
        picture = mixed(data, model.outputs)
        self._plan(began, self._clock())
        return PreviewReady(picture, region, view)

    def _scale_of(self, view: View, model: Model) -> Any:
        """Normalise by the whole image, as the prediction will: measured once."""
        from napari_bioseg.engine.normalize import image_scale

        if self._scale is None or self._scale[0] is not view.image:
            scale = image_scale(view.image, model.workflow)
            self._scale = (view.image, scale)
        return self._scale[1]

    def _plan(self, began: float, ended: float) -> None:
        spent = ended - began
        self.seconds += spent
        # previews so far, as a share of all time, come under the limit again at:
        share = self._started + self.seconds / PREVIEW_SHARE
        self._next = max(ended + PREVIEW_INTERVAL, share)
        if spent < 0.03:
            self._side = min(round(self._side * 1.5), LARGEST_PREVIEW)
        elif spent > 0.2:
            self._side = max(round(self._side / 1.5), SMALLEST_PREVIEW)


def _suits(view: View, model: Model) -> bool:
    shape = view.image.shape
    return len(shape) == model.dimensions + 1 and shape[0] == model.in_channels


def _around_middle(view: View, side: int, dimensions: int) -> tuple[slice, ...]:
    """Cut a view down to what a preview may cost, keeping its middle."""
    region = []
    for axis, (part, size) in enumerate(
        zip(view.region, view.image.shape[1:], strict=True)
    ):
        start, stop, _ = part.indices(size)
        depth = dimensions == 3 and axis == 0
        most = 16 if depth else side if dimensions == 2 else max(side // 3, 48)
        if stop - start > most:
            start += (stop - start - most) // 2
            stop = start + most
        elif depth and stop - start < most:
            # the network needs the slices around the one on screen
            middle = (start + stop) // 2
            start = max(min(middle - most // 2, size - most), 0)
            stop = min(start + most, size)
        region.append(slice(start, stop))
    return tuple(region)


def training(
    read_pairs: Callable[[], Sequence[Pair]],
    workflow: Workflow,
    folder: Path,
    previews: Previews,
    *,
    resume: bool = False,
    start: Path | None = None,
) -> Generator[Any, Any, str]:
    """Train and save a model, telling everything on the way.

    Parameters
    ----------
    read_pairs : callable
        Returns the training pairs; called in the thread.
    workflow : Workflow
        What to train.
    folder : Path
        Where the model and the state of the training go.
    previews : Previews
        What the user looks at.
    resume : bool
        Whether to go on from the state in the folder.
    start : Path, optional
        Model folder whose weights the training starts from.

    Yields
    ------
    Doing, engine.TrainEvent, PreviewReady, NotWritten, Saved, NotSaved
        ``send("stop")`` ends the training and keeps the best.

    Returns
    -------
    str
        Why the training ended; empty if it did not begin.
    """
    waiting: Any = yield Doing("Starting the deep-learning library")
    from napari_bioseg.widgets.jobs.engine_start import load_for_training

    load_for_training()
    from napari_bioseg.engine import Started, Trained, train
    from napari_bioseg.io import TrainingFiles

    waiting = (yield Doing("Reading the training images")) or waiting
    pairs = read_pairs()
    doing = Doing("Checking the images and making the channels")
    waiting = (yield doing) or waiting
    known = None if start is None else _open(start, workflow)
    files = TrainingFiles(folder, workflow)
    events = train(pairs, workflow, folder=folder, resume=resume, start=known)
    previewer = Previewer(previews)
    model: Model | None = None
    command: Any = None
    try:
        while True:
            try:
                event = events.send(command)
            except StopIteration:
                return ""
            command = (yield event) or waiting  # perhaps asked for before it began
            waiting = None
            if isinstance(event, Trained):
                command = (yield Doing("Saving the model")) or command
                saved = save(event.model, folder)
                trouble = files.see(event)
                if isinstance(saved, Saved):
                    saved = replace(saved, report=files.report)
                command = (yield saved) or command
            else:
                trouble = files.see(event)
            if trouble:
                command = (yield NotWritten(trouble)) or command
            if isinstance(event, Trained):  # a late stop counts for what comes next
                return "stopped" if command == "stop" else event.reason
            if isinstance(event, Started):
                model = event.model
            view = previewer.due() if model is not None else None
            if view is not None and model is not None and command is None:
                ready = previewer.predict(view, model)
                if ready is not None:
                    command = yield ready
    finally:
        events.close()


def _open(folder: Path, workflow: Workflow) -> Model:
    from napari_bioseg.io import open_model

    return open_model(folder, device=workflow.train.device)


def save(model: Model, folder: Path) -> Saved | NotSaved:
    """Write a model, and say so or say why not.

    Parameters
    ----------
    model : Model
        What to write.
    folder : Path
        Where to.

    Returns
    -------
    Saved or NotSaved
    """
    from napari_bioseg.io import save_model

    try:
        save_model(model, folder)
    except OSError as error:
        return NotSaved(folder, f"{error.strerror or error}: {folder}")
    return Saved(folder)
