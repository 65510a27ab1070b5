"""The channels a network learns instead of labels, and the usual sets of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter

from .base import Settings, setting

BinaryLoss = Literal["bce", "dice", "dice_bce", "iou", "focal"]
FloatLoss = Literal["smooth_l1", "l1", "mse"]
FloatActivation = Literal["auto", "sigmoid", "linear"]


class ChannelSettings(Settings):
    """One channel; ``ChannelSettings(name="C", mode="inner")`` makes the right kind."""

    name: Any
    weight: float = setting(1.0, ge=0.0, le=100.0, step=0.1)
    """How much this channel counts in the training loss."""

    def __new__(cls, **values: Any) -> ChannelSettings:
        """Pick the class of the named channel when the base class is called."""
        if cls is ChannelSettings:
            return super().__new__(_kind_of(values.get("name")))
        return super().__new__(cls)

    @property
    def is_binary(self) -> bool:
        """Whether the channel holds probabilities rather than distances."""
        return self.name not in ("D", "Dv2")


class BinaryChannel(ChannelSettings):
    """What all channels of probabilities have in common."""

    loss: BinaryLoss = "bce"
    """What training minimises: cross-entropy (bce), the Dice loss, both, the overlap
    (IoU), or the focal loss, which looks at difficult pixels."""
    dice_share: float = setting(0.5, ge=0.0, le=1.0, step=0.1, advanced=True)
    """How much of dice_bce is the Dice loss; the rest is cross-entropy."""
    positive_weight: Annotated[float, Field(ge=0.01, le=1000.0)] | Literal["auto"] = (
        setting(1.0, step=0.5, advanced=True)
    )
    """How much pixels of the channel count beside all others in cross-entropy and focal
    loss; auto makes both count the same in every batch."""


class FloatChannel(ChannelSettings):
    """What all channels of distances have in common."""

    loss: FloatLoss = "smooth_l1"
    """What training minimises for the distances."""
    activation: FloatActivation = setting("auto", advanced=True)
    """What comes after the network: sigmoid keeps values in 0 to 1, linear leaves them;
    auto is linear for distances in physical units only."""

    @property
    def is_linear(self) -> bool:
        """Whether the network's output is left as it is."""
        physical = getattr(self, "scale", "") == "none"
        if self.activation == "auto":
            return physical
        return self.activation == "linear"


class Binary(BinaryChannel):
    """``B``: the inside of every instance, without its contour."""

    name: Literal["B"] = "B"
    erosion: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Shrink every instance by this many pixels before drawing the channel."""
    dilation: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Grow every instance by this many pixels before drawing the channel."""


class Foreground(BinaryChannel):
    """``F``: every pixel of an instance, its contour included."""

    name: Literal["F"] = "F"
    erosion: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Shrink every instance by this many pixels before drawing the channel."""
    dilation: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Grow every instance by this many pixels before drawing the channel."""


class Contour(BinaryChannel):
    """``C``: the contour of every instance."""

    name: Literal["C"] = "C"
    mode: Literal["thick", "inner", "outer", "dense"] = "thick"
    """Where contours are drawn: on both sides of the border, inside, outside, or on
    every pixel that touches another label."""


class Mask(BinaryChannel):
    """``M``: every pixel of an instance."""

    name: Literal["M"] = "M"


class Distance(FloatChannel):
    """``D``: distance of each pixel to the border of its instance."""

    name: Literal["D"] = "D"
    scale: Literal["instance", "image", "none"] = "instance"
    """Divide distances by each instance's largest, by the image's largest, or keep
    them in physical units."""
    region: Literal["each", "foreground"] = "each"
    """Measure to each instance's own border, or to the edge of all the foreground."""
    masked: bool = True
    """Learn distances inside instances only; the background does not count."""


