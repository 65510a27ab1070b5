"""Predicted classes to labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import SemanticSettings

from .parallel import divide, in_parallel, never
from .prediction import Prediction


def classify(
    prediction: Prediction,
    settings: SemanticSettings | None = None,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.int32]:
    """Give every pixel its class.

    Parameters
    ----------
    prediction : Prediction
        One channel of foreground probability, or one per class.
    settings : SemanticSettings, optional
        ``threshold`` of the single channel, or ``thresholds`` of the classes.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        Shape ``([Z,] Y, X)``, int32. With a single channel, 1 where it is above
        ``threshold``, else 0. With several, ``p[k]`` being the channel of class
        ``k`` and ``t[k]`` the entry ``k - 1`` of ``thresholds``: classes ``k >= 1``
        take part where ``p[k] > t[k]``, and where ``t[k]`` is off or missing where
        ``p[k] > p[0]``; the largest ``p[k]`` of those that take part decides, the
        first of equals, and where none takes part it is class 0. Without thresholds
        this is the class with the largest probability. Comparisons are in float32.

    Raises
    ------
    ValueError
        If there are more thresholds than classes besides class 0.
    Cancelled
        If ``cancelled`` said so.

    Examples
    --------
    >>> import numpy as np
    >>> classify(Prediction(np.array([[[0.2, 0.7]]]), ["foreground"]))
    array([[0, 1]], dtype=int32)
    >>> pixels = np.array([[[0.6, 0.5]], [[0.3, 0.1]], [[0.1, 0.4]]])
    >>> several = Prediction(pixels, ["class 0", "class 1", "class 2"])
    >>> classify(several)
    array([[0, 0]], dtype=int32)
    >>> classify(several, SemanticSettings(thresholds=(0.25, 0.25)))
    array([[1, 2]], dtype=int32)
    """
    from .class_kernel import decide  # compiled code, only once it is needed

    settings = settings or SemanticSettings()
    labels = np.empty(prediction.spatial_shape, np.int32)
    thresholds, likelier = _thresholds(prediction, settings)
    data = prediction.data.reshape(len(prediction.channels), -1)
    in_parallel(
        decide,
        divide(labels.size, labels.size),
        data,
        thresholds,
        likelier,
        labels.reshape(-1),
        cancelled=cancelled,
    )
    return labels


def _thresholds(
    prediction: Prediction, settings: SemanticSettings
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a threshold per class, and which must be likelier than class 0 instead.

    A single channel has no class 0: its own threshold is the first.
    """
    count = len(prediction.channels)
    if count == 1:
        return np.array([settings.threshold], np.float32), np.zeros(1, bool)
    given = settings.thresholds
    if len(given) > count - 1:
        raise ValueError(
            f"{len(given)} thresholds are given for {count - 1} classes besides "
            f"class 0 ({', '.join(prediction.channels[1:])}); give one for each of "
            "these at most"
        )
    entries = (*given, *["off"] * (count - 1 - len(given)))
    off = np.array([entry == "off" for entry in entries])
    numbers = [0.0 if entry == "off" else float(entry) for entry in entries]
    return np.array(numbers, np.float32), off
