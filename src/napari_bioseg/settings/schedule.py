"""How the learning rate changes in the course of a training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .base import Settings, setting
from .optimizer import named


class WarmupCosine(Settings):
    """Rise at first, then fall to zero along a cosine: the usual choice."""

    kind: Literal["warmup_cosine"] = "warmup_cosine"
    warmup: float = setting(0.03, ge=0.0, le=0.5, step=0.01, advanced=True)
    """Share of the training in which the learning rate rises."""


class Cosine(Settings):
    """Fall to zero along a cosine."""

    kind: Literal["cosine"] = "cosine"


class OneCycle(Settings):
    """Rise for long, from a 25th, then fall nearly to zero, both along a cosine."""

    kind: Literal["one_cycle"] = "one_cycle"
    rising: float = setting(0.3, ge=0.01, le=0.9, step=0.05, advanced=True)
    """Share of the training in which the learning rate rises."""


class Plateau(Settings):
    """Lower the learning rate when the monitored quantity has stopped improving."""

    kind: Literal["plateau"] = "plateau"
    factor: float = setting(0.5, ge=0.01, le=0.99, step=0.05, advanced=True)
    """What the learning rate is multiplied by."""
    wait: int = setting(5, ge=1, le=1000, step=1, advanced=True)
    """Epochs without improvement after which it is lowered."""


class Constant(Settings):
    """Keep the learning rate as it is."""

    kind: Literal["none"] = "none"


ScheduleSettings = Annotated[
    Annotated[
        WarmupCosine | Cosine | OneCycle | Plateau | Constant,
        Field(discriminator="kind"),
    ],
    BeforeValidator(named),
]
"""One of the schedules, or its name."""
