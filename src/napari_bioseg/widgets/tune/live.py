"""What the Tune panel computes in its thread: load once, decode again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import (
    Instances,
    LiveDecoder,
    Prediction,
    class_labels,
    classify,
    object_classes,
)
from napari_bioseg.channels.seed_edits import SeedEdits
from napari_bioseg.cleanup import apply, filter_channels
from napari_bioseg.settings import (
    ChannelFilter,
)
from napari_bioseg.widgets.bridge.layers import Slices
from napari_bioseg.widgets.jobs.latest import Overtaken

from .brightness_choice import read_brightness
from .counting import histogram_of
from .region_choice import read_region
from .sources import Source
from .steady import SteadyIds
from .tuning import Answer, Given, Stage, Tuning

QUICK = 0.03
"""Seconds within which the whole answer comes at once, without a preview, unless a
slider moves."""
PAUSE = 0.15
"""Seconds that a slider must stand still before more than the view is decoded."""
FRAMES = 4
"""Time points whose intermediate results are kept."""


class _Frame:
    """One time point of a prediction with what is remembered of it."""

    def __init__(self, prediction: Prediction, index: tuple[int, ...]) -> None:
        self.index = index
        self.prediction = prediction
        self.decoder = LiveDecoder(prediction)
        self.steady = SteadyIds(prediction.spatial_shape)
        self.done: tuple[Tuning, SeedEdits | None] | None = None
        self.edits: SeedEdits | None = None


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
    resting : bool
        Whether no slider is being dragged at this moment; set by who asks for answers.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._data = source.read()
        self._spacing = source.spacing
        self._leading = self._data.shape[1 : 1 + source.leading]
        self._frames: dict[tuple[int, ...], _Frame] = {}
        self._filters: tuple[ChannelFilter, ...] = ()
        self._frame((0,) * source.leading)  # says at once if the channels are wrong
        self.histograms = {
            name: histogram_of(name, channel)
            for name, channel in zip(source.channels, self._data, strict=True)
        }
        self._last_whole = float("inf")
        self._region: NDArray[np.bool_] | None = None
        self._given = Given()
        self.resting = True

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result: leading axes, then space."""
        return self._data.shape[1:]

    def answers(
        self,
        tuning: Tuning,
        view: Slices,
        moving: bool,
        cancelled: Overtaken,
        given: Given | None = None,
    ) -> Iterator[Answer]:
        """Decode what is in view if all takes long, then all, then the other frames.

        Parameters
        ----------
        tuning : Tuning
            The settings.
        view : tuple of slice
            What is in view, leading axes included.
        moving : bool
            Whether a slider is being dragged: then, as in previews, objects keep the
            ids (and so the colours) they had; the numbering of `decode` comes at rest.
        cancelled : Overtaken
            Says whether to give up what is not in view.
        given : Given, optional
            What else there is. Where something was changed by hand, objects keep their
            ids at rest too, so that only what was touched changes.

        Yields
        ------
        Answer
        """
        if tuning.cleanup.filters != self._filters:
            self._frames.clear()
            self._filters = tuning.cleanup.filters
        self._given = given = given or Given()
        edits, region = given.edits, given.region
        self._region = None if region is None else read_region(region, self.source)
        leading = len(self._leading)
        index = frame_of(view, leading)
        look = view[leading:]
        frame = self._frame(index)
        frame.edits = edits.get(index)
        seen = np.prod([side.stop - side.start for side in look])
        part = seen < 0.8 * np.prod(frame.prediction.spatial_shape)
        slow = self._last_whole > QUICK and (tuning, frame.edits) != frame.done
        if part and (moving or slow):
            yield self._answer(frame, tuning, look, "view", True, never)
            if cancelled.wait(PAUSE if moving else 0.0):
                return
        # what is in view is finished even if the slider has moved on, or nothing would
        # be seen to move; only a slider that was let go ends it
        wanted = self._let_go if moving and not part else cancelled
        answer = self._answer(frame, tuning, None, "frame", moving, wanted)
        self._last_whole = answer.seconds
        frame.done = (tuning, frame.edits)
        yield answer
        if moving:
            return
        for other in np.ndindex(self._leading):
            if other != index and not cancelled():
                frame = self._frame(other)
                frame.edits = edits.get(other)
                yield self._answer(frame, tuning, None, "other frame", False, cancelled)

    def _let_go(self) -> bool:
        return self.resting

    def prediction(self, index: tuple[int, ...]) -> Prediction:
        """Return the prediction of one frame, filtered as was last asked for.

        Parameters
        ----------
        index : tuple of int
            Its place along the leading axes.

        Returns
        -------
        Prediction
        """
        at: Any = (slice(None), *index)
        plain = Prediction(self._data[at], self.source.channels, self._spacing)
        return filter_channels(plain, self._filters)

    def _frame(self, index: tuple[int, ...]) -> _Frame:
        """Return a time point; only a few are remembered."""
        if index not in self._frames:
            while len(self._frames) >= FRAMES:
                del self._frames[next(iter(self._frames))]
            self._frames[index] = _Frame(self.prediction(index), index)
        return self._frames[index]

    def _answer(
        self,
        frame: _Frame,
        tuning: Tuning,
        look: Slices | None,
        stage: Stage,
        steady: bool,
        cancelled: Callable[[], bool],
    ) -> Answer:
        start = time.perf_counter()
        steps = tuning.cleanup.running
        if look is not None:
            # the border of the view is not the border of the image
            steps = tuple(step for step in steps if step.step != "clear_border")
        found = self._find(frame, tuning, look, cancelled)
        semantic = self.source.is_semantic
        labels = found.labels
        if steps:
            labels = apply(
                labels,
                steps,
                classes=semantic,
                prediction=frame.prediction,
                view=look,
                image=self._image_of(frame, look),
                region=self._region_of(frame, look),
            )
        held = None if semantic else self._given.held
        count = 0
        if not held:
            all_there = look is None and not steps
            count = _count(labels, semantic=semantic, all_there=all_there)
        seconds = time.perf_counter() - start
        seeds: NDArray[np.int32] | None = found.seeds
        if self.source.is_semantic:
            seeds = None
        elif steady or frame.edits is not None or held:
            labels, seeds = frame.steady.keep(labels, found.seeds, look)
        else:
            frame.steady.start(labels)
        whole = tuple(slice(0, size) for size in frame.prediction.spatial_shape)
        at = tuple(slice(i, i + 1) for i in frame.index)
        region = at + (whole if look is None else look)
        if held:
            labels = held.put_back(labels, region)
            count = np.unique(labels[labels > 0]).size
        return Answer(
            tuning=tuning,
            labels=labels,
            seeds=seeds,
            foreground=None if self.source.is_semantic else found.foreground,
            thresholds=found.thresholds,
            region=region,
            count=count,
            seconds=seconds,
            stage=stage,
            moving=steady,
            outside=_outside(frame.edits, found) if look is None else 0,
            classes=self._classes(labels, frame, look),
            version=0 if self._given.held is None else self._given.held.version,
        )

    def _classes(
        self, labels: NDArray[np.int32], frame: _Frame, look: Slices | None
    ) -> NDArray[np.int32] | None:
        if self.source.is_semantic or "class 1" not in frame.prediction.channels:
            return None
        return class_labels(labels, object_classes(labels, frame.prediction, look))

    def _region_of(
        self, frame: _Frame, look: Slices | None
    ) -> NDArray[np.bool_] | None:
        """Return the region of interest in what is decoded."""
        if self._region is None:
            return None
        timed = self._region.ndim > len(frame.prediction.spatial_shape)
        region = self._region[frame.index] if timed else self._region
        return region if look is None else region[look]

    def _image_of(self, frame: _Frame, look: Slices | None) -> NDArray[Any] | None:
        """Return the brightness of what is decoded."""
        if self._given.image is None:
            return None
        image = read_brightness(self._given.image, self.source, frame.index)
        return image if look is None else image[(slice(None), *look)]

    def _find(
        self,
        frame: _Frame,
        tuning: Tuning,
        look: Slices | None,
        cancelled: Callable[[], bool],
    ) -> Instances:
        if not self.source.is_semantic:
            return frame.decoder.update(tuning.instances, look, cancelled, frame.edits)
        prediction = frame.prediction
        if look is not None:
            data = prediction.data[(slice(None), *look)]
            prediction = Prediction(data, prediction.channels, prediction.spacing)
        labels = classify(prediction, tuning.semantic, cancelled)
        used = {}
        if len(prediction.channels) == 1:
            used["threshold"] = tuning.semantic.threshold
        return Instances(labels, labels, labels > 0, used, look)


