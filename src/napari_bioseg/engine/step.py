"""One optimiser step: forward, backward and update, in as many parts as memory asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_bioseg.settings import TrainSettings

from .batch import stacked_targets, to_device
from .ema import WeightAverage
from .layout import compiles, lay_out, memory_format
from .loss import Loss
from .model import Model
from .optimizer import load_optimizer_state, make_optimizer, optimizer_state
from .out_of_memory import NOT_EVEN_ONE, fewer_at_once, is_out_of_memory, release
from .patches import DeviceSample, Sample
from .precision import autocast, make_scaler
from .processes import Processes
from .shared_norm import someone_failed

Batch = Sequence[Sample] | Sequence[DeviceSample]


@dataclass(frozen=True)
class Stepped:
    """What one step tells.

    Attributes
    ----------
    loss : float
        Mean over the batch, of all processes together.
    warning : str
        What changed on the way, such as the number of patches computed at once.
    """

    loss: float
    warning: str = ""


class Stepper:
    """Takes optimiser steps with one model.

    Parameters
    ----------
    model : Model
        Whose network learns.
    settings : TrainSettings
    processes : Processes
        Which share each batch.
    steps : int
        How many steps the training may take.

    Raises
    ------
    ValueError
        If the device cannot compute with the precision asked for.
    """

    def __init__(
        self, model: Model, settings: TrainSettings, processes: Processes, steps: int
    ) -> None:
        self.model = model
        self.settings = settings
        self.processes = processes
        self.loss = Loss(model)
        self.parts = settings.accumulation
        self._layout = memory_format(settings, model.dimensions)
        lay_out(model.network, self._layout)
        self._forward: Callable[[Tensor], Tensor] = model.network
        if compiles(settings, model.device, steps):
            self._forward = torch.compile(model.network)
        named = list(model.network.named_parameters())
        self._names = [name for name, _ in named]
        self._weights = [weight for _, weight in named]
        self._optimizer = make_optimizer(self._weights, settings, model.device)
        self._scaler = make_scaler(model.device, settings)
        self.judged = model
        """The model that is judged and kept: it holds the average, if there is one."""
        self.average: WeightAverage[Any] | None = None
        if settings.averaging != "off":
            self.average = WeightAverage(model.network, settings.averaging)
            self.judged = Model(self.average.network, model.workflow)

    @property
    def learning_rate(self) -> float:
        """Learning rate of the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    @property
    def may_recover(self) -> bool:
        """Whether an infinite loss is only float16's range, which the scaler heeds."""
        return self._scaler.is_enabled() and self._scaler.get_scale() > 1

    @property
    def at_once(self) -> int:
        """How many patches of a batch this process computes at once."""
        mine = -(-self.settings.batch_size // self.processes.count)
        return max(1, -(-mine // self.parts))

    def step(self, samples: Batch, rate: float, moment: list[int]) -> Stepped:
        """Take one step.

        Parameters
        ----------
        samples : sequence of (image, targets)
            This process's part of the batch.
        rate : float
            Learning rate.
        moment : list of int
            Epoch and step: with the seed they decide what dropout drops.

        Returns
        -------
        Stepped

        Raises
        ------
        MemoryError
            If not even one patch at once fits into memory.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        warning = ""
        while True:
            value, trouble, full = self._gradients(samples, moment)
            warning = "\n".join(text for text in (warning, trouble) if text)
            if not someone_failed(self.model.network, self.processes, failed=full):
                break
            warning = self._halve()
        self.processes.sum_gradients(self._weights)
        loss = float(self.processes.sum(torch.tensor(value, dtype=torch.float64)))
        if math.isfinite(loss) or self._scaler.is_enabled():
            self._update()
        return Stepped(loss, warning)

    def _gradients(self, samples: Batch, moment: list[int]) -> tuple[float, str, bool]:
        """Add up gradients part by part; return loss, trouble, and "memory is full"."""
        self._optimizer.zero_grad(set_to_none=True)
        value, trouble = 0.0, ""
        try:
            counts = self._counts(samples)
            for number, part in enumerate(_parts(samples, self.at_once)):
                images, targets = to_device(part, self.model)
                images = images.contiguous(memory_format=self._layout)
                with self._dropout_seed([*moment, number]):
                    try:
                        logits = self._network(images)
                    except RuntimeError as error:
                        if self._forward is self.model.network or is_out_of_memory(
                            error
                        ):
                            raise
                        trouble = self._uncompiled(error)
                        logits = self._network(images)
                loss = self.loss(logits.float(), targets, counts)
                self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                value += float(loss.detach())
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return 0.0, trouble, True
        return value, trouble, False

    def _counts(self, samples: Batch) -> Tensor | None:
        """Count what the loss of the whole batch is a mean of, in all processes.

        A batch that is one part counts for itself.
        """
        if self.processes.count == 1 and len(samples) <= self.at_once:
            return None
        parts = _parts(samples, self.at_once)
        own = [self.loss.counts(stacked_targets(part)) for part in parts]
        return self.processes.sum(torch.stack(own).sum(0)).to(self.model.device)

    def _network(self, images: Tensor) -> Tensor:
        with autocast(self.model.device, self.settings):
            logits: Tensor = self._forward(images)
        return logits

    def _uncompiled(self, error: RuntimeError) -> str:
        self._forward = self.model.network
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        return f"the network is not compiled, because that failed: {first}"

    def _halve(self) -> str:
        """Compute half as many patches at once."""
        self._optimizer.zero_grad(set_to_none=True)
        release(self.model.device)
        if self.at_once == 1:
            raise MemoryError(NOT_EVEN_ONE)
        before = self.at_once
        while self.at_once == before:
            self.parts *= 2
        return fewer_at_once(
            self.settings.batch_size, -(-self.settings.batch_size // self.at_once)
        )

    def _update(self) -> None:
        self._scaler.unscale_(self._optimizer)
        if self.settings.clip_gradients != "off":
            torch.nn.utils.clip_grad_norm_(self._weights, self.settings.clip_gradients)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self.average is not None:
            self.average.update(self.model.network)

    @contextmanager
    def _dropout_seed(self, moment: list[int]) -> Iterator[None]:
        """Let what is random in the network depend on the step alone.

        torch's own random state is kept.
        """
        words = np.random.SeedSequence([self.settings.seed, 4, *moment])
        device = self.model.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(int(words.generate_state(1)[0]))
            yield

    def state(self) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, float]]:
        """Return memory of the optimiser, the average, and numbers, to be saved."""
        numbers: dict[str, float] = {"halved": self.parts // self.settings.accumulation}
        if self.average is not None:
            numbers["updates"] = self.average.updates
        scaler = self._scaler.state_dict()
        numbers |= {f"scaler {name}": value for name, value in scaler.items()}
        average = {} if self.average is None else self.average.weights
        return optimizer_state(self._optimizer, self._names), average, numbers

    def load_state(
        self,
        optimizer: dict[str, Tensor],
        average: dict[str, Tensor],
        numbers: dict[str, float],
    ) -> None:
        """Go on from what `state` returned."""
        load_optimizer_state(self._optimizer, self._names, optimizer)
        self.parts = self.settings.accumulation * int(numbers.get("halved", 1))
        if self.average is not None:
            self.average.load(average, int(numbers.get("updates", 0)))
        scaler = {
            name.removeprefix("scaler "): value
            for name, value in numbers.items()
            if name.startswith("scaler ")
        }
        if scaler:
            self._scaler.load_state_dict(scaler)


def _parts(samples: Batch, size: int) -> Iterator[Batch]:
    for first in range(0, len(samples), size):
        yield samples[first : first + size]
