"""How much memory a prediction may take."""

from __future__ import annotations

import torch

from napari_bioseg.channels.blockwise.room import GIGABYTE, free_main_memory, in_use
from napari_bioseg.settings import PredictSettings

SHARE = 0.4
"""Part of the free memory that an automatic prediction takes: others need some too."""

LIBRARIES = GIGABYTE // 8
"""What libraries load with the first tile only."""


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
    return max(allowed - in_use() - LIBRARIES, allowed // 8)


def memory_note(settings: PredictSettings, device: torch.device) -> str:
    """Return what to tell if more memory is taken than allowed, whatever tiles take.

    Parameters
    ----------
    settings : PredictSettings
        ``memory``.
    device : torch.device
        Where the network runs.

    Returns
    -------
    str
        Empty if there is nothing to tell.
    """
    if settings.memory == "auto" or device.type != "cpu":
        return ""
    held = in_use() + LIBRARIES
    if held < settings.memory * GIGABYTE:
        return ""
    least = round(held / GIGABYTE + 0.3, 1)
    return (
        f"predict.memory allows {settings.memory:g} GB, but this program took about "
        f"{held / GIGABYTE:.1f} GB before the first tile, so it takes more than it "
        f"may; allow {least:g} GB or more"
    )


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
    return free_main_memory()
