"""Predictions on disk, with all that is needed to go on from them later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.channels import Prediction
from napari_bioseg.settings import PredictSettings, Workflow

from .file_array import FileArray
from .images import explained, image_info, read_image
from .ome_zarr import create_zarr
from .write import write_image
from .zarr_folder import is_zarr

FULL = 255
"""What a probability of 1 is stored as in uint8."""


@dataclass(frozen=True)
class StoredPrediction:
    """A prediction found on disk."""

    path: Path
    """The file or zarr folder."""
    data: Any
    """Channels, (C, [Z,] Y, X); a dask array if it is a zarr."""
    channels: tuple[str, ...]
    """Name of each channel; empty if the file does not say."""
    spacing: tuple[float, ...] | None
    """Size of a pixel per spatial axis; None if the file does not say."""
    unit: str
    """Unit of the spacing."""
    workflow: Workflow | None
    """Settings that made it; None for predictions of other programs."""
    source: str
    """Name of the image it was made from; empty if unknown."""
    full: float = 1.0
    """What a probability of 1 is stored as: 255 in uint8."""
    leading: int = 0
    """Along how many axes, out of time and slices, images were predicted one by one."""

    def load(self, channels: Sequence[str] | str | None = None) -> Prediction:
        """Read the values and check them.

        Parameters
        ----------
        channels : sequence of str or str, optional
            Names of the channels, where the file does not say.

        Returns
        -------
        Prediction

        Raises
        ------
        ValueError
            If the names are unknown or do not fit the values.
        """
        names = channels or self.channels
        if not names:
            raise ValueError(
                f"{self.path} does not say what its {self.data.shape[0]} channels are; "
                "name them, for example 'BC'"
            )
        with explained(self.path):
            data = np.asarray(self.data)
        if self.full != 1:
            data = data.astype(np.float32) / np.float32(self.full)
        try:
            return Prediction(data, names, spacing=self.spacing)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error


def in_memory(
    data: Any, workflow: Workflow, spacing: Sequence[float] | None
) -> Prediction:
    """Return values that were just predicted, whatever they are stored as.

    Parameters
    ----------
    data : array, (C, [Z,] Y, X)
        From `predict_tiles`.
    workflow : Workflow
        Of the model.
    spacing : sequence of float, optional
        Size of a pixel per spatial axis.

    Returns
    -------
    Prediction
    """
    values = np.asarray(data)
    if values.dtype == np.uint8:
        values = values.astype(np.float32) / np.float32(FULL)
    return Prediction(values, workflow.outputs, spacing=spacing)


def prediction_notes(
    workflow: Workflow, source: str, settings: PredictSettings | None = None
) -> dict[str, Any]:
    """Return the facts that are kept beside the values of a prediction.

    Parameters
    ----------
    workflow : Workflow
        Settings that made it.
    source : str
        Name of the image.
    settings : PredictSettings, optional
        What is stored; the workflow's own if not given.

    Returns
    -------
    dict
        The same as napari layers carry in their metadata.
    """
    stored = settings or workflow.predict
    notes = {
        "version": 1,
        "role": "prediction",
        "source": source,
        "workflow": workflow.model_dump(mode="json"),
    }
    if stored.output == "classes":
        notes["role"] = "labels"
    elif stored.dtype == "uint8":
        notes["full"] = FULL
    return notes


def write_prediction(
    path: str | Path,
    data: Any,
    workflow: Workflow,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    source: str = "",
) -> Path:
    """Write a prediction as TIFF or OME-Zarr.

    Parameters
    ----------
    path : str or Path
        Ends in ``.tif``, ``.tiff`` or ``.zarr``; replaced if it exists.
    data : array, shape (C, [Z,] Y, X)
        Values of the channels ``workflow.outputs``, or of the classes if that is what
        ``workflow.predict`` wants; stored as uint8, float16 or else float32.
    workflow : Workflow
        Settings that made it.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing, such as ``um``.
    source : str
        Name of the image.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the number of channels is not the workflow's.
    """
    small = data.dtype in (np.uint8, np.float16)
    classes = workflow.predict.output == "classes"
    dtype = "uint8" if data.dtype == np.uint8 else "float32"
    stored = workflow.predict.replace(dtype=dtype)
    return write_image(
        path,
        data if small else data.astype(np.float32, copy=False),
        spacing=spacing,
        unit=unit,
        channels=("class",) if classes else workflow.outputs,
        notes=prediction_notes(workflow, source, stored),
    )


def create_prediction(
    path: str | Path,
    size: tuple[int, ...],
    workflow: Workflow,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    source: str = "",
) -> Any:
    """Create a prediction on disk that is filled tile by tile.

    Parameters
    ----------
    path : str or Path
        Folder to create, ending in ``.zarr``.
    size : tuple of int
        Size of the image, ([Z,] Y, X).
    workflow : Workflow
        Settings that make it.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing, such as ``um``.
    source : str
        Name of the image.

    Returns
    -------
    zarr.Array
        float32, (C, [Z,] Y, X), to be given to `predict_tiles` as ``out``.
    """
    return create_zarr(
        Path(path),
        (len(workflow.outputs), *size),
        np.float32,
        "CYX" if len(size) == 2 else "CZYX",
        spacing=spacing,
        unit=unit,
        channels=workflow.outputs,
        notes=prediction_notes(workflow, source),
    )


def read_prediction(
    path: str | Path,
    *,
    axes: str | None = None,
    frame: int | None = None,
    later: bool = False,
) -> StoredPrediction:
    """Read a prediction: one that was written here, or any image of channels.

    Parameters
    ----------
    path : str or Path
        TIFF, npy or zarr.
    axes : str, optional
        One letter per stored axis, where the file does not say.
    frame : int, optional
        Which time point of a file with several; such files are refused without.
    later : bool
        Whether values are read only when they are asked for, of other files than zarr
        too, which then are read as a whole.

    Returns
    -------
    StoredPrediction

    Raises
    ------
    ValueError
        If the file cannot be read.
    WorkflowError
        If the settings in it are damaged or from a newer version.
    """
    info = image_info(path, axes=axes, frame=frame)
    values = info.notes.get("workflow")
    workflow = None
    if isinstance(values, dict):
        workflow = Workflow.from_values(values, origin=str(path))
    data: Any
    if later and not is_zarr(info.path):
        load = partial(read_image, axes=axes, frame=frame)
        data = FileArray(info.path, info.shape, info.dtype, load)
    else:
        data = read_image(path, axes=axes, frame=frame)
    names = info.channels or (workflow.outputs if workflow else ())
    return StoredPrediction(
        path=info.path,
        data=data,
        channels=names if len(names) == info.shape[0] else (),
        spacing=info.spacing,
        unit=info.unit,
        workflow=workflow,
        source=str(info.notes.get("source", "")),
        full=float(info.notes.get("full", 1.0)),
        leading=int(info.notes.get("leading", 0)),
    )
