"""How long training will take and how much memory, before it starts."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from napari_bioseg.settings import SGD, TrainSettings

from .batch import draw_batch, epoch_order, to_device
from .free_memory import free_memory
from .layout import lay_out, memory_format
from .loss import Loss
from .model import Model
from .out_of_memory import forget_cache, is_out_of_memory
from .patches import Sample
from .plan import Plan
from .precision import autocast
from .shared_norm import leave_norms_alone

WHOLE_BATCH = 0.5
"""A whole batch is timed if that probably takes less than this, in seconds; else one
patch stands for all."""
WORKSPACE = 1.5
"""Memory of a step, beside the weights, as a multiple of what it keeps to go back; as
measured on a CPU."""
FORWARD_SHARE = 1 / 3
"""Time of going forward only, as a share of a step."""


@dataclass(frozen=True)
class Estimate:
    """What a training will need, from trying a step on a copy of the network.

    Attributes
    ----------
    step_seconds : float
        One optimiser step, its data included.
    epoch_seconds : float
        One epoch, validation included.
    seconds : float
        All epochs, or the limit of time; patience may end training sooner.
    memory : int
        Bytes that training takes on its device.
    free : int
        Bytes that are free there.
    """

    step_seconds: float
    epoch_seconds: float
    seconds: float
    memory: int
    free: int

    @property
    def fits(self) -> bool:
        """Whether memory will probably suffice."""
        return self.memory <= self.free


def estimate(model: Model, plan: Plan, *, at_once: int, epochs: int) -> Estimate:
    """Try one step without changing anything.

    Parameters
    ----------
    model : Model
    plan : Plan
    at_once : int
        Patches computed together.
    epochs : int
        How many are to come.

    Returns
    -------
    Estimate
    """
    settings = plan.workflow.train
    order = epoch_order(plan, 1)
    draw_batch(plan, order, 1, 0)  # what is compiled or read once is no time per step
    before = time.perf_counter()
    samples = draw_batch(plan, order, 1, 0)
    data = time.perf_counter() - before
    patches = max(1, len(samples))
    patch_seconds, kept = _try(model, settings, samples[:at_once])
    forget_cache(model.device)
    step = data + patches * patch_seconds
    validation = len(plan.grid) * patch_seconds * FORWARD_SHARE
    epoch = plan.steps * step + validation
    seconds = epochs * epoch
    if settings.minutes != "off":
        seconds = min(seconds, 60 * settings.minutes)
    weights = sum(w.numel() * w.element_size() for w in model.network.parameters())
    memory = weights * _copies(settings) + WORKSPACE * kept * min(at_once, patches)
    return Estimate(
        step_seconds=step,
        epoch_seconds=epoch,
        seconds=seconds,
        memory=int(memory),
        free=free_memory(model.device),
    )


def _copies(settings: TrainSettings) -> int:
    """Count what is kept per weight: itself, gradient, best, the optimiser's."""
    remembered = 1 if isinstance(settings.optimizer, SGD) else 2
    return 3 + remembered + (settings.averaging != "off")


def _try(
    model: Model, settings: TrainSettings, samples: list[Sample]
) -> tuple[float, int]:
    """Return seconds and bytes per patch of going forward and back."""
    network = copy.deepcopy(model.network).train()
    leave_norms_alone(network)  # other processes may try another number of patches
    layout = memory_format(settings, model.dimensions)
    lay_out(network, layout)
    kept: dict[int, int] = {}
    own = {weight.untyped_storage().data_ptr() for weight in network.parameters()}

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    def once(part: list[Sample]) -> float:
        images, targets = to_device(part, model)
        images = images.contiguous(memory_format=layout)
        began = _now(model.device)
        with autocast(model.device, settings):
            logits = network(images)
        Loss(model)(logits.float(), targets).backward()  # type: ignore[no-untyped-call]
        return _now(model.device) - began

    devices: list[Any] = [model.device] if model.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices):
            with torch.autograd.graph.saved_tensors_hooks(remember, _same):
                once(samples[:1])  # warms up, too
            seconds = once(samples[:1])
            if 0 < seconds * len(samples) < WHOLE_BATCH and len(samples) > 1:
                seconds = once(samples) / len(samples)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        seconds = 0.0  # training itself will say that memory ran out
    return seconds, sum(kept.values())


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
