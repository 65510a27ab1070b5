"""From predicted channels to clean labels, as a workflow says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow

from .apply import apply
from .filter_channels import filter_channels

if TYPE_CHECKING:
    from napari_bioseg.channels import Instances, Prediction


def find_labels(
    prediction: Prediction,
    workflow: Workflow,
    *,
    image: Any = None,
    region: NDArray[Any] | None = None,
) -> tuple[NDArray[np.int32], Instances | None]:
    """Turn channels into clean labels.

    Parameters
    ----------
    prediction : Prediction
        The channels.
    workflow : Workflow
        Says how: its instances, semantic and cleanup settings are used.
    image : array, (C, [Z,] Y, X), optional
        What was predicted; read only where a step looks at it.
    region : ndarray, ([Z,] Y, X), optional
        Region of interest.

    Returns
    -------
    labels : ndarray of int32, ([Z,] Y, X)
        Objects or classes.
    instances : Instances or None
        Seeds, foreground and thresholds of an instance task, before steps on labels.

    Raises
    ------
    ValueError
        If a setting or a step does not suit the channels, or a step lacks what it
        needs.
    """
    from napari_bioseg.channels import classify, decode

    prediction = filter_channels(prediction, workflow.cleanup.filters)
    instances = None
    if workflow.is_semantic:
        labels = classify(prediction, workflow.semantic)
    else:
        instances = decode(prediction, workflow.instances)
        labels = instances.labels
    pixels = None
    if image is not None and workflow.cleanup.looks_at_image:
        pixels = np.asarray(image[(slice(None),) * len(image.shape)])
    clean = apply(
        labels,
        workflow.cleanup.steps,
        classes=workflow.is_semantic,
        prediction=prediction,
        image=pixels,
        region=region,
    )
    return clean, instances


def find_classes(
    labels: NDArray[Any], instances: Instances | None, workflow: Workflow
) -> dict[int, int] | None:
    """Return the class of every object, as its pixels vote.

    Parameters
    ----------
    labels, instances
        From `find_labels`.
    workflow : Workflow
        Says whether objects have classes.

    Returns
    -------
    dict of int to int, or None
        Class by the object's number; None if objects have none.

    Notes
    -----
    The channels vote after filters, as objects are found in them.
    """
    from napari_bioseg.channels import object_classes

    if instances is None or instances.prediction is None:
        return None
    if not workflow.task.has_classes:
        return None
    return object_classes(labels, instances.prediction)
