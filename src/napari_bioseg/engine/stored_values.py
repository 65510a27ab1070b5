"""What of a prediction is stored: probabilities or classes, and as which numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Distance, PredictSettings, Workflow

STEPS = 255
"""What a value of 1 becomes in uint8."""


def stored_names(workflow: Workflow, settings: PredictSettings) -> tuple[str, ...]:
    """Return the names of the channels that are stored.

    Parameters
    ----------
    workflow : Workflow
        Of the model.
    settings : PredictSettings
        ``output`` and ``dtype``.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If the model predicts no classes, or distances that do not fit into uint8.
    """
    names = workflow.outputs
    if settings.output == "classes":
        if not workflow.is_semantic:
            raise ValueError(
                f"predict.output = 'classes', but this model predicts the channels "
                f"{', '.join(names)}, which are no classes; choose 'probabilities'"
            )
        return ("class",)
    physical = any(
        isinstance(channel, Distance) and channel.scale == "none"
        for channel in workflow.channels
    )
    if settings.dtype == "uint8" and not workflow.is_semantic and physical:
        raise ValueError(
            "predict.dtype = 'uint8' holds values from 0 to 1, but the distances of "
            "this model are in physical units; choose 'float16' or 'float32'"
        )
    return names


def stored_dtype(workflow: Workflow, settings: PredictSettings) -> np.dtype[Any]:
    """Return the type that is stored.

    Parameters
    ----------
    workflow : Workflow
        Of the model.
    settings : PredictSettings
        ``output`` and ``dtype``.

    Returns
    -------
    dtype
    """
    if settings.output == "classes":
        return np.dtype(np.uint8 if len(workflow.outputs) < 256 else np.uint16)
    return np.dtype(settings.dtype)


def to_store(
    values: NDArray[np.float32], workflow: Workflow, settings: PredictSettings
) -> NDArray[Any]:
    """Turn predicted values into what is stored.

    Parameters
    ----------
    values : ndarray, (C, [Z,] Y, X), float32
    workflow : Workflow
        Of the model.
    settings : PredictSettings
        ``output`` and ``dtype``.

    Returns
    -------
    ndarray, (C, [Z,] Y, X), or (1, [Z,] Y, X) of classes
        uint8 probabilities are in steps of 1/255.
    """
    dtype = stored_dtype(workflow, settings)
    if settings.output == "classes":
        if len(values) == 1:
            return (values > 0.5).astype(dtype)
        best: NDArray[Any] = np.argmax(values, axis=0, keepdims=True)
        return best.astype(dtype)
    if dtype == np.uint8:
        scaled = values * np.float32(STEPS)
        np.rint(scaled, out=scaled)
        np.clip(scaled, 0, STEPS, out=scaled)
        return scaled.astype(np.uint8)
    return values.astype(dtype, copy=False)
