"""``napari-bioseg run``: images to labels in one go, training first if asked."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import Workflow

from .flags import flag_name, given_settings
from .options import (
    SETTINGS_OF_LABELS,
    SETTINGS_OF_TRAINING,
    Parser,
    add_images,
    add_workflow,
    input_files,
    settings_for,
)
from .predict import check_image
from .progress import sized
from .segment import print_labels
from .steps import found, labels_of, predict_to
from .stop import Stopped
from .train import add_training, train_model

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

SECTIONS = ("predict", *SETTINGS_OF_LABELS)


def make_parser() -> Parser:
    """Return the parser of this command.

    Returns
    -------
    Parser
    """
    parser = Parser(
        "run",
        "Predict, segment and clean up images, and write channels, labels and the "
        "settings. With --images and --labels a model is trained first.",
        "--model DIR INPUT... --output DIR [--images DIR --labels DIR]",
        (*SETTINGS_OF_TRAINING, *SECTIONS),
    )
    add_images(parser)
    add_training(parser, required=False)
    parser.add_argument(
        "--labels-only", action="store_true", help="do not keep the channels"
    )
    add_workflow(parser, SECTIONS)
    parser.add_common()
    return parser


def run(args: argparse.Namespace) -> None:
    """Run everything on a folder.

    Parameters
    ----------
    args : argparse.Namespace
        From `make_parser`.

    Raises
    ------
    Stopped
        If the user stopped it; finished images are on disk.
    ValueError
        If settings or files are wrong.
    """
    from napari_bioseg.io import check_free, image_info, result_path, write_workflow

    trains = _trains(args)
    files = input_files(args.inputs)
    infos = {name: image_info(path, axes=args.axes) for name, path in files.items()}
    folder = Path(args.output)
    kinds = ("labels",) if args.labels_only else ("labels", "predictions")
    if not args.overwrite:
        check_free(
            result_path(folder, kind, name, args.format)  # type: ignore[arg-type]
            for name in files
            for kind in kinds
        )
    model, workflow = _model_and_settings(args, trains=trains)
    for name, info in infos.items():
        check_image(model, info.shape, files[name])
    write_workflow(folder, workflow, overwrite=args.overwrite)
    rows: list[tuple[str, ...]] = []
    begin = time.perf_counter()
    try:
        for name, path in files.items():
            rows.append(_one(args, name, path, model, workflow))
    except KeyboardInterrupt:
        raise Stopped(
            f"{len(rows)} of {len(files)} images are done and in {folder}"
        ) from None
    print_labels(rows, workflow, folder, time.perf_counter() - begin, quiet=args.quiet)


def _trains(args: argparse.Namespace) -> bool:
    """Say whether a model is trained first; half a wish for it is an error."""
    if bool(args.images) != bool(args.labels):
        raise ValueError("to train first, give both --images and --labels")
    if args.images:
        return True
    idle = [n for n in given_settings(args) if n.split(".")[0] in SETTINGS_OF_TRAINING]
    if idle:
        raise ValueError(
            f"{flag_name(idle[0].split('.'))} has no effect on a trained model; give "
            "--images and --labels to train one first"
        )
    if args.resume or args.preset:
        raise ValueError("--resume and --preset need --images and --labels")
    return False


def _model_and_settings(
    args: argparse.Namespace, *, trains: bool
) -> tuple[Model, Workflow]:
    from napari_bioseg.io import open_model, peek_model

    if trains:
        model = train_model(args)
        return model, model.workflow
    workflow = settings_for(peek_model(args.model), args, SECTIONS)
    return open_model(args.model, workflow.predict.device), workflow


def _one(
    args: argparse.Namespace, name: str, path: Path, model: Model, workflow: Workflow
) -> tuple[str, ...]:
    """Take one image all the way and return its row of the table."""
    import numpy as np

    from napari_bioseg.channels import Prediction
    from napari_bioseg.io import image_info, read_image, result_path, write_results

    start = time.perf_counter()
    info = image_info(path, axes=args.axes)
    place = result_path(args.output, "predictions", name, args.format)
    data = predict_to(
        None if args.labels_only else place,
        read_image(path, axes=args.axes),
        info,
        name,
        model,
        workflow,
        quiet=args.quiet,
    )
    prediction = Prediction(np.asarray(data), workflow.outputs, spacing=info.spacing)
    labels = labels_of(prediction, workflow)
    write_results(
        args.output,
        name,
        workflow,
        labels=labels,
        spacing=info.spacing,
        unit=info.unit,
        format=args.format,
        overwrite=args.overwrite,
    )
    seconds = f"{time.perf_counter() - start:.1f}"
    return name, sized(info.size), found(labels, workflow), seconds
