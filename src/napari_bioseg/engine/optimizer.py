"""The optimiser that the settings ask for, and its memory as named tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from napari_bioseg.settings import SGD, Adam, TrainSettings

FUSED = ("cpu", "cuda")
"""Devices on which one call updates all weights, which is faster."""


def make_optimizer(
    weights: Iterable[nn.Parameter], settings: TrainSettings, device: torch.device
) -> torch.optim.Optimizer:
    """Return a new optimiser.

    Parameters
    ----------
    weights : iterable of nn.Parameter
        What it shall change.
    settings : TrainSettings
        ``optimizer``, ``learning_rate`` and ``weight_decay``.
    device : torch.device
        Where the weights lie.

    Returns
    -------
    torch.optim.Optimizer

    References
    ----------
    Kingma and Ba, 2015, https://doi.org/10.48550/arXiv.1412.6980 (Adam)
    Loshchilov and Hutter, 2019, https://doi.org/10.48550/arXiv.1711.05101 (AdamW)
    """
    chosen = settings.optimizer
    common: dict[str, Any] = {
        "lr": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "fused": device.type in FUSED,
    }
    if isinstance(chosen, SGD):
        nesterov = chosen.nesterov and chosen.momentum > 0
        return torch.optim.SGD(
            weights, momentum=chosen.momentum, nesterov=nesterov, **common
        )
    kind = torch.optim.Adam if isinstance(chosen, Adam) else torch.optim.AdamW
    return kind(weights, betas=(chosen.momentum, 0.999), **common)


def optimizer_state(
    optimizer: torch.optim.Optimizer, names: list[str]
) -> dict[str, Tensor]:
    """Return an optimiser's memory by weight and quantity, ``"head.weight|step"``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{name}|{key}": torch.as_tensor(value)
        for index, name in enumerate(names)
        for key, value in state.get(index, {}).items()
        if value is not None  # SGD without momentum remembers nothing
    }


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, names: list[str], saved: dict[str, Tensor]
) -> None:
    """Give an optimiser the memory that `optimizer_state` returned."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    index = {name: number for number, name in enumerate(names)}
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in saved.items():
        name, quantity = key.rsplit("|", 1)
        number = index[name]
        if tensor.shape == weights[number].shape:
            # the fused step goes through memory in order, so the layouts must agree
            tensor = torch.empty_like(weights[number]).copy_(tensor)
        state.setdefault(number, {})[quantity] = tensor
    whole = optimizer.state_dict()
    optimizer.load_state_dict({**whole, "state": state})
