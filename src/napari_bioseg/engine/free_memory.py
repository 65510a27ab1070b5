"""How much memory a prediction may take."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from napari_bioseg.settings import PredictSettings

GIGABYTE = 1024**3
SHARE = 0.4
"""Part of the free memory that an automatic prediction takes: others need some too."""
_UNKNOWN = 4 * GIGABYTE
_GROUP = Path("/sys/fs/cgroup")


def memory_for(settings: PredictSettings, device: torch.device) -> int:
    """Return how many bytes the tiles of a prediction may take.

    Parameters
    ----------
    settings : PredictSettings
        ``memory`` in GB counts all that this process holds, or ``"auto"``.
    device : torch.device
        Where the network runs.

    Returns
    -------
    int
    """
    if settings.memory == "auto":
        return int(SHARE * free_memory(device))
    allowed = int(settings.memory * GIGABYTE)
    if device.type != "cpu":
        return allowed
    return max(allowed - in_use(), allowed // 8)


def free_memory(device: torch.device | None = None) -> int:
    """Return how many bytes are free on a device, or in this computer.

    Parameters
    ----------
    device : torch.device, optional
        A GPU; main memory if not given.

    Returns
    -------
    int
        A container's limit counts. 4 GB where nothing can be learned.
    """
    if device is not None and device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [n for n in (_available(), _left_in_group()) if n is not None]
    return min(found, default=_UNKNOWN)


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
