"""What the network learns: to tell objects apart, or to tell classes apart."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import Settings, setting
from .channels import ChannelList, ChannelSettings, parse_channels

ClassWeights = tuple[Annotated[float, Field(ge=0.0, le=1000.0)] | Literal["auto"], ...]
IGNORE = 255
"""In targets of binary channels and classes: this pixel is not labelled and counts for
nothing. Distances are NaN there."""


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
    classes: int = setting(1, ge=1, le=255, step=1)
    """Number of classes of objects, background included; 1 tells no classes apart. With
    more, each pair needs a second label image that gives every object its class."""
    class_weight: float = setting(1.0, ge=0.0, le=100.0, step=0.1, advanced=True)
    """How much the classes count beside the channels in the training loss."""
    class_weights: ClassWeights = setting((), step=0.5, advanced=True)
    """How much each class counts, class 0 first; auto weighs a class by its rarity, and
    a single value stands for all. Empty: all alike."""
    custom_loss: str = setting("", advanced=True, title="own loss")
    """A loss of your own in place of all others: the name it is registered under, or
    package.module:Name. Only installed or expressly allowed ones are run."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels, then of its classes, if any."""
        return (
            *(channel.name for channel in self.channels),
            *(class_names(self.classes) if self.has_classes else ()),
        )

    @property
    def configuration(self) -> str:
        """The channels' names in one word, such as BCD."""
        return "".join(channel.name for channel in self.channels)

    @property
    def has_classes(self) -> bool:
        """Whether objects get a class too."""
        return self.classes > 1


class SemanticTask(Settings):
    """Semantic: every pixel gets a class."""

    kind: Literal["semantic"] = "semantic"
    classes: int = setting(2, ge=2, le=255, step=1)
    """Number of classes, background included."""
    loss: Literal["cross_entropy", "dice", "dice_ce", "iou", "focal"] = "dice_ce"
    """What training minimises: cross-entropy, the Dice loss, both, the overlap (IoU),
    or the focal loss, which looks at difficult pixels."""
    dice_share: float = setting(0.5, ge=0.0, le=1.0, step=0.1, advanced=True)
    """How much of dice_ce is the Dice loss; the rest is cross-entropy."""
    class_weights: ClassWeights = setting((), step=0.5, advanced=True)
    """How much each class counts, class 0 first; auto weighs a class by its rarity, and
    a single value stands for all. Empty: all alike."""
    custom_loss: str = setting("", advanced=True, title="own loss")
    """A loss of your own in place of all others: the name it is registered under, or
    package.module:Name. Only installed or expressly allowed ones are run."""

    @property
    def channels(self) -> tuple[ChannelSettings, ...]:
        """Semantic tasks learn classes, not channels."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels: one for two classes."""
        if self.classes == 2:
            return ("foreground",)
        return class_names(self.classes)

    @property
    def has_classes(self) -> bool:
        """Semantic tasks know no objects that could have classes."""
        return False


def class_names(classes: int) -> tuple[str, ...]:
    """Return the names of a network's class outputs.

    Examples
    --------
    >>> class_names(2)
    ('class 0', 'class 1')
    """
    return tuple(f"class {index}" for index in range(classes))


Task = Annotated[InstanceTask | SemanticTask, Field(discriminator="kind")]
