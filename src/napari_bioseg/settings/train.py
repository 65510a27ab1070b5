"""How long and how fast the network learns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Settings, setting

Device = Literal["auto", "cpu", "cuda", "mps"]


class TrainSettings(Settings):
    """Optimisation, stopping and reproducibility."""

    epochs: int = setting(100, ge=1, le=100_000, step=10)
    """Largest number of epochs."""
    steps: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = setting(
        "auto", advanced=True
    )
    """Optimiser steps per epoch; auto covers the training images about once."""
    minutes: Annotated[float, Field(gt=0, ge=0.01, le=100_000)] | Literal["off"] = (
        setting("off", unit="min", step=1.0)
    )
    """Stop after this much time and keep the best, or off."""
    batch_size: int = setting(8, ge=1, le=1024, step=1)
    """Patches per optimiser step."""
    learning_rate: float = setting(1e-3, ge=1e-7, le=1.0, step=1e-4)
    """Step size of AdamW at its highest."""
    schedule: Literal["cosine", "none"] = setting("cosine", advanced=True)
    """Lower the learning rate to zero along a cosine after a short warm-up, or keep
    it."""
    weight_decay: float = setting(1e-4, ge=0.0, le=1.0, step=1e-5, advanced=True)
    """Weight decay of AdamW."""
    patience: int = setting(20, ge=0, le=10_000, step=1)
    """Stop when validation has not improved for this many epochs; 0 never stops."""
    seed: int = setting(0, ge=0, le=2**31 - 1, step=1, advanced=True)
    """Start of all random numbers; the same seed gives the same training."""
    device: Device = setting("auto", advanced=True)
    """Where to compute; auto takes a GPU if there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = setting("auto", advanced=True)
    """Numbers that training computes with; auto takes bfloat16 where the CPU or GPU is
    faster with it. Predictions, and volumes on a CPU, always use float32."""
    fit_thresholds: bool = setting(True, advanced=True)
    """At the end, set the instance thresholds that are not given to those that find
    the objects of the validation images best."""
