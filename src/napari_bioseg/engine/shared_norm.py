"""Batch normalisation over the patches of all processes, on any device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn

from .processes import Processes

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_SIGNS = 2
"""At the end of each message: how many processes gave up, and how many came through."""


class _SumOverProcesses(torch.autograd.Function):
    """Add up a tensor; gradients add up on the way back, too."""

    @staticmethod
    def forward(context: Any, values: Tensor, length: int) -> Tensor:
        context.length = length
        return _added_up(values, length)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _added_up(gradient, context.length), None


def _added_up(values: Tensor, length: int) -> Tensor:
    """Return the sum over all processes, sent in a message of so many numbers."""
    message = values.new_zeros(length)
    message[: len(values)] = values
    distributed.all_reduce(message)
    return message[: len(values)]


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation whose statistics are those of the whole batch.

    Each process holds a part of the batch only; means and squares are summed over all
    of them, so that several processes train as one would. Outside of training it is
    the usual one. (torch's own SyncBatchNorm works on GPUs alone.)

    References
    ----------
    Ioffe and Szegedy, 2015, https://doi.org/10.48550/arXiv.1502.03167
    """

    connected = True
    """Whether the other processes take part; not in a trial of one process alone."""
    length = 0
    """Length of a message, the same for all norms of a network."""

    def _check_input_dim(self, input: Tensor) -> None:
        del input  # whatever the norm that it replaces took

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a batch, (N, C, [Z,] Y, X)."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        axes = [0, *range(2, values.ndim)]
        count = values.new_full((1,), values.numel() / values.shape[1])
        sums = torch.cat([values.sum(axes), values.square().sum(axes), count])
        if self.connected:
            sums = _SumOverProcesses.apply(sums, self.length)  # type: ignore[no-untyped-call]
        total = sums[-1]
        mean, square = (sums[:-1] / total).chunk(2)
        variance = (square - mean.square()).clamp(min=0.0)
        self._remember(mean.detach(), variance.detach(), float(total.detach()))
        shape = [1, -1] + [1] * (values.ndim - 2)
        out = (values - mean.view(shape)) * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: float) -> None:
        """Bring the running statistics up to date."""
        if self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        share = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / max(count - 1, 1), share)


def share_norms(network: nn.Module) -> None:
    """Let all batch norms of a network look at the whole batch from now on.

    Parameters
    ----------
    network : nn.Module
        Its weights keep their names; it can only train while processes are connected.
    """
    norms = [module for module in network.modules() if isinstance(module, BATCH_NORMS)]
    widest = max((norm.num_features for norm in norms), default=0)
    for norm in norms:
        norm.__class__ = SharedBatchNorm  # type: ignore[assignment]
        norm.length = 2 * widest + 1 + _SIGNS  # type: ignore[assignment]


def leave_norms_alone(network: nn.Module) -> None:
    """Let the batch norms of a network look at this process's patches only.

    Parameters
    ----------
    network : nn.Module
    """
    for module in network.modules():
        if isinstance(module, SharedBatchNorm):
            module.connected = False


def someone_failed(network: nn.Module, processes: Processes, *, failed: bool) -> bool:
    """Return whether some process could not compute its gradients.

    Norms wait for each other in the middle of a network. A process whose memory ran out
    there answers in their place, with zeros, until the others are through: all messages
    of a network are of one length for that.

    Parameters
    ----------
    network : nn.Module
    processes : Processes
        All of them call this after each attempt.
    failed : bool
        Whether this process gave up.

    Returns
    -------
    bool
        The same in all of them.
    """
    if processes.count == 1:
        return failed
    norms = [m for m in network.modules() if isinstance(m, SharedBatchNorm)]
    length = norms[0].length if norms else _SIGNS
    while True:
        message = torch.zeros(length)
        message[-_SIGNS:] = torch.tensor([float(failed), float(not failed)])
        gave_up, came_through = processes.sum(message)[-_SIGNS:].tolist()
        if came_through or gave_up == processes.count:
            return bool(gave_up)
