"""How images and weights lie in memory, and whether the network is compiled."""

from __future__ import annotations

import importlib.util

import torch
from torch import nn

from napari_bioseg.settings import TrainSettings

STEPS_WORTH_COMPILING = 2000
"""With fewer optimiser steps, compiling costs more time than it wins back."""


def memory_format(settings: TrainSettings, dimensions: int) -> torch.memory_format:
    """Return how training lays out images and weights.

    Parameters
    ----------
    settings : TrainSettings
        ``channels_last``; auto means 2-D images, which train up to twice as fast so on
        a CPU, and use a GPU's matrix units without being turned around first. Volumes
        gain nothing on a CPU.
    dimensions : int

    Returns
    -------
    torch.memory_format
    """
    wanted = settings.channels_last
    if wanted == "off" or (wanted == "auto" and dimensions == 3):
        return torch.contiguous_format
    return torch.channels_last if dimensions == 2 else torch.channels_last_3d


def lay_out(network: nn.Module, layout: torch.memory_format) -> None:
    """Bring a network's convolutions into a layout.

    Parameters
    ----------
    network : nn.Module
    layout : torch.memory_format
    """
    axes = 5 if layout == torch.channels_last_3d else 4
    for weight in network.parameters():
        if layout == torch.contiguous_format or weight.ndim == axes:
            weight.data = weight.data.contiguous(memory_format=layout)


def compiles(settings: TrainSettings, device: torch.device, steps: int) -> bool:
    """Say whether training compiles the network.

    Parameters
    ----------
    settings : TrainSettings
        ``compile``; auto means on a GPU, for trainings that are long enough. On a CPU
        a compiled U-Net is slower: torch's own convolutions are the better ones there.
    device : torch.device
    steps : int
        Optimiser steps that the training may take.

    Returns
    -------
    bool
    """
    if settings.compile != "auto":
        return settings.compile == "on"
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    return steps >= STEPS_WORTH_COMPILING
