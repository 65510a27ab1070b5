"""Predict one image into a file, in as much memory as may be taken."""

from __future__ import annotations

import math
import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.settings import Workflow

from .images import ImageInfo, read_image
from .predict_volume import predict_volume
from .predictions import write_prediction
from .stack import Stack
from .tiff_from_zarr import growing, tiff_from_zarr
from .unfinished import begun, unfinished

if TYPE_CHECKING:
    from napari_bioseg.engine import Model


@dataclass(frozen=True)
class FilePredicted:
    """The prediction of an image is complete; nothing comes after this."""

    data: Any
    """(C, [Z,] Y, X); of a zarr folder a dask array, None of a stack and of a TIFF
    that is larger than memory."""


def predict_file(
    path: Path | None,
    image: Any,
    info: ImageInfo,
    name: str,
    models: Sequence[Model],
    workflow: Workflow,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> Generator[Any, None, None]:
    """Predict one image tile by tile and write its channels.

    Parameters
    ----------
    path : Path or None
        TIFF or zarr folder to write, complete or not at all; None keeps it in memory.
    image : array, (C, [Z,] Y, X), or Stack
        The image; several ones of a stack go into one file, time points first and
        slices after the channels.
    info : ImageInfo
        What its file says.
    name : str
        Name of the image.
    models : sequence of Model
        The networks, whose mean is taken.
    workflow : Workflow
        Their settings; ``predict`` says what is stored.
    resume : bool
        Go on with what an interrupted call left.
    overwrite : bool
        Replace earlier results.

    Yields
    ------
    What `predict_tiles` and `predict_volume` yield, and `FilePredicted` last.

    Raises
    ------
    ValueError
        If the image does not suit the models, or a result is there already.
    OSError
        If the disk is full or cannot be written to.
    """
    from napari_bioseg.channels.blockwise.room import room_for
    from napari_bioseg.engine import Predicted, predict_tiles
    from napari_bioseg.engine.cluster import predict_on_cluster

    facts: dict[str, Any] = {"spacing": info.spacing, "unit": info.unit, "source": name}
    settings = workflow.predict
    zarr = path is not None and path.suffix == ".zarr"
    stack = image if isinstance(image, Stack) else Stack(lambda _: image)
    if stack.leading:
        fits = False  # images go into one array on disk, one by one
    else:
        image = stack.first
        values = math.prod(image.shape[1:]) * len(workflow.outputs)
        fits = 8 * values < room_for(settings.memory)  # float32, and again to write
    place = growing(path) if path is not None and not zarr else path
    grown = place is not None and (place.exists() or begun(unfinished(place)))
    in_memory = fits and not zarr and not (grown and resume)
    if path is None or place is None or in_memory:
        run = predict_on_cluster if settings.cluster else predict_tiles
        data = None
        for event in run(image, models, settings):
            data = event.data if isinstance(event, Predicted) else None
            yield event
        if path is not None and place is not None:
            write_prediction(path, data, workflow, **facts)
            for left in (place, unfinished(place)):  # of a call in less memory
                shutil.rmtree(left, ignore_errors=True)
        yield FilePredicted(data)
        return
    if zarr or not (place.exists() and resume):  # else only the copy is missing
        facts |= {"resume": resume, "workflow": workflow}
        facts["overwrite"] = overwrite or (place != path and place.exists())
        yield from predict_volume(stack, models, place, settings, **facts)
    if zarr:
        yield FilePredicted(None if stack.leading else read_image(path))
        return
    tiff_from_zarr(path)
    yield FilePredicted(None)
