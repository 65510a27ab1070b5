"""Several processes that train one model together, as ``accelerate launch`` starts."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, distributed, nn


class Processes:
    """The processes that share each batch; usually just this one.

    ``accelerate launch`` and ``torchrun`` tell each process its number in the
    environment. Every process holds the whole network and takes its part of every
    batch; gradients are added up, so that all take the very same step.

    Parameters
    ----------
    rank : int
        Number of this process; 0 is the one that writes files.
    count : int
        How many there are.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank = rank
        self.count = count
        self._device = torch.device("cpu")

    @classmethod
    def launched(cls) -> Self:
        """Return the processes that were started together with this one."""
        rank = int(os.environ.get("RANK", "0"))
        return cls(rank, int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def share(self) -> tuple[int, int]:
        """Which of how many."""
        return self.rank, self.count

    @staticmethod
    def own_device(device: torch.device) -> torch.device:
        """Return the GPU that belongs to this process, or the device as it is."""
        if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true"):
            return torch.device("cpu")
        if device.type != "cuda" or "LOCAL_RANK" not in os.environ:
            return device
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))

    def connect(self, device: torch.device) -> None:
        """Wait until all processes are there.

        Parameters
        ----------
        device : torch.device
            Where this process computes.
        """
        if self.count == 1:
            return
        self._device = device
        if not distributed.is_initialized():
            on_gpu = device.type == "cuda"
            if on_gpu:
                torch.cuda.set_device(device)
            distributed.init_process_group("nccl" if on_gpu else "gloo")
            atexit.register(distributed.destroy_process_group)

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return, for each flag, whether it is up in some process."""
        if self.count == 1:
            return flags
        up = torch.tensor([float(flag) for flag in flags], device=self._device)
        distributed.all_reduce(up, distributed.ReduceOp.MAX)
        return tuple(bool(value) for value in up.tolist())

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of a small tensor over all processes."""
        if self.count == 1:
            return values
        total = values.to(self._device)
        distributed.all_reduce(total)
        return total.to(values.device)

    def of_the_first(self, value: float) -> float:
        """Return the value that the first process gives."""
        if self.count == 1:
            return value
        given = torch.tensor([value], dtype=torch.float64, device=self._device)
        distributed.broadcast(given, src=0)
        return float(given)

    def sum_gradients(self, weights: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all gradients, in one message."""
        if self.count == 1:
            return
        gradients = []
        for weight in weights:
            if weight.grad is None:  # this process had no patch that reached it
                weight.grad = torch.zeros_like(weight)
            gradients.append(weight.grad)
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def average_statistics(self, network: nn.Module) -> None:
        """Let all processes go on with the mean of their norms' running statistics."""
        if self.count == 1:
            return
        buffers = [b for b in network.buffers() if b.is_floating_point()]
        if not buffers:
            return
        flat = torch.cat([buffer.flatten() for buffer in buffers])
        distributed.all_reduce(flat)
        sizes = [buffer.numel() for buffer in buffers]
        parts = torch.split(flat / self.count, sizes)
        for buffer, part in zip(buffers, parts, strict=True):
            buffer.copy_(part.view_as(buffer))
