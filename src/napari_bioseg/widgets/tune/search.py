"""Search the thresholds that come closest to what somebody drew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import LiveDecoder, Prediction, classify
from napari_bioseg.cleanup import apply
from napari_bioseg.measure import match, overlap
from napari_bioseg.settings import InstanceSettings
from napari_bioseg.widgets.bridge.layers import Slices

from .presets import PRESETS
from .threshold import Threshold, Value, thresholds_of
from .truth import Scope, Truth, annotated_box, counted, resolve_scope
from .tuning import Tuning

Measure = Literal["F1", "PQ"]
"""What is to become large: F1, the mean at two overlaps, or panoptic quality."""
OVERLAPS: dict[Measure, tuple[float, ...]] = {"F1": (0.5, 0.75), "PQ": (0.5,)}
MARGIN = 32
"""Pixels around annotated objects that are decoded with them."""
COARSE = tuple(round(0.1 * step, 2) for step in range(1, 10))
FINE = (-0.05, -0.025, 0.025, 0.05)
"""Values that are tried at first, and around the best of them, as shares of the
range."""
EQUAL = 1e-9
"""Scores that differ less are ties."""


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


@dataclass(frozen=True)
class Tie:
    """Values of one threshold, around the one taken, that are equally good.

    Attributes
    ----------
    threshold : Threshold
        Which one.
    low, high : float
        The outermost of the values tried without a gap.
    """

    threshold: Threshold
    low: float
    high: float


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
        self._semantic = semantic
        self._measure: Measure = measure
        self._known: dict[Tuning, float] = {}
        self._truths = list(truths)
        self.scope: Scope = "everything" if semantic and scope == "objects" else scope
        if self.scope == "auto":
            self.scope = "everything" if semantic else self._look(start)
        if self.scope != "everything":
            self._truths = [_trimmed(truth) for truth in truths]

    @property
    def objects(self) -> int:
        """How many annotated objects, or pixels of a class, count."""
        if self._semantic:
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
        if tuning not in self._known:
            self._known[tuning] = self._score(tuning)
        return self._known[tuning]

    def _score(self, tuning: Tuning) -> float:
        try:
            found = [self._labels(place, tuning) for place in range(len(self._truths))]
        except ValueError:
            return -1.0  # these thresholds leave no channel to say where objects are
        if self._semantic:
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
        if self._semantic:
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
        semantic = self._semantic
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


def search(
    contest: Contest, start: Tuning, channels: Sequence[str], limits: dict[str, Any]
) -> Iterator[Trying | Found]:
    """Set one threshold after the other to the best of some values, twice over.

    Each threshold has its own effect, so this finds what a full grid finds in a
    fraction of the time; decoding reuses what the others made.

    Parameters
    ----------
    contest : Contest
        Scores settings.
    start : Tuning
        Settings to start from; everything but the thresholds is kept.
    channels : sequence of str
        The channels at hand.
    limits : dict
        Smallest and largest value by channel.

    Yields
    ------
    Trying or Found
        One after each try; `Found` is the last. Of values that are equally good the one
        there was is kept, or else the middle one is taken.
    """
    before = score = contest.score(start)
    yield Trying(0.0, max(before, 0.0))
    best = start
    for tuning in _presets(start, channels):
        reached = contest.score(tuning)
        if reached > score + EQUAL:
            best, score = tuning, reached
        yield Trying(0.02, max(score, 0.0))
    rows = thresholds_of(channels)
    passes = 2 if len(rows) > 1 else 1
    ties: dict[str, Tie] = {}
    for turn in range(passes):
        for number, row in enumerate(rows):
            base = (turn * len(rows) + number) / (passes * len(rows))
            scores = {_value(best, row): score}
            for share, value in _candidates(row, limits[row.channel], scores):
                scores[value] = contest.score(_with(best, row, value))
                yield Trying(
                    base + share / (passes * len(rows)),
                    max(0.0, *scores.values()),
                )
            chosen, tie = _choose(row, scores, _value(best, row))
            best, score = _with(best, row, chosen), scores[chosen]
            ties.pop(row.key, None)
            if tie is not None:
                ties[row.key] = tie
    yield Found(
        best,
        max(score, 0.0),
        max(before, 0.0),
        tuple(ties.values()),
        contest.objects,
        contest.scope,
    )


def _presets(start: Tuning, channels: Sequence[str]) -> Iterator[Tuning]:
    known = {row.setting for row in thresholds_of(channels)}
    if not known & set(InstanceSettings.model_fields):
        return
    for _, values in PRESETS.values():
        tried = replace(start, instances=start.instances.replace(**values))
        if tried != start:
            yield tried


def _candidates(
    row: Threshold, limits: tuple[float, float], scores: dict[Value, float]
) -> Iterator[tuple[float, Value]]:
    """Yield values that were not tried yet, with how far this is: wide, then near."""
    words: tuple[Value, ...] = ("auto", "off")
    if row.setting == "thresholds":
        words = ("off",)
    elif row.setting in ("threshold", "seed_points", "seed_dv2"):
        words = ()
    low, high = limits
    wide = [_number(low, high, share) for share in COARSE]
    first: list[Value] = [*words, *wide]
    total = len(first) + len(FINE)
    for number, value in enumerate(first):
        if value not in scores:
            yield number / total, value
    numbers = {v: s for v, s in scores.items() if not isinstance(v, str)}
    top = max(numbers.values())
    centre = sorted(v for v, s in numbers.items() if s >= top - EQUAL)
    middle = centre[len(centre) // 2]
    for number, share in enumerate(FINE):
        near = _number(low, high, (middle - low) / (high - low) + share)
        if low <= near <= high and near not in scores:
            yield (len(first) + number) / total, near


def _number(low: float, high: float, share: float) -> float:
    """Return a value between the limits, as short as people write it."""
    return float(f"{low + share * (high - low):.3g}")


def _choose(
    row: Threshold, scores: dict[Value, float], now: Value
) -> tuple[Value, Tie | None]:
    """Return the best value, and the range around it in which all are as good."""
    top = max(scores.values())
    good = {value for value, score in scores.items() if score >= top - EQUAL}
    ordered = sorted(value for value in scores if not isinstance(value, str))
    runs: list[list[float]] = [[]]
    for value in ordered:
        if value in good:
            runs[-1].append(value)
        else:
            runs.append([])
    longest = max(runs, key=len)
    if now in good:
        chosen = now
    elif longest:
        chosen = longest[len(longest) // 2]
    else:
        chosen = "auto" if "auto" in good else "off"
    around = next((run for run in runs if chosen in run), longest)
    if len(around) > 1 and chosen != "off":
        return chosen, Tie(row, around[0], around[-1])
    return chosen, None


def _value(tuning: Tuning, row: Threshold) -> Value:
    if row.setting == "thresholds":
        given = tuning.semantic.thresholds
        place = int(row.channel.split()[1]) - 1
        return given[place] if place < len(given) else "off"
    holder = tuning.semantic if row.setting == "threshold" else tuning.instances
    value: Value = getattr(holder, row.setting)
    return value


def _with(tuning: Tuning, row: Threshold, value: Value) -> Tuning:
    if row.setting == "thresholds":
        place = int(row.channel.split()[1]) - 1
        given = list(tuning.semantic.thresholds)
        given += ["off"] * (place + 1 - len(given))
        given[place] = value  # type: ignore[assignment]  # never "auto"
        while given and given[-1] == "off":
            given.pop()
        return replace(tuning, semantic=tuning.semantic.replace(thresholds=given))
    if row.setting == "threshold":
        return replace(tuning, semantic=tuning.semantic.replace(threshold=value))
    return replace(tuning, instances=tuning.instances.replace(**{row.setting: value}))


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
