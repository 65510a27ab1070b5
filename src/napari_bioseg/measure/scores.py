"""One figure for several images or several overlaps, under the names others use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .match import Match, match

IOU_RANGE = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Overlaps over which average precision is averaged."""

SCORES = (
    "precision",
    "recall",
    "accuracy",
    "f1",
    "panoptic_quality",
    "mean_matched_score",
    "mean_true_score",
)
"""Figures from 0 to 1 of a `Match`."""


def mean_scores(
    images: Iterable[Sequence[Match]], *, empty: float = 1.0
) -> list[dict[str, float]]:
    """Average the scores of single images, each counting the same.

    `pool` is the other convention, in which each object counts the same.

    Parameters
    ----------
    images : iterable of sequence of Match
        What `match` returned for each image, with the same thresholds.
    empty : float
        Score of an image without true and predicted objects; BiaPy counts it 0.

    Returns
    -------
    list of dict
        One per threshold: ``threshold``, the summed ``tp``, ``fp`` and ``fn``, and the
        mean of every score.

    Raises
    ------
    ValueError
        If there are no images or their thresholds differ.

    Examples
    --------
    >>> found = mean_scores([[Match(0.5, 3, 0, 1, 2.5)], [Match(0.5, 0, 0, 0, 0)]])
    >>> found[0]["recall"]
    0.875
    """
    from .match import pool

    images = [list(image) for image in images]
    pooled = pool(images)
    rows = []
    for total, column in zip(pooled, zip(*images, strict=True), strict=True):
        row: dict[str, float] = {
            "threshold": total.threshold,
            "tp": total.tp,
            "fp": total.fp,
            "fn": total.fn,
        }
        for name in SCORES:
            values = [
                getattr(found, name) if found.n_true or found.n_predicted else empty
                for found in column
            ]
            row[name] = float(np.mean(values))
        rows.append(row)
    return rows


def average_precision(found: Sequence[Match]) -> float:
    """Average the accuracy ``tp / (tp + fp + fn)`` over overlaps.

    Parameters
    ----------
    found : sequence of Match
        Of one image, or pooled, at each overlap, such as `IOU_RANGE`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there is nothing to average.

    Examples
    --------
    >>> average_precision([Match(0.5, 1, 0, 0, 0.6), Match(0.75, 0, 1, 1, 0)])
    0.5
    """
    if not found:
        raise ValueError("there is nothing to average: give one match per overlap")
    return float(np.mean([one.accuracy for one in found]))


def dsb2018(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Score images as the 2018 Data Science Bowl did.

    Parameters
    ----------
    pairs : iterable of (ndarray, ndarray)
        True and predicted labels of each image.

    Returns
    -------
    float
        Accuracy averaged over the overlaps 0.5, 0.55 … 0.95 and then over the images.
        A pair counts if it overlaps more, not as much as an overlap. An image without
        true and predicted objects scores 1.

    Raises
    ------
    ValueError
        If there are no images, or as for `match`.

    References
    ----------
    .. [1] J. C. Caicedo et al., "Nucleus segmentation across imaging experiments: the
       2018 Data Science Bowl", Nature Methods 16 (2019) 1247-1253,
       :doi:`10.1038/s41592-019-0612-7`

    Examples
    --------
    >>> round(dsb2018([(np.array([1, 1, 2, 0]), np.array([1, 1, 2, 2]))]), 3)
    0.333
    """
    above = tuple(np.nextafter(IOU_RANGE, 1).tolist())
    scores = [average_precision(match(*pair, above)) for pair in pairs]
    if not scores:
        raise ValueError("there is nothing to score: give at least one image")
    return float(np.mean(scores))
