"""One image through one step: predicted into a file, or turned into labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .progress import progress_bar

if TYPE_CHECKING:
    from napari_bioseg.channels import Prediction
    from napari_bioseg.engine import Model
    from napari_bioseg.io import ImageInfo


def predict_to(
    path: Path | None,
    image: Any,
    info: ImageInfo,
    name: str,
    model: Model,
    workflow: Workflow,
    *,
    quiet: bool,
) -> Any:
    """Predict one image tile by tile and write its channels.

    Parameters
    ----------
    path : Path or None
        File or zarr folder to write, complete or not at all; None keeps it in memory.
    image : array, (C, [Z,] Y, X)
        The image.
    info : ImageInfo
        What its file says.
    name : str
        Name of the image.
    model : Model
        The network.
    workflow : Workflow
        Its settings.
    quiet : bool
        Whether to show no progress.

    Returns
    -------
    array, (C, [Z,] Y, X)
        The prediction; of a zarr folder a dask array of it.
    """
    from napari_bioseg.io import create_prediction, read_image, write_prediction
    from napari_bioseg.io.write import replacing

    facts: dict[str, Any] = {"spacing": info.spacing, "unit": info.unit, "source": name}
    if path is None or path.suffix != ".zarr":
        data = _tiles(image, model, workflow, None, name, quiet=quiet)
        if path is not None:
            write_prediction(path, data, workflow, **facts)
        return data
    with replacing(path) as part:
        target = create_prediction(part, info.size, workflow, **facts)
        _tiles(image, model, workflow, target, name, quiet=quiet)
    return read_image(path)


def _tiles(
    image: Any, model: Model, workflow: Workflow, out: Any, name: str, *, quiet: bool
) -> Any:
    from napari_bioseg.engine import Predicted, TileDone, predict_tiles

    data = out
    with progress_bar(0, name, "tile", quiet=quiet) as bar:
        for event in predict_tiles(image, model, workflow.predict, out=out):
            if isinstance(event, TileDone):
                bar.total = event.tiles
                bar.update(1)
            elif isinstance(event, Predicted):
                data = event.data
    return data


def labels_of(
    prediction: Prediction,
    workflow: Workflow,
    image: Any = None,
    region: NDArray[Any] | None = None,
) -> NDArray[np.int32]:
    """Turn channels into clean labels.

    Parameters
    ----------
    prediction : Prediction
        The channels.
    workflow : Workflow
        Says how: its instances, semantic and cleanup settings are used.
    image : array, (C, [Z,] Y, X), optional
        What was predicted, for conditions about brightness.
    region : ndarray, ([Z,] Y, X), optional
        Region of interest.

    Returns
    -------
    ndarray of int32, ([Z,] Y, X)
    """
    from napari_bioseg.channels import classify, decode
    from napari_bioseg.cleanup import apply, filter_channels

    prediction = filter_channels(prediction, workflow.cleanup.filters)
    if workflow.is_semantic:
        labels = classify(prediction, workflow.semantic)
    else:
        labels = decode(prediction, workflow.instances).labels
    return apply(
        labels,
        workflow.cleanup.steps,
        classes=workflow.is_semantic,
        prediction=prediction,
        image=None if image is None else np.asarray(image),
        region=region,
    )


def found(labels: NDArray[np.int32], workflow: Workflow) -> str:
    """Say what labels hold: the number of objects, or the share of foreground.

    Parameters
    ----------
    labels : ndarray of int32
        From `labels_of`.
    workflow : Workflow
        Says which of the two.

    Returns
    -------
    str
    """
    if workflow.is_semantic:
        return f"{100 * np.count_nonzero(labels) / max(labels.size, 1):.1f} %"
    return str(np.count_nonzero(np.bincount(labels.ravel())[1:]))
