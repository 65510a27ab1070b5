"""What the Tune panel computes in its thread: load once, decode again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import LiveDecoder, Prediction, classify
from napari_bioseg.cleanup import apply
from napari_bioseg.settings import CleanupSettings, InstanceSettings, SemanticSettings

from .layers import Slices
from .sources import Source
from .steady import SteadyIds

QUICK = 0.03
"""Seconds within which the whole answer comes at once, without a preview."""
BINS = 128
"""Bars of a histogram."""


@dataclass(frozen=True)
class Tuning:
    """What the panel sets: the part of a workflow that needs no network."""

    instances: InstanceSettings = field(default_factory=InstanceSettings)
    semantic: SemanticSettings = field(default_factory=SemanticSettings)
    cleanup: CleanupSettings = field(default_factory=CleanupSettings)


@dataclass(frozen=True, eq=False)
class Answer:
    """Labels for some settings.

    Attributes
    ----------
    tuning : Tuning
        The settings.
    labels : ndarray
        Instances or classes, of the region or of the whole.
    seeds, foreground : ndarray or None
        What the instances were grown from and into; None for classes.
    thresholds : dict
        The values really used.
    region : tuple of slice or None
        Which part this is; None for the whole.
    count : int
        Number of objects (classes: of pixels that are not background).
    seconds : float
        Time it took.
    moving : bool
        Whether a slider was being dragged, so that more answers will follow.
    """

    tuning: Tuning
    labels: NDArray[np.int32]
    seeds: NDArray[np.int32] | None
    foreground: NDArray[np.bool_] | None
    thresholds: dict[str, float]
    region: Slices | None
    count: int
    seconds: float
    moving: bool = False


class Tuner:
    """A prediction in memory that answers to settings.

    Parameters
    ----------
    source : Source
        Where the pixels come from; they are read here, so make it in a thread.

    Attributes
    ----------
    histograms : dict
        Counts and edges by channel.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.prediction: Prediction = source.read()
        self._decoder = LiveDecoder(self.prediction)
        self.histograms = {
            name: self._histogram(name) for name in self.prediction.channels
        }
        self._last_whole = float("inf")
        self._done: Tuning | None = None
        self._steady = SteadyIds(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole answer."""
        return self.prediction.spatial_shape

    def answers(
        self,
        tuning: Tuning,
        view: Slices,
        moving: bool,
        cancelled: Callable[[], bool],
    ) -> Iterator[Answer]:
        """Decode what is in view if the whole takes long, then the whole.

        Parameters
        ----------
        tuning : Tuning
            The settings.
        view : tuple of slice
            What is in view.
        moving : bool
            Whether a slider is being dragged: then, as in previews, objects keep the
            ids (and so the colours) they had; the numbering of `decode` comes at rest.
        cancelled : callable
            Says whether to give up the whole.

        Yields
        ------
        Answer
        """
        if self.source.is_semantic:
            yield self._classify(tuning)
            return
        part = np.prod([s.stop - s.start for s in view]) < 0.8 * np.prod(self.shape)
        if part and self._last_whole > QUICK and tuning != self._done:
            yield self._decode(tuning, view, True, lambda: False)
            if cancelled():
                return
        answer = self._decode(tuning, None, moving, cancelled)
        self._last_whole = answer.seconds
        self._done = tuning
        yield answer

    def _decode(
        self,
        tuning: Tuning,
        region: Slices | None,
        steady: bool,
        cancelled: Callable[[], bool],
    ) -> Answer:
        start = time.perf_counter()
        found = self._decoder.update(tuning.instances, region, cancelled)
        labels, steps = found.labels, tuning.cleanup.steps
        if region is not None:
            # the border of the view is not the border of the image
            steps = tuple(step for step in steps if step.step != "clear_border")
        count = found.count
        if steps:
            labels = apply(labels, steps)
            count = int(np.count_nonzero(np.bincount(labels.ravel())[1:]))
        seconds = time.perf_counter() - start
        seeds = found.seeds
        if steady:
            labels, seeds = self._steady.keep(labels, seeds, region)
        else:
            self._steady.start(labels)
        return Answer(
            tuning,
            labels,
            seeds,
            found.foreground,
            found.thresholds,
            region,
            count,
            seconds,
            steady,
        )

    def _classify(self, tuning: Tuning) -> Answer:
        start = time.perf_counter()
        labels = classify(self.prediction, tuning.semantic)
        used = {}
        if len(self.prediction.channels) == 1:
            used["threshold"] = tuning.semantic.threshold
        count = int(np.count_nonzero(labels))
        seconds = time.perf_counter() - start
        return Answer(tuning, labels, None, None, used, None, count, seconds)

    def _histogram(self, channel: str) -> tuple[NDArray[Any], NDArray[Any]]:
        counts: NDArray[Any]
        edges: NDArray[Any]
        counts, edges = self._decoder.histogram(channel, BINS)
        if channel != "D" and edges[0] >= -1e-3 and edges[-1] <= 1.001:
            # probabilities: always the same limits, so that sliders line up
            counts = np.histogram(
                (edges[1:] + edges[:-1]) / 2, BINS, (0, 1), weights=counts
            )[0]
            edges = np.linspace(0, 1, BINS + 1)
        return counts, edges


def load(source: Source, *, cancelled: Callable[[], bool]) -> Tuner:
    """Read a prediction and get ready to decode it.

    Parameters
    ----------
    source : Source
        Where the pixels are.
    cancelled : callable
        Not asked: reading cannot be given up half-way.

    Returns
    -------
    Tuner
    """
    del cancelled
    from napari_bioseg import channels

    warm_up = getattr(channels, "warm_up", None)
    if warm_up is not None:
        warm_up()
    return Tuner(source)


def tune(
    tuner: Tuner,
    tuning: Tuning,
    view: Slices,
    moving: bool = False,
    *,
    cancelled: Callable[[], bool],
) -> Iterator[Answer]:
    """Answer one request of the panel; see `Tuner.answers`.

    Parameters
    ----------
    tuner : Tuner
        The prediction.
    tuning : Tuning
        The settings.
    view : tuple of slice
        What is in view.
    moving : bool
        Whether a slider is being dragged.
    cancelled : callable
        Says whether a newer request waits.

    Yields
    ------
    Answer
    """
    yield from tuner.answers(tuning, view, moving, cancelled)
