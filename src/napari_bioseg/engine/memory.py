"""Keep freed memory for the next step of training instead of giving it back."""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # parameters of glibc's mallopt
_DEFAULTS = {_TRIM_THRESHOLD: 128 * 1024, _TOP_PAD: 128 * 1024, _MMAP_MAX: 65536}
_KEEPING = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 1024**2, _MMAP_MAX: 0}
_lock = threading.Lock()
_users = 0


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Make the C library keep large blocks that are freed inside the ``with``.

    A training step frees and takes the same large blocks over and over. By default
    glibc hands each back to the system, which then clears every page anew; keeping
    them makes large patches train up to three times as fast on a CPU. Afterwards the
    usual behaviour returns and what is kept is given back. Without glibc nothing
    happens. May be nested, and used from several threads.
    """
    library = _glibc()
    _switch(library, +1)
    try:
        yield
    finally:
        _switch(library, -1)


def give_back_freed() -> None:
    """Give memory that was freed, but kept, back to the system; glibc only.

    In pieces of other sizes than the next step takes it adds up over many steps.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") else None


def _switch(library: ctypes.CDLL | None, change: int) -> None:
    global _users
    with _lock:
        _users += change
        if library is None or _users != max(change, 0):
            return  # another user began before or goes on after this one
        for name, value in (_KEEPING if change > 0 else _DEFAULTS).items():
            library.mallopt(name, value)
        if change < 0:
            library.malloc_trim(0)