def frame_of(view: Slices, leading: int) -> tuple[int, ...]:
    """Return the frame in the middle of what is in view.

    Parameters
    ----------
    view : tuple of slice
        What is in view, leading axes included.
    leading : int
        Number of leading axes.

    Returns
    -------
    tuple of int
        Its place along them.
    """
    return tuple((side.start + side.stop - 1) // 2 for side in view[:leading])


def never() -> bool:
    """Return False: previews are never given up.

    Returns
    -------
    bool
    """
    return False


def _outside(edits: SeedEdits | None, found: Instances) -> int:
    if edits is None:
        return 0
    drawn = edits.marks > 0
    every = np.unique(edits.marks[drawn])
    return every.size - np.unique(edits.marks[drawn & found.foreground]).size


def _count(labels: NDArray[np.int32], *, semantic: bool, all_there: bool) -> int:
    """Count objects, or pixels of a class; quickly if no number is missing."""
    if semantic:
        return int(np.count_nonzero(labels))
    if all_there:
        return int(labels.max(initial=0))
    return int(np.count_nonzero(np.bincount(labels.ravel())[1:]))


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
    return Tuner(source)


def tune(
    tuner: Tuner,
    tuning: Tuning,
    view: Slices,
    moving: bool = False,
    given: Given | None = None,
    *,
    cancelled: Overtaken,
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
    given : Given, optional
        What else there is.
    cancelled : Overtaken
        Says whether a newer request waits.

    Yields
    ------
    Answer
    """
    yield from tuner.answers(tuning, view, moving, cancelled, given)
