"""Search the thresholds that come closest to what somebody drew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import LiveDecoder, Prediction, classify
from napari_bioseg.channels.cuts import common_ranges
from napari_bioseg.channels.search import Tie, Tried, search
from napari_bioseg.cleanup import apply
from napari_bioseg.measure import match, overlap
from napari_bioseg.settings import InstanceSettings, SemanticSettings
from napari_bioseg.widgets.bridge.layers import Slices

from .truth import Scope, Truth, annotated_box, counted, resolve_scope
from .tuning import Tuning

Measure = Literal["F1", "PQ"]
"""What is to become large: F1, the mean at two overlaps, or panoptic quality."""
OVERLAPS: dict[Measure, tuple[float, ...]] = {"F1": (0.5, 0.75), "PQ": (0.5,)}
MARGIN = 32
"""Pixels around annotated objects that are decoded with them."""


@dataclass(frozen=True)
class Trying:
    """The search goes on.

    Attributes
    ----------
    share : float
        How far it is, about.
    score : float
        The best score so far.
    """

    share: float
    score: float


@dataclass(frozen=True, eq=False)
class Found:
    """Outcome of a search.

    Attributes
    ----------
    tuning : Tuning
        The best settings; those that the search started from, if none is better.
    score, before : float
        Score of these, and of those that the search started from.
    ties : tuple of Tie
        Where other values would do as well.
    objects : int
        How many annotated objects (classes: pixels) counted.
    scope : str
        What of the annotation counted.
    """

    tuning: Tuning
    score: float
    before: float
    ties: tuple[Tie, ...]
    objects: int
    scope: Scope


class Contest:
    """Scores settings by what they find where there is ground truth.

    Parameters
    ----------
    predictions : sequence of Prediction
        One a frame that is annotated.
    truths : sequence of Truth
        Their ground truth.
    semantic : bool
        Whether channels are classes.
    measure : {"F1", "PQ"}
        What is scored; classes have the mean Dice coefficient.
    scope : str
        What of the ground truth counts.
    start : Tuning
        Settings that find out the scope if it is ``"auto"``.
    """

    def __init__(
        self,
        predictions: Sequence[Prediction],
        truths: Sequence[Truth],
        *,
        semantic: bool,
        measure: Measure,
        scope: Scope,
        start: Tuning,
    ) -> None:
        self._predictions = predictions
        self._decoders = [LiveDecoder(prediction) for prediction in predictions]
        self.semantic = semantic
        self.channels = predictions[0].channels
        self.ranges = common_ranges(predictions)
        self._measure: Measure = measure
        self._truths = list(truths)
        self.scope: Scope = "everything" if semantic and scope == "objects" else scope
        if self.scope == "auto":
            self.scope = "everything" if semantic else self._look(start)
        if self.scope != "everything":
            self._truths = [_trimmed(truth) for truth in truths]

    @property
    def objects(self) -> int:
        """How many annotated objects, or pixels of a class, count."""
        if self.semantic:
            return sum(int(np.count_nonzero(t.labels)) for t in self._truths)
        return sum(np.unique(t.labels[t.labels > 0]).size for t in self._truths)

    def score(self, tuning: Tuning) -> float:
        """Return how good some settings are, from 0 to 1.

        Parameters
        ----------
        tuning : Tuning
            The settings, clean-up included.

        Returns
        -------
        float
            Counts of all frames are added up. Settings that cannot work have -1.
        """
        try:
            found = [self._labels(place, tuning) for place in range(len(self._truths))]
        except ValueError:
            return -1.0  # these thresholds leave no channel to say where objects are
        if self.semantic:
            return self._dice(found)
        overlaps = OVERLAPS[self._measure]
        sums = np.zeros((len(overlaps), 4))
        for truth, labels in zip(self._truths, found, strict=True):
            held = counted(truth.labels, labels, self.scope)
            for row, at in zip(sums, match(truth.labels, held, overlaps), strict=True):
                row += (at.tp, at.fp, at.fn, at.score)
        tp, fp, fn, shared = sums.T
        right = tp if self._measure == "F1" else shared
        return float(np.mean(right / np.maximum(tp + (fp + fn) / 2, 0.5)))

    def _dice(self, found: Sequence[NDArray[np.int32]]) -> float:
        truth = np.concatenate([t.labels.ravel() for t in self._truths])
        labels = np.concatenate([f.ravel() for f in found])
        # one channel: what class it is does not matter
        single = len(self._predictions[0].channels) == 1
        truth = (truth > 0).astype(np.int32) if single else truth
        classes = [int(value) for value in np.unique(truth) if value > 0]
        return overlap(truth, labels, classes).mean_dice

    def _labels(self, place: int, tuning: Tuning) -> NDArray[np.int32]:
        truth, prediction = self._truths[place], self._predictions[place]
        part = truth.labels.shape != prediction.spatial_shape
        steps = tuning.cleanup.running
        if part:
            # the border of a part is not the border of the image
            steps = tuple(step for step in steps if step.step != "clear_border")
        if self.semantic:
            at: Any = (slice(None), *truth.box)
            cut = Prediction(
                prediction.data[at], prediction.channels, prediction.spacing
            )
            labels = classify(cut, tuning.semantic)
        else:
            region = truth.box if part else None
            labels = self._decoders[place].update(tuning.instances, region).labels
        if not steps:
            return labels
        view = truth.box if part else None
        semantic = self.semantic
        return apply(labels, steps, classes=semantic, prediction=prediction, view=view)

    def _look(self, start: Tuning) -> Scope:
        """Find out the scope from the frame with most annotation."""
        most = max(
            range(len(self._truths)),
            key=lambda place: np.count_nonzero(self._truths[place].labels),
        )
        try:
            return resolve_scope(self._truths[most], self._labels(most, start))
        except ValueError:
            return "everything"


def search_tuning(contest: Contest, start: Tuning) -> Iterator[Trying | Found]:
    """Search thresholds with which a contest is won; clean-up steps take part.

    Parameters
    ----------
    contest : Contest
        Scores settings.
    start : Tuning
        Settings to start from; everything but the thresholds is kept.

    Yields
    ------
    Trying or Found
        One after each try; `Found` is the last.
    """
    field = "semantic" if contest.semantic else "instances"
    first: InstanceSettings | SemanticSettings = getattr(start, field)

    def with_these(tried: Any) -> Tuning:
        return replace(start, **{field: tried})

    def score(tried: Any) -> float:
        return contest.score(with_these(tried))

    for event in search(score, first, contest.channels, contest.ranges):
        if isinstance(event, Tried):
            yield Trying(event.share, event.score)
            continue
        yield Found(
            with_these(event.settings),
            event.score,
            event.before,
            event.ties,
            contest.objects,
            contest.scope,
        )


def _trimmed(truth: Truth) -> Truth:
    """Cut ground truth to what is annotated, and some of its surroundings."""
    inner = annotated_box(truth.labels)
    sides = [
        slice(max(side.start - MARGIN, 0), min(side.stop + MARGIN, size))
        for side, size in zip(inner, truth.labels.shape, strict=True)
    ]
    box: Slices = tuple(
        slice(outer.start + side.start, outer.start + side.stop)
        for outer, side in zip(truth.box, sides, strict=True)
    )
    return Truth(truth.index, truth.labels[tuple(sides)], box)
