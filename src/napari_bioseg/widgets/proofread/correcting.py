"""Corrections asked for one after another: worked out in a thread, then written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_bioseg.edit import Boxes, NothingToDo
from napari_bioseg.widgets.bridge.writing import Writing
from napari_bioseg.widgets.forms.note import Kind
from napari_bioseg.widgets.jobs.worker import Latest, notify

from .guide import Guide
from .target import Frame, Target
from .work import Corrected, Order, correct

Scene = tuple[Target, dict[Frame, Boxes], Guide | None]
"""The labels, where their objects lie, and the prediction they come from."""


class Correcting(QObject):
    """A queue of corrections; each begins when the one before it is in the labels.

    Parameters
    ----------
    scene : callable
        Returns what is corrected now, or None.
    parent : QObject
        The panel.

    Attributes
    ----------
    done : Signal(object)
        A `Corrected` that is in the labels now.
    refused : Signal(str, str)
        Why a correction was not made, and what sort of message that is.
    working : Latest
        Works corrections out.
    """

    done = Signal(object)
    refused = Signal(str, str)

    def __init__(self, scene: Callable[[], Scene | None], parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._orders: deque[Order] = deque()
        self._now: Order | None = None
        self._writing = Writing(self)
        self.working = Latest(correct)
        self.working.result.connect(self._write)
        self.working.failed.connect(self._failed)
        parent.destroyed.connect(partial(self.working.close, 0.2))

    @property
    def busy(self) -> bool:
        """Whether something is worked out, written, or waits."""
        return self._now is not None or self._writing.busy or self.working.busy

    def add(self, order: Order) -> None:
        """Ask for one more correction.

        Parameters
        ----------
        order : Order
            What to do.
        """
        self._orders.append(order)
        self._begin()

    def finish(self) -> None:
        """Write what is half written."""
        self._writing.finish()

    def forget(self) -> None:
        """Drop what waits and what is worked out; what is half written is finished."""
        self._orders.clear()
        self._writing.finish()
        self.working.forget()
        self._now = None

    def _begin(self) -> None:
        scene = self._scene()
        if self._now is None and self._orders and scene is not None:
            target, boxes, guide = scene
            self._now = self._orders.popleft()
            self.working.request(target, self._now, boxes.get(self._now.frame), guide)

    def _write(self, worked_out: Corrected) -> None:
        scene = self._scene()
        if scene is None:
            self._now = None
            return
        layer, order = scene[0].layer, worked_out.order
        written = partial(self._written, worked_out)
        try:
            self._writing.write(layer, worked_out.change, order.frame, written)
        except ValueError as error:
            self._failed(error)

    def _written(self, worked_out: Corrected, fits: bool) -> None:
        self._now = None
        if fits:
            self.done.emit(worked_out)
        else:
            text = "the labels changed meanwhile; please do it again"
            self.refused.emit(text, "error")
        self._begin()

    def _failed(self, error: Exception) -> None:
        self._now = None
        kind: Kind = "warning" if isinstance(error, NothingToDo) else "error"
        self.refused.emit(str(error), kind)
        if not isinstance(error, ValueError):
            notify(error)
        self._begin()
