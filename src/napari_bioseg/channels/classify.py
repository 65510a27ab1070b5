"""Predicted classes to labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import SemanticSettings

from .prediction import Prediction


def classify(
    prediction: Prediction, settings: SemanticSettings | None = None
) -> NDArray[np.int32]:
    """Give every pixel its class.

    Parameters
    ----------
    prediction : Prediction
        One channel of foreground probability, or one per class.
    settings : SemanticSettings, optional
        The threshold of the single channel.

    Returns
    -------
    ndarray
        Shape ``([Z,] Y, X)``, int32: 1 where the single channel is above the
        threshold; else the number of the largest channel, the first of equals.

    Examples
    --------
    >>> import numpy as np
    >>> classify(Prediction(np.array([[[0.2, 0.7]]]), ["foreground"]))
    array([[0, 1]], dtype=int32)
    """
    settings = settings or SemanticSettings()
    if len(prediction.channels) == 1:
        above = prediction.data[0] > np.float32(settings.threshold)
        return np.asarray(above, dtype=np.int32)
    best = prediction.data[0].copy()
    labels = np.zeros(prediction.spatial_shape, np.int32)
    for index, channel in enumerate(prediction.data[1:], 1):
        better = channel > best
        labels[better] = index
        np.maximum(best, channel, out=best)
    return labels
