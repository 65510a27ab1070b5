"""The network's shape."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from .base import Settings, setting

Architecture = Literal[
    "unet",
    "residual_unet",
    "attention_unet",
    "se_unet",
    "resunet_se",
    "multiresunet",
    "resunet_plus_plus",
    "unext",
    "unetr_mini",
    "unetr_small",
    "unetr_base",
]


class NetworkSettings(Settings):
    """Architecture and size of the network."""

    architecture: Architecture = "residual_unet"
    """Kind of network. Residual U-Net suits most images; the others are for comparison,
    and UNETR wants much data and a GPU."""
    features: int = setting(16, ge=4, le=128, step=4)
    """Feature maps of the first level."""
    growth: float = setting(2.0, ge=1.0, le=4.0, step=0.25, advanced=True)
    """How many times more feature maps each level has than the one above it."""
    depth: int = setting(4, ge=1, le=6, step=1)
    """How many times the image is halved on the way down."""
    z_levels: Annotated[int, Field(ge=0, le=6)] | Literal["auto"] = setting(
        "auto", advanced=True
    )
    """In 3-D, how many of these times z is halved too; auto looks at the spacing and
    leaves z alone while its pixels are larger than those of y and x."""
    kernel: Annotated[int, Field(ge=3, le=7)] | Literal["auto"] = setting(
        "auto", step=2, advanced=True, title="kernel size"
    )
    """Pixels along each side of the convolutions; auto is what the architecture was
    published with: 7 for U-NeXt, else 3."""
    normalization: Literal["batch", "instance", "group", "none"] = setting(
        "batch", advanced=True
    )
    """Normalisation layers inside the network."""
    activation: Literal["relu", "leaky_relu", "elu", "silu"] = setting(
        "relu", advanced=True
    )
    """Activation function inside the network."""
    upsampling: Literal["transposed", "linear"] = setting("linear", advanced=True)
    """How the way up doubles the image: learned, or linear interpolation."""
    dropout: float = setting(0.0, ge=0.0, le=0.9, step=0.05, advanced=True)
    """Share of feature maps dropped at random in training."""
    custom: str = setting("", advanced=True, title="own network")
    """A network of your own in place of the architecture: the name it is registered
    under, or package.module:Name. Only installed or expressly allowed ones are run."""

    @field_validator("kernel")
    @classmethod
    def _odd(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value % 2 == 0:
            raise ValueError(
                f"a kernel has a middle, so its size is odd: 3, 5 or 7, not {value}"
            )
        return value
