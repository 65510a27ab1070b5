"""How long and how fast the network learns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Settings, Switch, setting
from .optimizer import AdamW, OptimizerSettings
from .schedule import ScheduleSettings, WarmupCosine

Device = Literal["auto", "cpu", "cuda", "mps"]


class TrainSettings(Settings):
    """Optimisation, stopping and reproducibility."""

    epochs: int = setting(100, ge=1, le=100_000, step=10)
    """Largest number of epochs."""
    steps: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = setting(
        "auto", advanced=True, group="Steps"
    )
    """Optimiser steps per epoch; auto covers the training images about once."""
    minutes: Annotated[float, Field(gt=0, ge=0.01, le=100_000)] | Literal["off"] = (
        setting("off", unit="min", step=1.0)
    )
    """Stop after this much time and keep the best, or off."""
    batch_size: int = setting(8, ge=1, le=1024, step=1)
    """Patches per optimiser step."""
    accumulation: int = setting(1, ge=1, le=1024, step=1, advanced=True, group="Steps")
    """Parts in which a batch is computed, one after the other: more parts need less
    memory; each step still learns from the whole batch, but batch norms see one
    part at a time."""
    optimizer: OptimizerSettings = setting(
        AdamW(), title="optimiser", advanced=True, group="Steps"
    )
    """What changes the weights after every step."""
    learning_rate: float = setting(1e-3, ge=1e-7, le=1.0, step=1e-4)
    """Step size of the optimiser at its highest."""
    schedule: ScheduleSettings = setting(WarmupCosine(), advanced=True, group="Steps")
    """How the learning rate changes in the course of the training."""
    weight_decay: float = setting(
        1e-4, ge=0.0, le=1.0, step=1e-5, advanced=True, group="Steps"
    )
    """How strongly each step draws the weights towards zero."""
    clip_gradients: Annotated[float, Field(ge=1e-3, le=1e6)] | Literal["off"] = setting(
        10.0, step=1.0, advanced=True, group="Steps"
    )
    """Longer gradients are shortened to this, so that one odd patch does no harm; or
    off."""
    averaging: Annotated[float, Field(ge=0.5, le=0.99999)] | Literal["off"] = setting(
        "off", step=0.001, title="weight averaging", advanced=True, group="Steps"
    )
    """Judge and keep a running average of the weights instead of the newest ones; 0.999
    averages over about the last 1000 steps. Helps where batches are small or labels
    uneven; or off."""
    patience: int = setting(20, ge=0, le=10_000, step=1)
    """Stop when the monitored quantity has not improved for this many epochs; 0 never
    stops."""
    monitor: str = setting(
        "validation loss",
        advanced=True,
        group="Best model and files",
        suggestions=("validation loss", "training loss", "IoU"),
    )
    """What decides which epoch is the best and when patience ends: validation loss,
    training loss, or any score that training shows, such as IoU or IoU C."""
    checkpoints: int = setting(
        0, ge=0, le=100, step=1, advanced=True, group="Best model and files"
    )
    """How many of the best epochs are kept as models of their own, in the folder
    checkpoints, beside the best one."""
    tensorboard: bool = setting(
        False, title="TensorBoard log", advanced=True, group="Best model and files"
    )
    """Write curves and sample predictions for TensorBoard into the model folder."""
    report: bool = setting(True, advanced=True, group="Best model and files")
    """At the end, write report.html into the model folder: curves, sample predictions
    and settings in one page."""
    seed: int = setting(0, ge=0, le=2**31 - 1, step=1, advanced=True, group="Computer")
    """Start of all random numbers; the same seed gives the same training."""
    deterministic: bool = setting(False, advanced=True, group="Computer")
    """On a GPU, use only operations that give the very same result every time, which is
    slower; on a CPU they always do."""
    device: Device = setting("auto", advanced=True, group="Computer")
    """Where to compute; auto takes a GPU if there is one."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "auto", advanced=True, group="Computer"
    )
    """Numbers that training computes with; auto takes bfloat16 on GPUs that are faster
    with it, float16 is for older ones. A CPU always computes with float32."""
    channels_last: Switch = setting("auto", advanced=True, group="Computer")
    """Keep an image's channels side by side in memory; auto does where that is faster:
    for 2-D images."""
    compile: Switch = setting("auto", advanced=True, group="Computer")
    """Compile the network for its patch size before the first step, which takes a
    minute; auto does on a GPU when the training is long enough to win that back."""
    fit_thresholds: bool = setting(True, advanced=True, group="Best model and files")
    """At the end, set the instance thresholds that are not given to those that find
    the objects of the validation images best."""
