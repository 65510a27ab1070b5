"""How exactly training computes: 32-bit numbers, or a GPU's 16-bit ones."""

from __future__ import annotations

import torch

from napari_bioseg.settings import TrainSettings


def autocast(device: torch.device, settings: TrainSettings) -> torch.autocast:
    """Return the ``with`` under which the network runs in training.

    Parameters
    ----------
    device : torch.device
    settings : TrainSettings
        With ``precision="auto"``, bfloat16 on a GPU that has instructions for it.
        Weights, losses and all predictions stay float32 in any case.

    Returns
    -------
    torch.autocast

    Notes
    -----
    A CPU computes with float32 whatever is asked for. torch 2.13's 16-bit convolutions
    there do not repeat: on processors with instructions for bfloat16, another process
    got other gradients from the same weights and patches (so that a training that went
    on differed from one that was never interrupted), and gradients of small 3-D
    convolutions held undefined numbers. A network that found 24 of 24 objects with
    float32 found 12 with bfloat16 on such a processor.
    """
    numbers = half_numbers(device, settings)
    if numbers is None:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, dtype=numbers)


def half_numbers(device: torch.device, settings: TrainSettings) -> torch.dtype | None:
    """Return the 16-bit numbers that training computes with, or None for float32."""
    if device.type == "cpu" or settings.precision == "float32":
        return None
    if settings.precision == "float16":
        return torch.float16
    if settings.precision == "auto" and not has_fast_bfloat16(device):
        return None
    return torch.bfloat16


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
        advice = "; choose 'auto', 'bfloat16' or 'float32'"
        if device.type == "cpu":
            advice = ", always with float32; choose 'auto' or 'float32'"
        raise ValueError(
            f"train.precision = 'float16' needs a CUDA GPU, but training computes on "
            f"{device.type} here{advice}"
        )
    return torch.amp.GradScaler(device.type, enabled=half)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a GPU computes with bfloat16 faster than with float32."""
    if device.type != "cuda":
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


def precision_note(device: torch.device, settings: TrainSettings) -> str:
    """Return what to say where another precision is used than was asked for.

    Parameters
    ----------
    device : torch.device
    settings : TrainSettings

    Returns
    -------
    str
        Empty where there is nothing to say.
    """
    if device.type != "cpu" or settings.precision != "bfloat16":
        return ""
    return (
        "train.precision = bfloat16 is for GPUs; on the processor training computes "
        "with float32, whose results repeat exactly"
    )
