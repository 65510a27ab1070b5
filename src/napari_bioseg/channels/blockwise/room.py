"""How much of the main memory is free."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

GIGABYTE = 1024**3
_UNKNOWN = 4 * GIGABYTE
_GROUP = Path("/sys/fs/cgroup")


def free_main_memory() -> int:
    """Return how many bytes are free in this computer.

    Returns
    -------
    int
        A container's limit counts. 4 GB where nothing can be learned.
    """
    found = [n for n in (_available(), _left_in_group()) if n is not None]
    return min(found, default=_UNKNOWN)


def room_for(memory: float | Literal["auto"]) -> int:
    """Return how many bytes may still be taken.

    Parameters
    ----------
    memory : float or "auto"
        Most GB that this process may hold in all; half of what is free if automatic.

    Returns
    -------
    int
        A quarter of ``memory`` at least.
    """
    if memory == "auto":
        return int(0.5 * free_main_memory())
    allowed = int(memory * GIGABYTE)
    return max(allowed - in_use(), allowed // 4)


def in_use() -> int:
    """Return the bytes of main memory that this process holds; 0 if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(x for x in lines if x.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        pass
    try:  # macOS and Windows; napari and dask bring it along
        import psutil  # type: ignore[import-untyped]
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


def _left_in_group() -> int | None:
    """Return what a container's limit leaves."""
    try:
        limit = (_GROUP / "memory.max").read_text().strip()
        used = (_GROUP / "memory.current").read_text().strip()
    except OSError:
        return None
    return max(int(limit) - int(used), 0) if limit.isdigit() else None
