"""The network's shape."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Settings, setting


class NetworkSettings(Settings):
    """Architecture and size of the network."""

    architecture: Literal["unet", "residual_unet"] = "residual_unet"
    """U-Net, or U-Net with residual blocks (learns faster)."""
    features: int = setting(16, ge=4, le=128, step=4)
    """Feature maps of the first level; doubled at every level below."""
    depth: int = setting(4, ge=1, le=6, step=1)
    """How many times the image is halved on the way down."""
    z_levels: Annotated[int, Field(ge=0, le=6)] | Literal["auto"] = setting(
        "auto", advanced=True
    )
    """In 3-D, how many of these times z is halved too; auto looks at the spacing and
    leaves z alone while its pixels are larger than those of y and x."""
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
