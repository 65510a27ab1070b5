"""Live previews out of the training thread: when, how large, and the prediction."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.widgets.bridge.colours import mixed

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

PREVIEW_INTERVAL = 1.0
"""Least seconds between two previews."""
PREVIEW_SHARE = 0.1
"""Most of the training time that previews may take."""
FIRST_PREVIEW = 256
"""Longest side of the first preview, pixels; later ones are as large as time allows."""
SMALLEST_PREVIEW = 128
"""However slow the network is, pixels; previews become rarer then."""
LARGEST_PREVIEW = 1024
"""Longest side of any preview, pixels."""


@dataclass(frozen=True)
class View:
    """What the user looks at, for previews."""

    image: Any
    """The whole image, (C, [Z,] Y, X); numpy or lazy."""
    region: tuple[slice, ...]
    """The part that is on screen, one slice per spatial axis."""
    target: Any = None
    """Whatever the panel wants back with the preview."""


@dataclass(frozen=True)
class PreviewReady:
    """The newest prediction of a part of the image that is on screen."""

    picture: NDArray[np.uint8]
    """All channels in one picture, ([Z,] Y, X, 4)."""
    region: tuple[slice, ...]
    """Where it lies in the image, one slice per spatial axis."""
    view: View
    """What was asked for."""


@dataclass(frozen=True)
class PreviewSkipped:
    """A preview could not be made; said once, training goes on."""

    message: str


class Previews:
    """The panel's wish for previews, shared with the training thread.

    The panel posts the view; the thread answers it again and again, but never before
    the last answer was painted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._view: View | None = None
        self._painted = True

    def post(self, view: View | None) -> None:
        """Say what is on screen; None asks for no previews.

        Parameters
        ----------
        view : View or None
            The newest view.
        """
        with self._lock:
            self._view = view

    def painted(self) -> None:
        """Say that the last preview is on screen."""
        with self._lock:
            self._painted = True

    def take(self) -> View | None:
        """Return the view to answer now, or None if there is nothing to do."""
        with self._lock:
            if self._view is None or not self._painted:
                return None
            self._painted = False
            return self._view


class Previewer:
    """Answer views between two training steps, within a share of the time.

    Parameters
    ----------
    previews : Previews
        Where the panel posts its view.
    clock : callable
        Seconds; for tests.
    """

    def __init__(
        self, previews: Previews, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._previews = previews
        self._clock = clock
        self._started = clock()
        self._next = self._started + PREVIEW_INTERVAL
        self._side = FIRST_PREVIEW
        self._largest = LARGEST_PREVIEW
        self._told = False
        self._scale: tuple[Any, Any] | None = None
        self.seconds = 0.0

    def due(self) -> View | None:
        """Return the view to predict now, if it is time for one."""
        now = self._clock()
        if now < self._next:
            return None
        return self._previews.take()

    def predict(self, view: View, model: Model) -> PreviewReady | PreviewSkipped | None:
        """Predict what is on screen with the network as it is now.

        Parameters
        ----------
        view : View
            From `due`.
        model : Model
            The network in training.

        Returns
        -------
        PreviewReady, PreviewSkipped or None
            None if the image does not suit the network, or memory runs out once more.
        """
        from napari_bioseg.engine.out_of_memory import is_out_of_memory

        began = self._clock()
        if not _suits(view, model):
            self._skip(began)
            return None
        try:
            return self._predicted(view, model, began)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return self._out_of_memory(model)

    def _skip(self, now: float) -> None:
        self._previews.painted()
        self._next = now + PREVIEW_INTERVAL

    def _out_of_memory(self, model: Model) -> PreviewSkipped | None:
        """Make the next preview smaller, or end them: training goes on without."""
        from napari_bioseg.engine.out_of_memory import release

        release(model.device)
        self._skip(self._clock())
        if self._side == SMALLEST_PREVIEW:
            self._next = math.inf
        self._side = self._largest = max(self._side // 2, SMALLEST_PREVIEW)
        said, self._told = self._told, True
        if said:
            return None
        return PreviewSkipped(
            "memory ran out in the live preview, not in the training, which goes on; "
            "previews become smaller, or stay away"
        )

    def _predicted(self, view: View, model: Model, began: float) -> PreviewReady:
        from napari_bioseg.engine.model import run_network

        region = _around_middle(view, self._side, model.dimensions)
        crop = np.asarray(view.image[(slice(None), *region)])
        data = run_network(model, self._scale_of(view, model)(crop))
        picture = mixed(data, model.outputs)
        self._plan(began, self._clock())
        return PreviewReady(picture, region, view)

    def _scale_of(self, view: View, model: Model) -> Any:
        """Normalise by the whole image, as the prediction will: measured once."""
        from napari_bioseg.engine.normalize import image_scale

        if self._scale is None or self._scale[0] is not view.image:
            scale = image_scale(view.image, model.workflow)
            self._scale = (view.image, scale)
        return self._scale[1]

    def _plan(self, began: float, ended: float) -> None:
        spent = ended - began
        self.seconds += spent
        # previews so far, as a share of all time, come under the limit again at:
        share = self._started + self.seconds / PREVIEW_SHARE
        self._next = max(ended + PREVIEW_INTERVAL, share)
        if spent < 0.03:
            self._side = min(round(self._side * 1.5), self._largest)
        elif spent > 0.2:
            self._side = max(round(self._side / 1.5), SMALLEST_PREVIEW)


def _suits(view: View, model: Model) -> bool:
    shape = view.image.shape
    return len(shape) == model.dimensions + 1 and shape[0] == model.in_channels


def _around_middle(view: View, side: int, dimensions: int) -> tuple[slice, ...]:
    """Cut a view down to what a preview may cost, keeping its middle."""
    region = []
    for axis, (part, size) in enumerate(
        zip(view.region, view.image.shape[1:], strict=True)
    ):
        start, stop, _ = part.indices(size)
        depth = dimensions == 3 and axis == 0
        most = 16 if depth else side if dimensions == 2 else max(side // 3, 48)
        if stop - start > most:
            start += (stop - start - most) // 2
            stop = start + most
        elif depth and stop - start < most:
            # the network needs the slices around the one on screen
            middle = (start + stop) // 2
            start = max(min(middle - most // 2, size - most), 0)
            stop = min(start + most, size)
        region.append(slice(start, stop))
    return tuple(region)