class DistanceV2(FloatChannel):
    """``Dv2``: low in the middle of instances and far away from them, 1 on contours."""

    name: Literal["Dv2"] = "Dv2"
    region: Literal["each", "foreground"] = "each"
    """Measure to each instance's own border, or to the edge of all the foreground."""
    mode: Literal["thick", "inner", "outer", "dense"] = "thick"
    """Where the contour, which gets the value 1, is drawn."""


class Points(BinaryChannel):
    """``P``: a dot in the middle of every instance."""

    name: Literal["P"] = "P"
    dilation: int = setting(3, ge=0, le=50, step=1, unit="px")
    """Radius of the dots."""
    kind: Literal["centroid", "skeleton"] = "centroid"
    """Draw the centre of mass, or the middle line for elongated instances."""


Channel = Annotated[
    Binary | Contour | Distance | DistanceV2 | Foreground | Mask | Points,
    Field(discriminator="name"),
]

CHANNEL_NAMES = ("Dv2", "B", "C", "D", "F", "M", "P")
CONFIGURATIONS = (
    "BC",
    "BCD",
    "BCM",
    "BP",
    "BD",
    "BCDv2",
    "BDv2",
    "Dv2",
    "FC",
    "FCD",
    "FP",
)


def _kind_of(name: Any) -> type[ChannelSettings]:
    for kind in get_args(get_args(Channel)[0]):
        if kind.model_fields["name"].default == name:
            return kind  # type: ignore[no-any-return]
    raise ValueError(f"no channel is called {name!r}; there are {_known()}")


def _known() -> str:
    return ", ".join(CHANNEL_NAMES)


def parse_channels(value: Any) -> Any:
    """Turn ``"BCD"``, a list of names or of settings into a tuple of channels.

    Parameters
    ----------
    value : str or sequence of str, mapping or ChannelSettings
        ``"BCDv2"`` is read as B, C and Dv2.

    Returns
    -------
    tuple
        One entry per channel, not yet validated where it was a mapping.

    Raises
    ------
    ValueError
        If a name is unknown, appears twice, or nothing is left.
    """
    if isinstance(value, ChannelSettings):
        value = (value,)
    names = _split(value) if isinstance(value, str) else value
    out = tuple({"name": item} if isinstance(item, str) else item for item in names)
    if not out:
        raise ValueError(f"name at least one channel out of {_known()}, e.g. 'BC'")
    seen = [i["name"] if isinstance(i, dict) else i.name for i in out if i]
    for name in seen:
        if name not in CHANNEL_NAMES:
            raise ValueError(f"no channel is called {name!r}; there are {_known()}")
        if seen.count(name) > 1:
            raise ValueError(f"channel {name} is named twice in {'+'.join(seen)}")
    return out


def _split(text: str) -> list[str]:
    rest = text.strip()
    names = []
    while rest:
        for name in CHANNEL_NAMES:  # "Dv2" stands before "D"
            if rest.startswith(name):
                names.append(name)
                rest = rest[len(name) :].lstrip(" ,+")
                break
        else:
            raise ValueError(
                f"cannot read channels {text!r} from {rest!r} on; "
                f"use names out of {_known()}, e.g. 'BC' or 'BCDv2'"
            )
    return names


ChannelList = Annotated[tuple[Channel, ...], BeforeValidator(parse_channels)]
_ADAPTER: TypeAdapter[tuple[ChannelSettings, ...]] = TypeAdapter(ChannelList)


def channel_list(channels: Any) -> tuple[ChannelSettings, ...]:
    """Validate channels given as one text, names or settings.

    Parameters
    ----------
    channels : str or sequence
        For example ``"BCD"`` or ``[Contour(mode="inner"), "B"]``.

    Returns
    -------
    tuple of ChannelSettings

    Raises
    ------
    ValueError
        If a channel is unknown or named twice.

    Examples
    --------
    >>> [channel.name for channel in channel_list("BCDv2")]
    ['B', 'C', 'Dv2']
    """
    return _ADAPTER.validate_python(channels)
