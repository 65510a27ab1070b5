"""Time spent in training, and the time that is left."""

from __future__ import annotations

import time


class Clock:
    """Counts the time spent in training, not the time somebody looks at an event.

    Parameters
    ----------
    seconds : float
        Spent before, in a training that goes on now.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._before = seconds
        self._since: float | None = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time counted so far."""
        running = 0.0 if self._since is None else time.monotonic() - self._since
        return self._before + running

    def pause(self) -> None:
        """Stop counting."""
        self._before, self._since = self.seconds, None

    def go_on(self) -> None:
        """Count again."""
        self._since = time.monotonic()
