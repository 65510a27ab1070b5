"""A running average of the weights, which is often better than the newest ones."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class WeightAverage(Generic[Network]):
    """An exponential moving average of a network's weights and norms.

    Parameters
    ----------
    network : nn.Module
        The network that learns; the average starts at its present weights.
    decay : float
        How much of the average stays at each step. It is less in the first steps,
        (1 + n) / (10 + n) after n, so that the random start is forgotten soon.

    Attributes
    ----------
    network : nn.Module
        A twin of the network that holds the average.
    weights : dict of str to Tensor
        Its weights, live.

    References
    ----------
    Polyak and Juditsky, 1992, https://doi.org/10.1137/0330046

    Examples
    --------
    >>> network = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(network.weight, 1.0)
    >>> average = WeightAverage(network, decay=0.9)
    >>> _ = nn.init.constant_(network.weight, 2.0)
    >>> average.update(network)
    >>> round(float(average.weights["weight"]), 3)
    1.818
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.network: Network = copy.deepcopy(network).requires_grad_(False)
        self.weights: dict[str, Tensor] = self.network.state_dict()

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the network's newest weights into account."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, newest = [], []
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                mine.append(self.weights[name])
                newest.append(tensor)
            else:  # counters
                self.weights[name].copy_(tensor)
        torch._foreach_lerp_(mine, newest, 1 - decay)

    def load(self, weights: dict[str, Tensor], updates: int) -> None:
        """Go on from an earlier average."""
        self.updates = updates
        for name, tensor in weights.items():
            self.weights[name].copy_(tensor)
