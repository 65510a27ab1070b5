"""One long job in a thread: a generator of events that can be paused and stopped."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Literal

from qtpy.QtCore import QObject, Qt, QTimer, Signal  # type: ignore[attr-defined]

from .notices import announce, notify
from .running import RUNNING

JobState = Literal["idle", "running", "paused", "stopping", "failed", "done"]

INTERVAL = 0.05
"""Seconds between two deliveries of events to the GUI thread."""
LONGEST_DELIVERY = 0.02
"""Seconds after which a delivery lets the GUI thread draw before it goes on."""
LARGEST_BACKLOG = 64
"""Events that may wait for the GUI thread before the job waits for it."""


class _JobBridge(QObject):
    """Qt's side of a job; lives in the GUI thread."""

    event_ = Signal(object)
    finished = Signal()
    failed = Signal(object)
    state_changed = Signal(str)
    ended = Signal()


class Job:
    """Run a generator of events in a thread, with pause, stop and cancel.

    Parameters
    ----------
    make_events : callable
        Called in the thread; returns the generator to run.
    droppable : tuple of type
        Of consecutive events of one of these types only the newest reaches the GUI
        thread. Events that carry data which nobody repeats do not belong here.
    setup : callable, optional
        Called in the thread first, for example to set the number of torch's threads.
    name : str
        What the job is, in words that napari shows when it is closed meanwhile.

    Attributes
    ----------
    event, finished, failed, state_changed
        Qt signals, emitted in the GUI thread: each event, the end, the exception
        (followed by ``finished``), and each new state.
    cancelled : bool
        Whether the job ended because `cancel` was called.
    exception : Exception or None
        What made the job fail.

    Notes
    -----
    Events arrive in order and at most about twenty times a second. The state goes
    from ``idle`` to ``running``, back and forth to ``paused``, perhaps through
    ``stopping``, to ``done`` or ``failed``.
    """

    def __init__(
        self,
        make_events: Callable[[], Generator[Any, Any, Any]],
        *,
        droppable: tuple[type, ...] = (),
        setup: Callable[[], object] | None = None,
        name: str = "job",
    ) -> None:
        self.name = name
        self.cancelled = False
        self.exception: Exception | None = None
        self._make_events = make_events
        self._droppable = droppable
        self._setup = setup
        self._state: JobState = "idle"
        self._bridge = _JobBridge()
        self.event = self._bridge.event_
        self.finished = self._bridge.finished
        self.failed = self._bridge.failed
        self.state_changed = self._bridge.state_changed
        self._bridge.ended.connect(self._end, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self._bridge)
        self._timer.setInterval(int(INTERVAL * 1000))
        self._timer.timeout.connect(self._deliver)
        self._change = threading.Condition()
        self._events: deque[Any] = deque()
        self._sent: deque[Any] = deque()
        self._paused = False
        self._thread: threading.Thread | None = None
        self._task: Any = None

    @property
    def state(self) -> JobState:
        """One of idle, running, paused, stopping, failed and done."""
        return self._state

    @property
    def active(self) -> bool:
        """Whether the job has started and not yet ended."""
        return self._state in ("running", "paused", "stopping")

    def start(self) -> None:
        """Start the thread.

        Raises
        ------
        ValueError
            If the job was started before.
        """
        if self._state != "idle":
            raise ValueError(
                f"{self.name} is {self._state}; make a new job to run again"
            )
        self._task = announce(self.name)
        self._thread = threading.Thread(
            target=self._work, name=f"bioseg {self.name}", daemon=True
        )
        RUNNING.add(self)
        self._enter("running")
        self._timer.start()
        self._thread.start()

    def pause(self) -> None:
        """Ask for no further event until `resume`."""
        if self._state == "running":
            with self._change:
                self._paused = True
            self._enter("paused")

    def resume(self) -> None:
        """Go on after `pause`."""
        if self._state == "paused":
            with self._change:
                self._paused = False
                self._change.notify_all()
            self._enter("running")

    def send(self, value: Any) -> None:
        """Hand a value to the generator at its next step.

        Parameters
        ----------
        value
            What ``yield`` returns there.
        """
        with self._change:
            self._sent.append(value)

    def stop(self) -> None:
        """Ask the generator to come to an end by itself: send it ``"stop"``."""
        if self._state in ("running", "paused"):
            with self._change:
                self._sent.append("stop")
                self._paused = False
                self._change.notify_all()
            self._enter("stopping")

    def cancel(self) -> None:
        """Close the generator at its next step; no event arrives any more."""
        if self.active:
            with self._change:
                self.cancelled = True
                self._events.clear()
                self._change.notify_all()
            self._enter("stopping")

    def shut_down(self) -> None:
        """End as soon as possible, because Python does; nobody is told any more."""
        self.cancelled = True
        self.wait(10.0)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the thread; ``finished`` still needs the GUI's event loop.

        Parameters
        ----------
        seconds : float, optional
            How long at most.

        Returns
        -------
        bool
            Whether the thread has ended.
        """
        if self._thread is not None:
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    def _enter(self, state: JobState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)

    # ---- in the thread ----

    def _work(self) -> None:
        try:
            if self._setup is not None:
                self._setup()
            self._run(self._make_events())
        except Exception as error:  # noqa: BLE001  # reported by _end
            self.exception = error
        self._bridge.ended.emit()

    def _run(self, events: Generator[Any, Any, Any]) -> None:
        started = False
        try:
            while self._may_go_on():
                value = None
                if started and self._sent:
                    value = self._sent.popleft()
                try:
                    event = events.send(value)
                except StopIteration:
                    return
                started = True
                self._put(event)
        finally:
            events.close()

    def _may_go_on(self) -> bool:
        """Wait while paused or while the GUI thread lags; False once cancelled."""
        with self._change:
            while not self._quits():
                if not self._paused and len(self._events) < LARGEST_BACKLOG:
                    return True
                self._change.wait(0.1)
        return False

    def _quits(self) -> bool:
        # napari calls `quit` of the worker that stands for this job when it closes
        if self._task is not None and self._task.abort_requested:
            self.cancelled = True
        return self.cancelled

    def _put(self, event: Any) -> None:
        with self._change:
            if self.cancelled:
                return
            last = self._events[-1] if self._events else None
            if isinstance(event, self._droppable) and type(last) is type(event):
                self._events[-1] = event
            else:
                self._events.append(event)

    # ---- in the GUI thread ----

    def _deliver(self, limit: float = LONGEST_DELIVERY) -> None:
        end = time.perf_counter() + limit
        while time.perf_counter() < end:
            with self._change:
                if not self._events:
                    return
                event = self._events.popleft()
                self._change.notify_all()
            self.event.emit(event)

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.join()
        self._timer.stop()
        self._deliver(limit=float("inf"))
        RUNNING.discard(self)
        if self._task is not None:
            self._task.finished.emit()
            self._task = None
        if self.exception is None:
            self._enter("done")
        else:
            self._enter("failed")
            self.failed.emit(self.exception)
            notify(self.exception)
        self.finished.emit()
