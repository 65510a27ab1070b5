"""Do several costly things in the window one after another, drawing in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

PAUSE = 15
"""Milliseconds between two turns, in which the window can draw and answer."""


class Turns(QObject):
    """A queue of calls, one per turn of the event loop.

    Adding a layer takes napari tens of milliseconds; several at once would be felt.

    Parameters
    ----------
    parent : QObject, optional
        Calls that wait are forgotten when it dies.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[Callable[[], object]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._next)

    @property
    def busy(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    def add(self, call: Callable[[], object]) -> None:
        """Do something when its turn comes.

        Parameters
        ----------
        call : callable
            Called without arguments.
        """
        self._waiting.append(call)
        if not self._timer.isActive():
            self._timer.start()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._timer.stop()

    def _next(self) -> None:
        if not self._waiting:
            self._timer.stop()
            return
        call = self._waiting.popleft()
        if not self._waiting:
            self._timer.stop()
        call()
