"""How exactly training computes: 32-bit numbers, or 16-bit ones where that is fast."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from napari_bioseg.settings import TrainSettings

_CPU_INFO = Path("/proc/cpuinfo")
_FAST_FLAGS = {"avx512_bf16", "amx_bf16"}


def autocast(
    device: torch.device, settings: TrainSettings, dimensions: int
) -> torch.autocast:
    """Return the ``with`` under which the network runs in training.

    Parameters
    ----------
    device : torch.device
    settings : TrainSettings
        With ``precision="auto"``, bfloat16 on a GPU or CPU that has instructions for
        it. Weights, losses and all predictions stay float32 in any case.
    dimensions : int
        Volumes are never trained with bfloat16 on a CPU: torch 2.13's gradients of
        small 3-D convolutions hold undefined numbers there.

    Returns
    -------
    torch.autocast
    """
    if settings.precision == "float16":
        return torch.autocast(device.type, dtype=torch.float16)
    if settings.precision == "auto":
        half = has_fast_bfloat16(device)
    else:
        half = settings.precision == "bfloat16"
    half = half and not (device.type == "cpu" and dimensions == 3)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=half)


def make_scaler(device: torch.device, settings: TrainSettings) -> torch.amp.GradScaler:
    """Return what keeps small gradients from vanishing in float16.

    Parameters
    ----------
    device : torch.device
    settings : TrainSettings
        With any other precision the scaler passes everything through.

    Returns
    -------
    torch.amp.GradScaler

    Raises
    ------
    ValueError
        If float16 is asked for where torch is not made for it.

    References
    ----------
    Micikevicius et al., 2018, https://doi.org/10.48550/arXiv.1710.03740
    """
    half = settings.precision == "float16"
    if half and device.type != "cuda":
        raise ValueError(
            f"train.precision = 'float16' needs a CUDA GPU, but training computes on "
            f"{device.type} here; choose 'auto', 'bfloat16' or 'float32'"
        )
    return torch.amp.GradScaler(device.type, enabled=half)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device computes with bfloat16 faster than with float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and _cpu_has_bfloat16()


@cache
def _cpu_has_bfloat16() -> bool:
    try:
        text = _CPU_INFO.read_text()
    except OSError:  # another system: it does not say
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return bool(_FAST_FLAGS & set(flags.split()))
