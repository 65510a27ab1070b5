"""What has a thread now, so that all of it ends before Python does."""

from __future__ import annotations

import atexit
from typing import Protocol


class Stoppable(Protocol):
    """Something with a thread of its own."""

    def shut_down(self) -> None:
        """End the thread and wait for it."""


RUNNING: set[Stoppable] = set()
"""Keeps Qt objects from dying in the threads that they belong to."""


def _end_all() -> None:
    """Let no thread run while Python shuts down."""
    for work in tuple(RUNNING):
        work.shut_down()


atexit.register(_end_all)
