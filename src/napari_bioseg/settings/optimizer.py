"""Which optimiser changes the weights after every step."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import Settings, setting


class AdamW(Settings):
    """Adam with decoupled weight decay: the usual choice."""

    kind: Literal["adamw"] = "adamw"
    momentum: float = setting(0.9, ge=0.0, le=0.999, step=0.01, advanced=True)
    """How much of the earlier steps' direction each step keeps."""


class Adam(Settings):
    """Adam, with weight decay as part of the gradient."""

    kind: Literal["adam"] = "adam"
    momentum: float = setting(0.9, ge=0.0, le=0.999, step=0.01, advanced=True)
    """How much of the earlier steps' direction each step keeps."""


class SGD(Settings):
    """Stochastic gradient descent: wants a learning rate about ten times as high."""

    kind: Literal["sgd"] = "sgd"
    momentum: float = setting(0.9, ge=0.0, le=0.999, step=0.01, advanced=True)
    """How much of the earlier steps' direction each step keeps."""
    nesterov: bool = setting(True, advanced=True)
    """Look one step ahead along that direction; without effect if momentum is 0."""


def named(value: Any) -> Any:
    """Accept the name of an alternative alone: ``"sgd"`` for ``{"kind": "sgd"}``."""
    return {"kind": value} if isinstance(value, str) else value


OptimizerSettings = Annotated[
    Annotated[AdamW | Adam | SGD, Field(discriminator="kind")],
    BeforeValidator(named),
]
"""One of the optimisers, or its name."""
