"""Live work in a thread, of which the newest wins."""

from __future__ import annotations

import inspect
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer, Signal  # type: ignore[attr-defined]

from .running import RUNNING

LONGEST_DRAWING = 0.2
"""Seconds that live work waits at most for the GUI thread to show an answer."""


class _LatestBridge(QObject):
    """Qt's side of live work; lives in the GUI thread."""

    result = Signal(object)
    failed = Signal(object)
    busy_changed = Signal(bool)
    arrived = Signal()
    broke = Signal(int, object)
    idle = Signal()


class Overtaken:
    """Says in the thread whether a newer request waits.

    Parameters
    ----------
    is_newest : callable
        Says so of the request itself.
    change : threading.Condition
        Notified whenever there is a newer request.
    """

    def __init__(
        self, is_newest: Callable[[], bool], change: threading.Condition
    ) -> None:
        self._is_newest = is_newest
        self._change = change

    def __call__(self) -> bool:
        """Say whether a newer request waits."""
        return not self._is_newest()

    def wait(self, seconds: float) -> bool:
        """Wait for a newer request.

        Parameters
        ----------
        seconds : float
            How long at most.

        Returns
        -------
        bool
            Whether there is one.
        """
        with self._change:
            return self._change.wait_for(self, seconds)


class Latest:
    """Answer requests in a thread, one at a time; of those that wait the newest wins.

    Parameters
    ----------
    function : callable
        Called as ``function(*request, cancelled=...)`` in the thread, where
        ``cancelled()`` says whether a newer request waits and ``cancelled.wait(1.0)``
        waits for one. It may be a generator function: each value it yields is an answer
        of its own, such as a preview.
    keep_up : bool
        Whether an answer still counts when a newer request already waits. Then a
        picture moves with the slider; without it only settled answers are shown.
        Either way answers arrive in order and the newest request is always answered.

    Attributes
    ----------
    result, failed, busy_changed
        Qt signals, emitted in the GUI thread: each answer, each exception, and whether
        there is something to do.
    """

    def __init__(self, function: Callable[..., Any], *, keep_up: bool = False) -> None:
        self._function = function
        self._keep_up = keep_up
        self._bridge = _LatestBridge()
        self.result = self._bridge.result
        self.failed = self._bridge.failed
        self.busy_changed = self._bridge.busy_changed
        queued = Qt.ConnectionType.QueuedConnection
        self._bridge.arrived.connect(self._arrive, queued)
        self._bridge.broke.connect(self._break, queued)
        self._bridge.idle.connect(self._rest, queued)
        self._change = threading.Condition()
        self._answered: deque[tuple[int, Any]] = deque()
        self._told = 0
        self._patient = False
        self._waiting: tuple[int, tuple[Any, ...]] | None = None
        self._newest = 0
        self._forgotten = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._busy = False
        self._drawn = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether a request runs or waits."""
        return self._busy

    def request(self, *args: Any, patience: float = 0.0) -> None:
        """Ask for an answer; a request that still waits is forgotten.

        Parameters
        ----------
        *args
            Handed to the function.
        patience : float
            Seconds to stay here at most until there is something to show, which then
            is shown before this returns.

        Notes
        -----
        Patience is for answers that take less time than drawing the window does. While
        it is drawn, napari keeps Python's lock to itself, tens of milliseconds long
        where there is no graphics card, and each of the thread's steps may have to wait
        that long. With patience the thread goes first, and what it found is drawn
        together with the slider that asked for it.
        """
        if self._closed:
            return
        with self._change:
            self._newest += 1
            self._waiting = (self._newest, args)
            self._patient = patience > 0
            self._change.notify_all()
            idle = self._thread is None
            if idle:
                self._thread = threading.Thread(
                    target=self._work, name="bioseg live", daemon=True
                )
                RUNNING.add(self)
        if idle and self._thread is not None:
            self._thread.start()
        self._set_busy(True)
        if self._patient:
            self._drawn.set()
            self._stay(patience)
            self._arrive()

    def forget(self) -> None:
        """Drop what waits and what runs: none of its answers arrives."""
        with self._change:
            self._newest += 1
            self._forgotten = self._newest
            self._waiting = None
            self._change.notify_all()

    def close(self, seconds: float = 5.0) -> None:
        """Drop everything, take no further request, and wait for the thread.

        Parameters
        ----------
        seconds : float
            How long to wait at most.
        """
        self._closed = True
        self.forget()
        self._drawn.set()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        if thread is None or not thread.is_alive():
            RUNNING.discard(self)

    def shut_down(self) -> None:
        """End as soon as possible, because Python does."""
        self.close()

    # ---- in the thread ----

    def _work(self) -> None:
        while True:
            with self._change:
                if self._waiting is None:
                    self._thread = None
                    break
                number, args = self._waiting
                self._waiting = None
            self._answer(number, args)
        if not self._closed:
            self._bridge.idle.emit()

    def _answer(self, number: int, args: tuple[Any, ...]) -> None:
        cancelled = Overtaken(lambda: number == self._newest, self._change)
        try:
            for answer in self._answers(args, cancelled):
                if self._closed:
                    return
                self._hand_over(number, answer)
                if cancelled():
                    return
        except Exception as error:  # noqa: BLE001  # reported by _break
            # an overtaken request may end any way it likes
            if not cancelled():
                self._bridge.broke.emit(number, error)
        finally:
            self._tell(number)

    def _hand_over(self, number: int, answer: Any) -> None:
        """Have an answer drawn, and wait for it."""
        with self._change:
            self._answered.append((number, answer))
            awaited = self._patient
            self._drawn.clear()
        self._tell(number)
        self._bridge.arrived.emit()
        if not awaited:
            # computing on while the answer is drawn would slow down both
            self._drawn.wait(LONGEST_DRAWING)

    def _tell(self, number: int) -> None:
        """Note that a request is answered, or will not be."""
        with self._change:
            self._told = number
            self._change.notify_all()

    def _answers(self, args: tuple[Any, ...], cancelled: Overtaken) -> Iterable[Any]:
        answer = self._function(*args, cancelled=cancelled)
        return answer if inspect.isgenerator(answer) else (answer,)

    # ---- in the GUI thread ----

    def _stay(self, patience: float) -> None:
        """Wait until there is something to show."""

        def told() -> bool:
            return self._told == self._newest

        end = time.perf_counter() + patience
        with self._change:
            self._change.wait_for(lambda: self._answered or told(), patience)
            left = end - time.perf_counter()
            # if an answer to the request before came early, so may the one to this;
            # not waited for, all that follow would be late by one
            if left > patience / 2:
                self._change.wait_for(told, left)
            self._patient = False

    def _arrive(self) -> None:
        while self._answered:
            number, answer = self._answered.popleft()
            newest = number == self._newest
            counts = newest or (self._keep_up and number > self._forgotten)
            if counts and not self._closed:
                self.result.emit(answer)
        QTimer.singleShot(0, self._drawn.set)

    def _break(self, number: int, error: Exception) -> None:
        if not self._closed and number == self._newest:
            self.failed.emit(error)

    def _rest(self) -> None:
        with self._change:
            idle = self._thread is None
        if idle and not self._closed:
            RUNNING.discard(self)
            self._set_busy(False)

    def _set_busy(self, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)
