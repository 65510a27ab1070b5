"""Size and speed of every architecture.

Run ``python benchmarks/networks.py``: weights, seconds of a prediction and seconds of a
training step (forward, loss, backward, AdamW) of each at 256 x 256 in 2-D and
64 x 64 x 64 in 3-D, one image at a time, as Markdown. Each time is the shortest of
several, on one thread and as processor time, so that a busy machine changes little;
``--wall`` gives times by the clock on all cores. ``--device cuda`` measures on a GPU.
Where BiaPy is installed, its network of the same name and width follows ours, after a
slash, in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import torch
from torch import nn

from napari_bioseg.engine import Model
from napari_bioseg.engine.loss import Loss
from napari_bioseg.settings import NetworkSettings, TrainedOn, Workflow
from napari_bioseg.settings.network import Architecture
from peer import INSTALLED, peer_network
from timing import machine

SIZES = {2: (256, 256), 3: (64, 64, 64)}


def model_of(architecture: str, dimensions: int, device: str) -> Model:
    """Return a model at 16-32-64-128-256 feature maps, two output channels."""
    facts = TrainedOn(
        dimensions=2 if dimensions == 2 else 3,
        spacing=(1.0,) * dimensions,
        patch=SIZES[dimensions],
    )
    network = NetworkSettings(architecture=architecture)  # type: ignore[arg-type]
    return Model.create(Workflow(network=network, trained=facts), device=device)


@dataclass(frozen=True)
class Clock:
    """How to take times."""

    device: str
    wall: bool
    least: float
    """Seconds to measure for."""

    def shortest(self, call: Callable[[], object]) -> float:
        """Return the shortest of several runs, at least 3."""
        now = time.perf_counter if self.wall else time.process_time
        call()
        times: list[float] = []
        while len(times) < 3 or sum(times) < self.least:
            began = now()
            call()
            if self.device == "cuda":
                torch.cuda.synchronize()
            times.append(now() - began)
        return min(times)


def measure(
    network: nn.Module, loss: Loss, dimensions: int, clock: Clock
) -> tuple[int, float, float]:
    """Return weights, and the seconds of a prediction and of a training step."""
    device = clock.device
    network.to(device)
    image = torch.randn(1, 1, *SIZES[dimensions], device=device)
    if dimensions == 2:
        image = image.contiguous(memory_format=torch.channels_last)
        network.to(memory_format=torch.channels_last)
    targets = (torch.rand(1, 2, *SIZES[dimensions], device=device) > 0.7).float()
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def forward() -> None:
        with torch.inference_mode():
            network(image)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(network(image), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    network.eval()
    predicted = clock.shortest(forward)
    network.train()
    weights = sum(one.numel() for one in network.parameters())
    return weights, predicted, clock.shortest(step)


def both(name: str, dimensions: int, clock: Clock) -> list[tuple[int, float, float]]:
    """Measure our network and BiaPy's, if that is installed."""
    model = model_of(name, dimensions, clock.device)
    loss = Loss(model)
    found = [measure(model.network, loss, dimensions, clock)]
    del model
    gc.collect()
    if INSTALLED:
        with contextlib.redirect_stdout(io.StringIO()):  # it tells of its channels
            peer = peer_network(name, SIZES[dimensions], [2])
        found.append(measure(peer, loss, dimensions, clock))
    return found


def weights_of_reference() -> int:
    """Count the weights of the usual U-Net: transposed convolutions and no norms."""
    network = NetworkSettings(
        architecture="unet", normalization="none", upsampling="transposed"
    )
    return Model.create(Workflow(network=network, trained=TrainedOn())).parameters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0, help="least per figure")
    parser.add_argument("--only", nargs="*", help="architectures")
    args = parser.parse_args()
    wall = args.wall or args.device != "cpu"
    if not wall:
        torch.set_num_threads(1)
    clock = Clock(args.device, wall, args.seconds)
    where = machine() if args.device == "cpu" else torch.cuda.get_device_name()
    print(f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print(f"U-Net as usual, 2-D: {weights_of_reference() / 1e6:.2f} M weights\n")
    print("| | weights, M | | forward, ms | | training step, ms | |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print("| | 2-D | 3-D | 2-D | 3-D | 2-D | 3-D |")
    for name in args.only or get_args(Architecture):
        found = [both(name, dimensions, clock) for dimensions in SIZES]
        cells = [
            " / ".join(f"{factor * one[k]:.{digits}f}" for one in sizes)
            for k, factor, digits in ((0, 1e-6, 2), (1, 1e3, 0), (2, 1e3, 0))
            for sizes in found
        ]
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
