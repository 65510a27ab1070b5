"""What training and prediction tell while they run: small frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

if TYPE_CHECKING:
    from .estimate import Estimate
    from .model import Model
    from .patches import Sample

Reason = Literal["finished", "patience", "time", "stopped", "diverged"]
"""Why training ended: all epochs done, no more progress, out of time, told to stop,
or the loss became infinite."""


@dataclass(frozen=True)
class Started:
    """Training is about to take its first step (or goes on, when resumed)."""

    model: Model
    """What is being trained, live: its weights change from event to event. With weight
    averaging it holds the average, which is what is judged and kept."""
    device: str
    """Where it computes: ``cpu``, ``cuda:0``, ``mps``."""
    training: int
    """Number of training images."""
    validation: int
    """Number of validation images; with a single image, a part of it."""
    patch: tuple[int, ...]
    """Size of the training patches, ([Z,] Y, X)."""
    batch_size: int
    """Patches per optimiser step."""
    parameters: int
    """Number of weights that are learned."""
    epochs: int
    """Largest number of epochs."""
    steps: int
    """Optimiser steps per epoch."""
    first_epoch: int = 1
    """The epoch that comes next: 1, or more when training is resumed."""
    notes: tuple[str, ...] = ()
    """What was decided that the user may want to know, one sentence each."""
    estimate: Estimate | None = None
    """How long it will take and how much memory, from trying one step."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the training data are: a name and a value each."""
    learned: tuple[str, ...] = ()
    """Names of the training images, as far as they have names."""
    judged: tuple[str, ...] = ()
    """Names of the validation images; with a single image, which is cut, its own."""
    examples: tuple[Sample, ...] = ()
    """A few validation patches with their targets, for pictures of predictions."""


@dataclass(frozen=True)
class StepDone:
    """One optimiser step was taken."""

    epoch: int
    """Current epoch, from 1."""
    step: int
    """Step within the epoch, from 1."""
    steps: int
    """Steps per epoch."""
    loss: float
    """Training loss of this step's batch."""
    learning_rate: float = 0.0
    """Learning rate of this step."""
    seconds_left: float = 0.0
    """Estimated time to the end, if patience does not end it sooner."""
    share: float = 0.0
    """How much of the training is done, 0 to 1, by steps or by the time allowed."""
    warning: str = ""
    """What changed without ending the training: memory ran out, say, so that fewer
    patches are computed at once."""


@dataclass(frozen=True)
class EpochDone:
    """One epoch was trained and validated."""

    epoch: int
    """The epoch that ended, from 1."""
    epochs: int
    """Largest number of epochs."""
    train_loss: float
    """Mean training loss over the epoch."""
    validation_loss: float
    """Loss on the validation images."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Validation scores by name, for example ``{"IoU B": 0.91, "IoU C": 0.55}``."""
    learning_rate: float = 0.0
    """Learning rate at the end of the epoch."""
    seconds: float = 0.0
    """Time since training started, earlier runs included when resumed."""
    seconds_left: float = 0.0
    """Estimated time to the end, if patience does not end it sooner."""
    best: bool = False
    """Whether this epoch is the best so far."""
    monitor: str = "validation loss"
    """Name of the quantity that decides which epoch is the best."""
    score: float = float("nan")
    """Its value after this epoch."""
    warning: str = ""
    """What went wrong without ending the training, such as a full disk."""


@dataclass(frozen=True)
class Trained:
    """Training ended; nothing comes after this."""

    model: Model
    """The model with its best weights."""
    epochs: int
    """Epochs that were finished."""
    best_epoch: int
    """The epoch whose weights these are; 0 if none was finished."""
    score: float | None
    """Monitored quantity in the best epoch, usually the validation loss; None if no
    epoch was finished or judged."""
    reason: Reason
    """Why it ended."""
    message: str = ""
    """Advice, where the end was not a good one; empty otherwise."""
    monitor: str = "validation loss"
    """Name of the monitored quantity."""


@dataclass(frozen=True)
class TileDone:
    """One tile of a prediction was computed."""

    index: int
    """How many tiles are done, from 1."""
    tiles: int
    """How many tiles there are."""
    region: tuple[slice, ...]
    """The part of the image, per spatial axis, whose values are final now."""
    data: NDArray[Any] | None = None
    """The values of that region, (C, [Z,] Y, X)."""
    place: tuple[int, ...] = ()
    """Which tile it is, counted along each axis."""


@dataclass(frozen=True)
class Predicted:
    """A prediction is complete; nothing comes after this."""

    data: Any
    """The whole prediction (C, [Z,] Y, X): a new array, or the one given as ``out``."""
    notes: tuple[str, ...] = ()
    """What the user should know about it, one sentence each."""


TrainEvent = Started | StepDone | EpochDone | Trained
"""What `train` yields, in order: Started, then per epoch StepDone and EpochDone, and
Trained last."""
PredictEvent = TileDone | Predicted
"""What `predict_tiles` yields: TileDone for every tile, and Predicted last."""
