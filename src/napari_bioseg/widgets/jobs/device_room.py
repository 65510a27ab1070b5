"""How much memory there is to train in; torch is asked only where it has to be."""

from __future__ import annotations

from ctypes.util import find_library
from dataclasses import dataclass

from .engine_start import load_engine


@dataclass(frozen=True)
class DeviceRoom:
    """Free memory, in bytes."""

    main: int
    gpu: int = 0
    """0 if there is no GPU that torch can use."""


def device_room() -> DeviceRoom:
    """Look at this computer; called in a worker.

    Returns
    -------
    DeviceRoom
        Torch is loaded only where a driver for NVIDIA's GPUs is installed.
    """
    from napari_bioseg.channels.blockwise.room import free_main_memory

    main = free_main_memory()
    if find_library("cuda") is None and find_library("nvcuda") is None:
        return DeviceRoom(main)
    load_engine()
    from napari_bioseg.engine.device import choose_device
    from napari_bioseg.engine.free_memory import free_memory

    device = choose_device("auto")
    return DeviceRoom(main, free_memory(device) if device.type == "cuda" else 0)
