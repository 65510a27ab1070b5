"""What a prediction job does in its thread: open, predict, decode, write."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import PredictSettings, RangeNormalization, Workflow
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.train.training import Doing

if TYPE_CHECKING:
    from napari_bioseg.engine import Model


Look = Callable[[Target], Callable[[], tuple[float, ...] | None]]

LIVELY_TILE = 1024
"""Largest automatic tile on a CPU, pixels: about a second's work."""


@dataclass(frozen=True)
class Begun:
    """An image is about to be predicted; its result fills while tiles are done."""

    target: Target
    data: NDArray[np.float32]
    """(C, [leading,] [Z,] Y, X), zero where nothing is predicted yet."""
    workflow: Workflow
    model: str
    """Where the model lies on disk; empty if it is not saved."""


@dataclass(frozen=True)
class Filled:
    """More of the result is final."""

    share: float
    """How much of all the work is done, 0 to 1."""
    tile: int
    tiles: int
    image: int
    images: int


@dataclass(frozen=True)
class Labelled:
    """The objects (or classes) of an image are found."""

    target: Target
    workflow: Workflow
    model: str
    labels: NDArray[np.int32]
    seeds: NDArray[np.int32] | None
    foreground: NDArray[np.uint8] | None
    thresholds: dict[str, float]
    objects: int
    tops: tuple[float, ...]
    """Largest value of each channel."""
    classes: NDArray[np.int32] | None = None
    """The class of each object at its pixels, if the network tells them apart."""
    class_of: dict[int, int] | None = None
    """The same by the object's number, where numbers are not given again in another
    frame."""


@dataclass(frozen=True)
class Written:
    """The results of one file are on disk."""

    name: str
    objects: int
    share: float
    image: int
    images: int


@dataclass(frozen=True)
class Told:
    """Something about the prediction that the user should know."""

    message: str


@dataclass(frozen=True)
class NothingFound:
    """The prediction holds no labels, and why."""

    message: str


def predicting(
    targets: Sequence[Target],
    model: Model | Path,
    settings: PredictSettings,
    look: Look | None = None,
) -> Generator[Any, Any, None]:
    """Predict layers and find their objects.

    Parameters
    ----------
    targets : sequence of Target
        What to predict.
    model : Model or Path
        The model, or its folder.
    settings : PredictSettings
        Tiles, flips and turns, memory, and device or cluster.
    look : callable, optional
        Returns, for a target, a function that says where the user looks now.

    Yields
    ------
    Doing, Begun, Filled, Told, Labelled, NothingFound
    """
    yield Doing("Opening the model")
    known, where = _opened(model, settings)
    for number, target in enumerate(targets, start=1):
        _check_memory(target, known)
        size = (len(known.outputs), *target.shape)
        data: NDArray[np.float32] = np.zeros(size, dtype=np.float32)
        yield Begun(target, data, known.workflow, where)
        pieces = list(target.wanted())
        for step, (place, piece) in enumerate(pieces):
            out: NDArray[np.float32] = data[_at(place)]
            focus = target.focus if look is None else look(target)
            for progress in _tiles(piece, target.spatial, known, settings, out, focus):
                if isinstance(progress, Told):
                    yield progress
                    continue
                done, tiles = progress
                part = (step + done / tiles) / len(pieces)
                share = (number - 1 + part) / len(targets)
                yield Filled(
                    share,
                    step * tiles + done,
                    tiles * len(pieces),
                    number,
                    len(targets),
                )
        yield Doing("Finding the objects")
        yield from _label(data, target, known.workflow, where)


def predicting_folder(
    images: Path, results: Path, model: Model | Path, settings: PredictSettings
) -> Generator[Any, Any, None]:
    """Predict all images of a folder, and write channels and labels.

    Parameters
    ----------
    images : Path
        Folder of images.
    results : Path
        Folder for the results.
    model : Model or Path
        The model, or its folder.
    settings : PredictSettings
        Tiles and device.

    Yields
    ------
    Doing, Filled, Written

    Raises
    ------
    ValueError
        If an image cannot be read or does not suit the model, or a result is there
        already.
    """
    yield Doing("Opening the model")
    known, _ = _opened(model, settings)
    from napari_bioseg.channels import object_classes
    from napari_bioseg.io import (
        check_free,
        image_files,
        image_info,
        read_image,
        result_path,
        stem_of,
        write_object_classes,
        write_results,
    )

    files = image_files(images)
    check_free(result_path(results, "labels", stem_of(path)) for path in files)
    for number, path in enumerate(files, start=1):
        image = read_image(path)
        spacing = image_info(path).spacing
        data = np.zeros((len(known.outputs), *image.shape[1:]), dtype=np.float32)
        region = tuple(slice(0, size) for size in image.shape[1:])
        for progress in _tiles(image, region, known, settings, data):
            if isinstance(progress, Told):
                yield progress
                continue
            done, tiles = progress
            share = (number - 1 + done / tiles) / len(files)
            yield Filled(share, done, tiles, number, len(files))
        labels, instances = find_labels(data, known.workflow, spacing)
        write_results(
            results,
            stem_of(path),
            known.workflow,
            prediction=data,
            labels=labels,
            spacing=spacing,
        )
        if known.workflow.task.has_classes:
            classes = object_classes(labels, instances.prediction)
            facts: dict[str, Any] = {"spacing": spacing}
            write_object_classes(results, stem_of(path), labels, classes, **facts)
        objects = len(np.unique(labels)) - 1
        yield Written(stem_of(path), objects, number / len(files), number, len(files))


