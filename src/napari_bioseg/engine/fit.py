"""Thresholds that turn predicted channels into the instances somebody drew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import LiveDecoder, Prediction
from napari_bioseg.channels.cuts import common_ranges
from napari_bioseg.channels.search import search
from napari_bioseg.measure import match
from napari_bioseg.settings import InstanceSettings

IOU = (0.5, 0.75)
"""Overlaps at which a match counts: that objects are found, and that they fit."""


@dataclass(frozen=True)
class Fit:
    """Outcome of a search for thresholds.

    Attributes
    ----------
    settings : InstanceSettings
        The best settings found.
    score, before : float
        Mean accuracy TP / (TP + FP + FN) over images and overlaps, with these settings
        and with those that the search started from.
    """

    settings: InstanceSettings
    score: float
    before: float


def fit_thresholds(
    predictions: Sequence[Prediction],
    truths: Sequence[NDArray[Any]],
    settings: InstanceSettings | None = None,
    *,
    tries: int | None = None,
    seconds: float | None = None,
    keep: Collection[str] = (),
    cancelled: Callable[[], bool] | None = None,
) -> Fit:
    """Search the thresholds that find true instances best.

    The result is never worse on these images than the settings to start from, nor than
    the default thresholds (unless `tries` or `seconds` leave no time to try these).

    Parameters
    ----------
    predictions : sequence of Prediction
        Predicted channels of images that the network did not learn from.
    truths : sequence of ndarray, each ([Z,] Y, X)
        Their instance labels; pixels below 0 are not labelled and count for nothing.
    settings : InstanceSettings, optional
        Where to start; everything but the thresholds is kept.
    tries : int, optional
        Stop after so many, which makes the result the same on any machine.
    seconds : float, optional
        Stop after so long.
    keep : collection of str
        Thresholds that stay as they are.
    cancelled : callable, optional
        Asked after every try whether to end the search with what it has found.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there are no predictions, or not as many as truths.

    See Also
    --------
    napari_bioseg.channels.search : Which values are tried.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[0, 1, 1, 1, 2, 2, 2, 0]])
    >>> inside = np.array([[0, 1, 0.9, 0.75, 0.75, 0.9, 1, 0]])
    >>> found = fit_thresholds([Prediction(inside[None], "B")], [truth])
    >>> found.settings.seed_binary, found.before, found.score
    (0.9, 0.25, 1.0)
    """
    if not predictions or len(predictions) != len(truths):
        raise ValueError(
            f"{len(predictions)} predictions and {len(truths)} label images were "
            "given; give at least one of each, in pairs"
        )
    decoders = [LiveDecoder(prediction) for prediction in predictions]
    start = settings or InstanceSettings()

    def score(tried: InstanceSettings) -> float:
        return _score(decoders, truths, tried)

    before = None
    for event in search(
        score,
        start,
        predictions[0].channels,
        common_ranges(predictions),
        keep=keep,
        tries=tries,
        seconds=seconds,
    ):
        before = event.score if before is None else before
        if cancelled is not None and cancelled():
            break
    return Fit(event.settings, event.score, before or 0.0)


def _score(
    decoders: Sequence[LiveDecoder],
    truths: Sequence[NDArray[Any]],
    settings: InstanceSettings,
) -> float:
    """Return the mean accuracy over images and overlaps; -1 if nothing can be found."""
    scores: list[float] = []
    for decoder, truth in zip(decoders, truths, strict=True):
        try:
            labels = decoder.update(settings).labels
        except ValueError:
            return -1.0  # these thresholds leave no channel to say where objects are
        labelled = truth >= 0
        if not labelled.all():
            truth, labels = np.where(labelled, truth, 0), np.where(labelled, labels, 0)
        scores.extend(found.accuracy for found in match(truth, labels, IOU))
    return float(np.mean(scores))
