"""``napari-bioseg train``: folders of images and labels to a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from napari_bioseg.settings import PresetName, Workflow

from .flags import changed, given_settings
from .options import SETTINGS_OF_LABELS, SETTINGS_OF_TRAINING, Parser, add_workflow
from .progress import counted, duration, print_table, progress_bar
from .stop import Stopped, asked_to_stop

if TYPE_CHECKING:
    from napari_bioseg.engine import EpochDone, Model, Trained, TrainEvent


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "train",
        "Train a model on folders of images and labels. The best weights are kept "
        "after every epoch; Ctrl-C stops and keeps them.",
        "--images DIR --labels DIR --model DIR [--resume]",
        (*SETTINGS_OF_TRAINING, *SETTINGS_OF_LABELS),
    )
    add_training(parser, required=True)
    add_workflow(parser, ["all sections"])
    parser.add_common()
    return parser


def add_training(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options of training.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser.
    required : bool
        Whether there is nothing else to do.
    """
    parser.add_argument(
        "--images", metavar="DIR", required=required, help="folder of training images"
    )
    parser.add_argument(
        "--labels",
        metavar="DIR",
        required=required,
        help="folder of labels, named like the images: one number per object or class",
    )
    parser.add_argument(
        "--model", metavar="DIR", required=True, help="folder of the model"
    )
    parser.add_argument(
        "--preset",
        choices=get_args(PresetName),
        help="start from settings for minutes on a CPU (fast) to hours on a GPU",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with a training that was stopped"
    )
    parser.add_argument(
        "--label-axes",
        metavar="AXES",
        help="axes of the labels, one letter each, if the guess is wrong",
    )
    if required:
        parser.add_argument(
            "--axes",
            metavar="AXES",
            help="axes of the images, one letter each (such as ZYX), if the guess is "
            "wrong",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="replace an earlier model"
        )


def run(args: argparse.Namespace) -> None:
    """Train a model.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    Stopped
        If the user stopped it; the best model so far is on disk.
    ValueError
        If settings or files are wrong.
    """
    train_model(args)


def train_model(args: argparse.Namespace) -> Model:
    """Train a model, save it and print a summary.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_training`.

    Returns
    -------
    Model

    Raises
    ------
    Stopped
        If the user stopped it; the best model so far is on disk.
    ValueError
        If settings or files are wrong.
    """
    from napari_bioseg.io import read_pairs, save_model

    folder = Path(args.model)
    workflow = training_workflow(args)
    if (folder / "weights.safetensors").exists() and not (
        args.resume or args.overwrite
    ):
        raise ValueError(
            f"{folder} holds a model already; go on training it with --resume, replace "
            "it with --overwrite, or choose another folder"
        )
    pairs = read_pairs(
        args.images, args.labels, axes=args.axes, label_axes=args.label_axes
    )
    from napari_bioseg.engine import train

    events = train(pairs, workflow, folder=folder, resume=args.resume)
    try:
        result = _follow(events, quiet=args.quiet)
    except KeyboardInterrupt:
        raise Stopped(
            f"at once; if an epoch was finished, its model is in {folder}, and the "
            "same command with --resume goes on from there"
        ) from None
    save_model(result.model, folder)
    _summary(result, folder, quiet=args.quiet)
    if result.reason == "stopped":
        raise Stopped(
            f"{_epochs(result)}; the best model so far is in {folder}. Go on with the "
            "same command and --resume"
        )
    return result.model


def training_workflow(args: argparse.Namespace) -> Workflow:
    """Return the workflow to train: a file, a preset or the defaults, and flags.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_training`.

    Returns
    -------
    Workflow

    Raises
    ------
    ValueError
        If both a file and a preset are given, or a setting is wrong.
    """
    earlier = Path(args.model) / "workflow.yaml"
    if args.workflow and args.preset:
        raise ValueError("give --workflow or --preset, not both")
    if args.workflow:
        base = Workflow.from_yaml(args.workflow)
    elif args.preset:
        base = Workflow.preset(args.preset)
    elif args.resume and earlier.exists():
        base = Workflow.from_yaml(earlier)
    else:
        base = Workflow()
    return changed(base.replace(trained=None), given_settings(args))


def _follow(events: Generator[TrainEvent, str | None, None], *, quiet: bool) -> Trained:
    """Show events until training ends; the first Ctrl-C asks it to end."""
    screen = _Screen(quiet=quiet)
    answer: str | None = None
    with asked_to_stop() as asked:
        while screen.result is None:
            screen.show(events.send(answer))
            answer = "stop" if asked() else None
    return screen.result


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
            for note in event.notes:
                self._say(f"note: {note}")
            self._say(
                f"training on {event.device}: {event.training} images for training, "
                f"{event.validation} for validation, {event.parameters:,} weights"
            )
            self._bar = progress_bar(
                event.epochs * event.steps, "epoch 1", "step", quiet=self._hidden
            )
            self._bar.update((event.first_epoch - 1) * event.steps)
        elif isinstance(event, StepDone):
            self._bar.update(1)
        elif isinstance(event, EpochDone):
            self._epoch(event)
        elif isinstance(event, Trained):
            self._bar.close()
            self.result = event
            if event.message:
                print(f"note: {event.message}", file=sys.stderr)

    @property
    def _hidden(self) -> bool:
        return self._quiet or self._lines

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text, file=sys.stderr)

    def _epoch(self, event: EpochDone) -> None:
        losses = f"loss {event.train_loss:.4f}, validation {event.validation_loss:.4f}"
        self._bar.set_description(f"epoch {event.epoch + 1}")
        self._bar.set_postfix_str(losses + (" (best)" if event.best else ""))
        if event.warning:
            self._say(f"note: {event.warning}")
        if self._lines:
            left = (
                f", {duration(event.seconds_left)} left" if event.seconds_left else ""
            )
            best = " (best)" if event.best else ""
            self._say(f"epoch {event.epoch}/{event.epochs}: {losses}{best}{left}")


def _epochs(result: Trained) -> str:
    if result.best_epoch == 0:
        return "no epoch was finished"
    done = counted(result.epochs, "epoch")
    return f"{done} done, epoch {result.best_epoch} was the best"


def _summary(result: Trained, folder: Path, *, quiet: bool) -> None:
    reasons = {
        "finished": "all epochs done",
        "patience": "no more progress",
        "time": "time is up",
        "stopped": "stopped",
        "diverged": "the loss became infinite",
    }
    score = "–" if result.score is None else f"{result.score:.4f}"
    header = ("model", "epochs", "best", "validation loss", "ended because")
    row = (
        str(folder),
        str(result.epochs),
        str(result.best_epoch),
        score,
        reasons[result.reason],
    )
    print_table(header, [row], quiet=quiet)
