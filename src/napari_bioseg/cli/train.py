"""``napari-bioseg train``: folders of images and labels to a model."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from napari_bioseg.counted import counted
from napari_bioseg.settings import PresetName, Workflow

from .division import add_division, check_folds_alone, divided
from .flags import changed, given_settings
from .folds import train_folds
from .options import SETTINGS_OF_LABELS, SETTINGS_OF_TRAINING, Parser, add_workflow
from .stop import Diverged
from .training_screen import follow, show_learning_rates
from .warned import warnings_as_notes

if TYPE_CHECKING:
    from napari_bioseg.engine import Model, Pair


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
        "--classes",
        metavar="DIR",
        help="folder of the classes of objects, label images or tables (id,class), "
        "named like the images; the --labels folder itself if its files have two "
        "channels, objects and classes",
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
        "--start",
        metavar="DIR",
        help="model whose weights, task and network a new training starts with; its "
        "other settings count too, unless --workflow or --preset is given",
    )
    parser.add_argument(
        "--label-axes",
        metavar="AXES",
        help="axes of the labels, one letter each, if the guess is wrong",
    )
    add_division(parser)
    if required:
        parser.add_argument(
            "--folds",
            type=int,
            metavar="N",
            help="train N models, each judged by another part of the images; "
            "'predict' averages them",
        )
        parser.add_argument(
            "--axes",
            metavar="AXES",
            help="axes of the images, one letter each (such as ZYX), if the guess is "
            "wrong",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="replace an earlier model"
        )
        parser.add_argument(
            "--find-learning-rate",
            action="store_true",
            help="do not train: try learning rates, and suggest one",
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
    Diverged
        If the loss became infinite; the best model so far is on disk.
    ValueError
        If settings or files are wrong.
    """
    if args.find_learning_rate:
        show_learning_rates(*_pairs_and_workflow(args, read_training_pairs))
        return
    if args.folds is not None:
        check_folds_alone(args)
        train_folds(args, *_pairs_and_workflow(args, read_all_pairs))
        return
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
    Diverged
        If the loss became infinite; the best model so far is on disk.
    ValueError
        If settings or files are wrong.
    """
    folder = Path(args.model)
    if (folder / "weights.safetensors").exists() and not (
        args.resume or args.overwrite
    ):
        raise ValueError(
            f"{folder} holds a model already; go on training it with --resume, replace "
            "it with --overwrite, or choose another folder"
        )
    _check_no_folds(folder, args)
    pairs, workflow = _pairs_and_workflow(args, read_training_pairs)
    from napari_bioseg.engine import train
    from napari_bioseg.io import open_model

    known = None
    if args.start:
        known = open_model(args.start, device=workflow.train.device)
    events = train(pairs, workflow, folder=folder, resume=args.resume, start=known)
    result = follow(events, workflow, folder, quiet=args.quiet)
    if result.reason == "diverged":
        raise Diverged(
            f"the loss became infinite; the model of the best epoch is in {folder}"
        )
    return result.model


def _check_no_folds(folder: Path, args: argparse.Namespace) -> None:
    """Refuse one model where several of folds are, whose split it would replace."""
    from napari_bioseg.io.folds import fold_models

    folds = fold_models(folder)
    if folds and not args.overwrite:
        raise ValueError(
            f"{folder} holds {counted(len(folds), 'fold')}; go on training them with "
            f"--folds {len(folds)} --resume, or choose another folder"
        )


def read_training_pairs(args: argparse.Namespace) -> list[Pair]:
    """Read the images and labels that were named, and what they are for.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_training`.

    Returns
    -------
    list of Pair

    Raises
    ------
    ValueError
        If files are missing or do not belong together.
    """
    return divided(read_all_pairs(args), args)


def read_all_pairs(args: argparse.Namespace) -> list[Pair]:
    """Read the images and labels that were named."""
    from napari_bioseg.io import read_pairs

    return read_pairs(
        args.images,
        args.labels,
        axes=args.axes,
        label_axes=args.label_axes,
        classes=args.classes,
    )


def _pairs_and_workflow(
    args: argparse.Namespace, read: Callable[[argparse.Namespace], list[Pair]]
) -> tuple[list[Pair], Workflow]:
    """Read what is learned from, and say how; a preset depends on the images."""
    workflow = training_workflow(args)  # what is wrong there is said without waiting
    with warnings_as_notes(quiet=args.quiet):
        pairs = read(args)
    if args.preset:
        workflow = training_workflow(args, pairs[0].dimensions)
    return pairs, workflow


def training_workflow(args: argparse.Namespace, dimensions: int = 2) -> Workflow:
    """Return the workflow to train: a file, a preset or the defaults, and flags.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_training`.
    dimensions : int
        Of the images, 2 or 3.

    Returns
    -------
    Workflow

    Raises
    ------
    ValueError
        If both a file and a preset are given, or a setting is wrong.
    """
    if args.start and (args.resume or getattr(args, "folds", None)):
        raise ValueError(
            "--start is for one new model: leave out --resume and --folds (folds would "
            "be judged by images that the model to start from has learned)"
        )
    if args.workflow and args.preset:
        raise ValueError("give --workflow or --preset, not both")
    if args.workflow:
        base = Workflow.from_yaml(args.workflow)
    elif args.preset:
        base = Workflow.preset(args.preset, dimensions=dimensions)
    elif args.resume and (earlier := _earlier_workflow(args)):
        base = Workflow.from_yaml(earlier)
    else:
        base = Workflow()
    if args.start:
        from napari_bioseg.io import peek_model

        known = peek_model(Path(args.start))
        if args.workflow or args.preset:
            known = base.replace(task=known.task, network=known.network)
        base = known
    return changed(base.untrained(), given_settings(args))


def _earlier_workflow(args: argparse.Namespace) -> Path | None:
    """Return the settings of the training that goes on; of folds, the first's."""
    from napari_bioseg.io.folds import fold_models

    folder = Path(args.model)
    for place in (folder, *fold_models(folder)):
        if (place / "workflow.yaml").exists():
            return place / "workflow.yaml"
    return None