def find_labels(
    data: NDArray[np.float32], workflow: Workflow, spacing: Sequence[float] | None
) -> tuple[NDArray[np.int32], Any]:
    """Turn a prediction into labels with a workflow's settings.

    Parameters
    ----------
    data : ndarray, (C, [Z,] Y, X)
        The prediction.
    workflow : Workflow
        Says how.
    spacing : sequence of float, optional
        Pixel size per spatial axis.

    Returns
    -------
    labels : ndarray of int32, ([Z,] Y, X)
    instances : Instances or None
        Seeds, foreground and thresholds of an instance task.
    """
    from napari_bioseg.channels import Prediction, classify, decode
    from napari_bioseg.cleanup import apply, filter_channels

    steps = workflow.cleanup.steps
    prediction = Prediction(data, workflow.outputs, spacing)
    prediction = filter_channels(prediction, workflow.cleanup.filters)
    if workflow.is_semantic:
        labels = classify(prediction, workflow.semantic)
        return apply(labels, steps, classes=True, prediction=prediction), None
    instances = decode(prediction, workflow.instances)
    return apply(instances.labels, steps, prediction=prediction), instances


def _label(
    data: NDArray[np.float32], target: Target, workflow: Workflow, where: str
) -> Generator[Any, Any, None]:
    from napari_bioseg.channels import class_labels, object_classes

    shape = data.shape[1:]
    labels = np.zeros(shape, dtype=np.int32)
    semantic = workflow.is_semantic
    seeds = None if semantic else np.zeros(shape, dtype=np.int32)
    foreground = None if semantic else np.zeros(shape, dtype=np.uint8)
    thresholds: dict[str, float] = {}
    objects = 0
    classes = np.zeros(shape, np.int32) if workflow.task.has_classes else None
    class_of: dict[int, int] | None = None
    try:
        for place, _ in target.wanted():
            one, found = find_labels(data[_at(place)], workflow, target.spacing)
            labels[place] = one
            objects += len(np.unique(one)) - int(not one.all())
            if found is not None and seeds is not None and foreground is not None:
                seeds[place], foreground[place] = found.seeds, found.foreground
                thresholds = dict(found.thresholds)
            if classes is not None:
                kinds = object_classes(one, found.prediction)
                class_of = None if target.leading else kinds
                classes[place] = class_labels(one, kinds)
            if target.leading:
                yield Doing("Finding the objects")
    except ValueError as error:
        yield NothingFound(str(error))
        return
    tops = tuple(float(channel.max()) for channel in data)
    yield Labelled(
        target,
        workflow,
        where,
        labels,
        seeds,
        foreground,
        thresholds,
        objects,
        tops,
        classes,
        class_of,
    )


def _at(place: tuple[int, ...]) -> Any:
    """Return the index of one piece in all channels."""
    return (slice(None), *place)


def _opened(model: Model | Path, settings: PredictSettings) -> tuple[Model, str]:
    from napari_bioseg.widgets.jobs.engine_start import load_for_prediction

    load_for_prediction()
    if not isinstance(model, Path):
        return model, ""
    from napari_bioseg.io import open_model

    return open_model(model, device=settings.device), str(model)


def _tiles(
    piece: Any,
    region: tuple[slice, ...],
    model: Model,
    settings: PredictSettings,
    out: NDArray[np.float32],
    focus: tuple[float, ...] | Callable[[], tuple[float, ...] | None] = (),
) -> Generator[tuple[int, int] | Told, None, None]:
    """Predict one piece, or a part of it as in the whole; yield tiles done and all."""
    from napari_bioseg.engine import Predicted, TileDone, predict_tiles
    from napari_bioseg.engine.cluster import predict_on_cluster

    size = tuple(piece.shape[1:])
    if tuple(part.stop - part.start for part in region) != size:
        piece, model = _part(piece, region, model)
    settings = _lively(settings, piece.shape[1:], model)
    # layers hold what thresholds are tuned on
    settings = settings.replace(output="probabilities", dtype="float32")
    if settings.cluster:
        events = predict_on_cluster(piece, model, settings, out=out)
    else:
        events = predict_tiles(piece, model, settings, out=out, focus=focus or None)
    with closing(events):
        for event in events:
            if isinstance(event, TileDone):
                yield event.index, event.tiles
            elif isinstance(event, Predicted) and event.notes:
                yield Told(" ".join(event.notes))


def _lively(
    settings: PredictSettings, size: tuple[int, ...], model: Model
) -> PredictSettings:
    """Take smaller tiles where one would take a CPU many seconds without a sign."""
    slow = model.device.type == "cpu" and len(size) == 2
    if settings.tile == "auto" and slow and max(size) > LIVELY_TILE:
        return settings.replace(tile=(LIVELY_TILE, LIVELY_TILE))
    return settings


def _part(piece: Any, region: tuple[slice, ...], model: Model) -> tuple[Any, Model]:
    """Cut out a part that has the intensities which it has in the whole image.

    The statistics come from all of the image, so the part is normalised here, and
    goes to a model that leaves it as it is.
    """
    from napari_bioseg.engine import Model as EngineModel
    from napari_bioseg.engine.normalize import image_scale

    workflow = model.workflow
    scale = image_scale(piece, workflow)
    pixels = scale(np.asarray(piece[(slice(None), *region)]))
    data = workflow.data.replace(normalization=RangeNormalization())
    return pixels, EngineModel(model.network, workflow.replace(data=data))


def _check_memory(target: Target, model: Model) -> None:
    """Refuse what cannot fit, before it takes the whole computer down."""
    import psutil  # type: ignore[import-untyped]

    voxels = int(np.prod(target.shape))
    needed = voxels * (4 * len(model.outputs) + 16)
    free = psutil.virtual_memory().available
    if needed > 0.9 * free:
        raise ValueError(
            f"{target.name} needs about {needed / 1e9:.1f} GB for its prediction, but "
            f"{free / 1e9:.1f} GB are free; predict a part (current view or region)"
        )
