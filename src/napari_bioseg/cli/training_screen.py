"""What a training shows on the screen, and what it leaves on disk."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.counted import counted
from napari_bioseg.settings import Workflow

from .progress import duration, print_table, progress_bar
from .stop import Stopped, asked_to_stop

if TYPE_CHECKING:
    from napari_bioseg.engine import (
        EpochDone,
        Pair,
        Started,
        StepDone,
        Trained,
        TrainEvent,
    )
    from napari_bioseg.engine.estimate import Estimate


def follow(
    events: Generator[TrainEvent, str | None, None],
    workflow: Workflow,
    folder: Path,
    *,
    quiet: bool,
) -> Trained:
    """Show a training until it ends, save its model and records, print a summary.

    Parameters
    ----------
    events : generator of TrainEvent
        From `engine.train`.
    workflow : Workflow
        What is trained.
    folder : Path
        The model folder.
    quiet : bool
        Whether to show no progress and no summary.

    Returns
    -------
    Trained
        How it ended, with the model.

    Raises
    ------
    Stopped
        If the user stopped it; the best model so far is on disk.
    ValueError
        If settings or data are wrong.
    """
    from napari_bioseg.engine.processes import Processes
    from napari_bioseg.io import TrainingFiles, save_model

    # of several processes that train together, one shows and writes
    is_main = Processes.launched().is_main
    screen = _Screen(quiet=quiet or not is_main)
    files = TrainingFiles(folder, workflow) if is_main else None
    answer: str | None = None
    try:
        with asked_to_stop() as asked:
            while screen.result is None:
                event = events.send(answer)
                screen.show(event)
                if files is not None:
                    screen.warn(files.see(event))
                answer = "stop" if asked() else None
    except KeyboardInterrupt:
        raise Stopped(
            f"at once; if an epoch was finished, its model is in {folder}, and the "
            "same command with --resume goes on from there"
        ) from None
    result = screen.result
    if result.reason == "stopped" and result.epochs == 0:
        raise Stopped("before the end of the first epoch, so there is nothing to keep")
    if files is not None:
        save_model(result.model, folder)
        _summary(result, folder, files.report, quiet=quiet)
    if result.reason == "stopped":
        raise Stopped(
            f"{_epochs(result)}; the best model so far is in {folder}. Go on with the "
            "same command and --resume"
        )
    return result


class _Screen:
    """Shows what training tells: a bar where someone watches, else a line an epoch."""

    def __init__(self, *, quiet: bool) -> None:
        self.result: Trained | None = None
        self._quiet = quiet
        self._lines = not quiet and not sys.stderr.isatty()
        self._bar = progress_bar(0, "", "step", quiet=True)

    def show(self, event: TrainEvent) -> None:
        from napari_bioseg.engine import EpochDone, Started, StepDone, Trained

        if isinstance(event, Started):
            self._started(event)
        elif isinstance(event, StepDone):
            self._step(event)
        elif isinstance(event, EpochDone):
            self._epoch(event)
        elif isinstance(event, Trained):
            self._bar.close()
            self.result = event
            self.warn(event.message)

    def warn(self, text: str) -> None:
        """Show what went wrong, unless there is nothing to show."""
        if text and not self._quiet:
            self._bar.clear()
            for line in text.splitlines():
                print(f"note: {line}", file=sys.stderr)

    @property
    def _hidden(self) -> bool:
        return self._quiet or self._lines

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text, file=sys.stderr)

    def _started(self, event: Started) -> None:
        for note in event.notes:
            self.warn(note)
        self._say(
            f"training on {event.device}: {counted(event.training, 'image')} "
            f"for training, {event.validation} for validation, "
            f"{event.parameters:,} weights"
        )
        if event.estimate is not None:
            self._say(_in_words(event.estimate))
        self._bar = progress_bar(
            event.epochs * event.steps, "epoch 1", "step", quiet=self._hidden
        )
        self._bar.update((event.first_epoch - 1) * event.steps)

    def _step(self, event: StepDone) -> None:
        self._bar.update(1)
        self.warn(event.warning)

    def _epoch(self, event: EpochDone) -> None:
        losses = f"loss {event.train_loss:.4f}, validation {event.validation_loss:.4f}"
        if event.monitor in event.metrics:
            losses += f", {event.monitor} {event.score:.4f}"
        self._bar.set_description(f"epoch {event.epoch + 1}")
        self._bar.set_postfix_str(losses + (" (best)" if event.best else ""))
        self.warn(event.warning)
        if self._lines:
            left = (
                f", {duration(event.seconds_left)} left" if event.seconds_left else ""
            )
            best = " (best)" if event.best else ""
            self._say(f"epoch {event.epoch}/{event.epochs}: {losses}{best}{left}")


def _in_words(estimate: Estimate) -> str:
    """Say how long training will take and how much memory."""
    gigabytes = [size / 1024**3 for size in (estimate.memory, estimate.free)]
    text = (
        f"about {duration(estimate.epoch_seconds)} per epoch, at most "
        f"{duration(estimate.seconds)} in all; about {gigabytes[0]:.1f} GB of memory, "
        f"{gigabytes[1]:.1f} GB are free"
    )
    if not estimate.fits:
        text += ": choose a smaller train.batch_size or data.patch if it fails"
    return text


def _epochs(result: Trained) -> str:
    done = counted(result.epochs, "epoch")
    return f"{done} done, epoch {result.best_epoch} was the best"


def _summary(
    result: Trained, folder: Path, report: Path | None, *, quiet: bool
) -> None:
    reasons = {
        "finished": "all epochs done",
        "patience": "no more progress",
        "time": "time is up",
        "stopped": "stopped",
        "diverged": "the loss became infinite",
    }
    score = "–" if result.score is None else f"{result.score:.4f}"
    header = ("model", "epochs", "best", result.monitor, "ended because")
    row = (
        str(folder),
        str(result.epochs),
        str(result.best_epoch),
        score,
        reasons[result.reason],
    )
    print_table(header, [row], quiet=quiet)
    if report is not None and not quiet:
        print(f"curves and sample predictions: {report}")


def show_learning_rates(pairs: Sequence[Pair], workflow: Workflow) -> None:
    """Try learning rates, and print their losses and a suggestion.

    Parameters
    ----------
    pairs : sequence of Pair
        Images with labels.
    workflow : Workflow
        What would be trained.

    Raises
    ------
    ValueError
        If settings or data are wrong.
    """
    from napari_bioseg.engine import RateFound, find_learning_rate

    with progress_bar(0, "learning rates", "step", quiet=False) as bar:
        for event in find_learning_rate(pairs, workflow):
            if isinstance(event, RateFound):
                found = event
            else:
                bar.total = event.steps
                bar.update(1)
    rows = [
        (f"{rate:.1e}", f"{loss:.4f}")
        for rate, loss in list(zip(found.rates, found.losses, strict=True))[::4]
    ]
    print_table(("learning rate", "loss"), rows, quiet=False)
    print(f"suggested: --train.learning-rate {found.suggested:g}")
