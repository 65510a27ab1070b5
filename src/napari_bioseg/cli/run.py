"""``napari-bioseg run``: images to labels in one go, training first if asked."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bioseg.settings import Workflow
from napari_bioseg.settings.patch_size import sized

from .flags import flag_name, given_settings
from .options import (
    SETTINGS_OF_LABELS,
    SETTINGS_OF_TRAINING,
    Parser,
    add_images,
    add_workflow,
    settings_for,
)
from .reports import (
    add_region,
    add_reports,
    check_reports,
    region_of,
    write_reports,
)
from .segment import print_labels
from .start import (
    add_cluster,
    begin,
    check_images,
    each_image,
    end,
    look_at,
    model_folders,
)
from .steps import (
    check_large,
    follow,
    found,
    label_each,
    segment_to,
    write_labelled,
)
from .train import add_training, train_model, training_workflow

if TYPE_CHECKING:
    from napari_bioseg.channels import Prediction
    from napari_bioseg.engine import Model
    from napari_bioseg.io.model_input import ModelInput
    from napari_bioseg.io.results import Kind
    from napari_bioseg.io.stack import Stack

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
    add_cluster(parser)
    parser.add_argument(
        "--labels-only", action="store_true", help="do not keep the channels"
    )
    add_reports(parser)
    add_region(parser)
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
    from napari_bioseg.io.results import kept_workflow

    trains = _trains(args)
    kinds: tuple[Kind, ...] = ("labels",)
    if not args.labels_only:
        kinds = ("labels", "predictions")
    workflow = training_workflow(args) if trains else _settings(args)
    start = begin(args, kinds, workflow)
    models = [train_model(args)] if trains else _models(args, workflow)
    if trains:
        workflow = models[0].workflow
        seen = look_at(start.files, args, models[0].dimensions)
        start = replace(start, inputs=seen)
    check_images(models[0], start)
    check_reports(args, workflow)
    for name, given in start.inputs.items():
        _check_labels(name, given, workflow)

    def one(name: str, _: Path) -> tuple[str, ...]:
        return _one(args, name, start.inputs[name], models, workflow)

    began = time.perf_counter()
    with kept_workflow(start.folder, workflow, overwrite=args.overwrite):
        rows, failed = each_image(start.files, one, start.folder)
        if not rows:
            end(failed, len(start.files))
    seconds = time.perf_counter() - began
    print_labels(rows, workflow, start.folder, seconds, quiet=args.quiet)
    write_reports(args, workflow)
    end(failed, len(start.files))


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
    if args.preset:
        raise ValueError("--preset needs --images and --labels")
    return False


def _settings(args: argparse.Namespace) -> Workflow:
    from napari_bioseg.io import peek_model

    folders = model_folders([args.model])
    workflow = settings_for(peek_model(folders[0]), args, SECTIONS)
    if workflow.predict.output == "classes":
        raise ValueError(
            "--predict.output classes stores no channels to make labels from; use "
            "'napari-bioseg predict', or leave it out"
        )
    return workflow


def _models(args: argparse.Namespace, workflow: Workflow) -> list[Model]:
    from napari_bioseg.io import open_model

    folders = model_folders([args.model])
    return [open_model(path, workflow.predict.device) for path in folders]


def _check_labels(name: str, given: ModelInput, workflow: Workflow) -> None:
    """Refuse labels that cannot be made, before the channels are predicted."""
    from napari_bioseg.io.label_stack import one_by_one

    each, large = one_by_one(given.letters, workflow), _is_large(given, workflow)
    if each and workflow.task.has_classes:
        raise ValueError(
            f"{given.path}: classes of objects are written for one image a file; save "
            "each time point or slice as a file of its own"
        )
    if each and large:
        raise ValueError(
            f"{given.path}: one image does not fit into memory, and objects of several "
            "are found image by image; save each as a file of its own"
        )
    if large:
        check_large(name, workflow.outputs, workflow)


def _one(
    args: argparse.Namespace,
    name: str,
    given: ModelInput,
    models: Sequence[Model],
    workflow: Workflow,
) -> tuple[str, ...]:
    """Take one image all the way and return its row of the table."""
    from napari_bioseg.io import read_prediction, result_path
    from napari_bioseg.io.label_stack import one_by_one
    from napari_bioseg.io.predict_file import predict_file
    from napari_bioseg.io.predictions import in_memory
    from napari_bioseg.io.tiff_from_zarr import tiff_from_zarr

    began = time.perf_counter()
    kept = result_path(args.output, "predictions", name, args.format)
    labels_at = result_path(args.output, "labels", name, args.format)
    large = _is_large(given, workflow)
    on_disk = large or bool(given.letters)
    place = _channels_at(args, name, kept, large=on_disk)
    stack = given.stack()
    data = None
    if place is None or not (args.resume and place.exists()):
        before = {"resume": args.resume, "overwrite": args.overwrite}
        facts = (stack, given.info, name, models, workflow)
        events = predict_file(place, *facts, **before)
        data = follow(events, name, quiet=args.quiet)
    if one_by_one(given.letters, workflow) and place is not None:
        objects = label_each(labels_at, name, place, workflow, args, image=stack)
    elif large and place is not None and place.suffix == ".zarr":
        stored = read_prediction(place)
        objects = str(segment_to(labels_at, name, stored, workflow, args))
    else:
        if place is None:
            prediction = in_memory(data, workflow, given.info.spacing)
        else:
            prediction = read_prediction(place).load(workflow.outputs)
        objects = _label(args, name, prediction, workflow, given, stack)
    if place is not None and place != kept:  # complete, and hidden until now
        if args.labels_only:
            shutil.rmtree(place)
        else:
            tiff_from_zarr(kept)
    return name, sized(given.size), objects, f"{time.perf_counter() - began:.1f}"


def _label(
    args: argparse.Namespace,
    name: str,
    prediction: Prediction,
    workflow: Workflow,
    given: ModelInput,
    stack: Stack,
) -> str:
    """Write the labels of channels that are in memory, and say what they hold."""
    from napari_bioseg.cleanup import find_labels

    region = region_of(args, name)
    image = None
    if workflow.cleanup.looks_at_image:
        slices = [np.asarray(stack.read(place)) for place in stack.places]
        image = np.stack(slices, 1) if stack.leading else slices[0]
        if image.ndim > prediction.data.ndim:  # files leave out the axis of one slice
            image = image[:, 0]
    labels, seen = find_labels(prediction, workflow, image=image, region=region)
    spacing = given.info.spacing and given.info.spacing[-labels.ndim :]
    facts: dict[str, Any] = {"spacing": spacing, "unit": given.info.unit}
    write_labelled(args, name, labels, seen, workflow, **facts)
    return found(labels, workflow)


def _is_large(given: ModelInput, workflow: Workflow) -> bool:
    from napari_bioseg.io.label_stack import one_by_one
    from napari_bioseg.io.segment_volume import fits_size

    # along time each image is by itself, and along slices where they are no volume
    each = one_by_one(given.letters, workflow)
    size = given.shape[1:] if each else given.info.size
    return not fits_size(size, len(workflow.outputs), workflow)


def _channels_at(
    args: argparse.Namespace, name: str, kept: Path, *, large: bool
) -> Path | None:
    """Return where the channels of an image go; None keeps them in memory.

    What does not fit into memory grows as zarr, hidden where it is not to stay.
    """
    from napari_bioseg.io import result_path
    from napari_bioseg.io.tiff_from_zarr import growing
    from napari_bioseg.io.unfinished import begun, unfinished

    if args.format == "zarr" and not args.labels_only:
        return kept
    if args.labels_only:
        labels = result_path(args.output, "labels", name)
        hidden = labels.with_name(f".{name}.channels.zarr")
    else:
        hidden = growing(kept)
    there = hidden.exists() or begun(unfinished(hidden))
    if there and not args.resume and not args.overwrite:
        raise ValueError(
            f"{name} was begun before and is not complete; go on with --resume, or "
            "start anew with --overwrite"
        )
    if args.format == "zarr" or large or (there and args.resume):
        taken = args.resume and kept.exists() and not args.labels_only
        return kept if taken else hidden
    for left in (hidden, unfinished(hidden)):
        shutil.rmtree(left, ignore_errors=True)
    return None if args.labels_only else kept
