"""What a training job does in its thread: read, train, show previews, save."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.settings import Workflow

from .previews import Previewer, Previews

if TYPE_CHECKING:
    from napari_bioseg.engine import Model, Pair


@dataclass(frozen=True)
class Doing:
    """A new stage began."""

    text: str


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
    Doing, engine.TrainEvent, PreviewReady, PreviewSkipped, NotWritten, Saved, NotSaved
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
