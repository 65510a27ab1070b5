"""Trainings that end before their time: by Ctrl-C, or as the loss became infinite."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):
    """The user interrupted; the message says what was kept."""


class Diverged(Exception):
    """The loss became infinite; the message says what was kept."""


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C be a request and only the second one an interruption.

    Yields
    ------
    callable
        Says whether the user asked to stop.
    """
    asked = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        print("\nstopping after this step (Ctrl-C again: at once)", file=sys.stderr)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # signals reach the main thread alone
        return
    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
