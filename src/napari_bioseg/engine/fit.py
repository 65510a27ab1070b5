"""Thresholds that turn predicted channels into the instances somebody drew."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import LiveDecoder, Prediction
from napari_bioseg.measure import match
from napari_bioseg.settings import InstanceSettings

IOU = (0.5, 0.75)
"""Overlaps at which a match counts: that objects are found, and that they fit."""
LEAST_GAIN = 0.002
"""A threshold moves only if that improves the score by this much."""
CANDIDATES: dict[str, tuple[str, tuple[float | str, ...]]] = {
    "seed_binary": ("BFM", ("auto", 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)),
    "seed_contour": ("C", ("auto", "off", 0.5, 0.3)),
    "seed_distance": ("D", ("auto", "off", 0.3, 0.5, 0.7)),
    "seed_points": ("P", ("auto", 0.3, 0.5, 0.7)),
    "foreground_binary": ("BFM", ("auto", 0.2, 0.3, 0.4, 0.5, 0.6)),
    "foreground_contour": ("C", ("off", 0.3, 0.35, 0.4, 0.5)),
}
"""Values to try per setting, and the channels it belongs to."""


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
    keep: Collection[str] = (),
) -> Fit:
    """Search the thresholds that find true instances best.

    One threshold after the other is set to the best of a few values, twice over: each
    has its own effect, so this finds what a full grid finds in a fraction of the time.

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
    keep : collection of str
        Thresholds that stay as they are.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there are no predictions, or not as many as truths.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[0, 1, 1, 1, 2, 2, 2, 0]])
    >>> inside = np.array([[0, 1, 0.9, 0.75, 0.75, 0.9, 1, 0]])
    >>> found = fit_thresholds([Prediction(inside[None], "B")], [truth])
    >>> found.settings.seed_binary, found.before, found.score
    (0.8, 0.25, 1.0)
    """
    if not predictions or len(predictions) != len(truths):
        raise ValueError(
            f"{len(predictions)} predictions and {len(truths)} label images were "
            "given; give at least one of each, in pairs"
        )
    decoders = [LiveDecoder(prediction) for prediction in predictions]
    best = settings or InstanceSettings()
    before = score = _score(decoders, truths, best)
    names = set(predictions[0].channels)
    left = math.inf if tries is None else tries
    for _ in range(2):
        for setting, (channels, values) in CANDIDATES.items():
            if setting in keep or not names.intersection(channels):
                continue
            for value in values:
                tried = best.replace(**{setting: value})
                if tried == best:
                    continue
                if left < 1:
                    return Fit(best, score, before)
                left -= 1
                reached = _score(decoders, truths, tried)
                if reached > score + LEAST_GAIN:
                    best, score = tried, reached
    return Fit(best, score, before)


def _score(
    decoders: Sequence[LiveDecoder],
    truths: Sequence[NDArray[Any]],
    settings: InstanceSettings,
) -> float:
    """Return the mean accuracy over images and overlaps; 0 if nothing can be found."""
    scores: list[float] = []
    for decoder, truth in zip(decoders, truths, strict=True):
        try:
            labels = decoder.update(settings).labels
        except ValueError:
            return 0.0  # these thresholds leave no channel to say where objects are
        labelled = truth >= 0
        if not labelled.all():
            truth, labels = np.where(labelled, truth, 0), np.where(labelled, labels, 0)
        scores.extend(found.accuracy for found in match(truth, labels, IOU))
    return float(np.mean(scores))
