"""What the network learns: to tell objects apart, or to tell classes apart."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import Settings, setting
from .channels import ChannelList, ChannelSettings, parse_channels


def _learned(channels: Any) -> Any:
    """Draw contours inside the objects unless another mode is given.

    A contour on both sides of the border lies half outside the object: what is learned
    then has no place for the object's true outline, and overlaps of 0.75 are missed.
    """
    return tuple(
        {"mode": "inner", **item}
        if isinstance(item, dict) and item.get("name") == "C"
        else item
        for item in parse_channels(channels)
    )


class InstanceTask(Settings):
    """Instances: touching objects get numbers of their own."""

    kind: Literal["instance"] = "instance"
    channels: Annotated[ChannelList, BeforeValidator(_learned)] = setting("BC")
    """Channels the network learns: BC, BCD, BCM, BP, or any list out of
    B, C, D, F, M, P and Dv2. Contours are drawn inside the objects."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels."""
        return tuple(channel.name for channel in self.channels)


class SemanticTask(Settings):
    """Semantic: every pixel gets a class."""

    kind: Literal["semantic"] = "semantic"
    classes: int = setting(2, ge=2, le=255, step=1)
    """Number of classes, background included."""
    loss: Literal["cross_entropy", "dice_ce"] = "dice_ce"
    """What training minimises: cross-entropy, alone or with the Dice loss."""

    @property
    def channels(self) -> tuple[ChannelSettings, ...]:
        """Semantic tasks learn classes, not channels."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels: one for two classes."""
        if self.classes == 2:
            return ("foreground",)
        return tuple(f"class {index}" for index in range(self.classes))


Task = Annotated[InstanceTask | SemanticTask, Field(discriminator="kind")]
