"""What tells the encoder-decoders apart: their blocks and what joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from napari_bioseg.settings import NetworkSettings

from .blocks import PlainBlock, ResidualBlock, Sizes, Style
from .convnext import BLOCKS, ConvNeXtStage
from .multires import MultiResBlock


@dataclass(frozen=True)
class Design:
    """One architecture as a choice of parts.

    Parameters
    ----------
    block : type
        Makes the block of a level from inputs, outputs, kernel and style.
    convolutions : int
        How many convolutions of the level's kernel follow each other in a block.
    kernel : int
        Size of the convolutions where the settings leave it open.
    squeeze : {"none", "down", "all"}
        In which blocks feature maps are weighed by their mean.
    skip : {"plain", "gate", "path"}
        Skip connections as they are, through an attention gate, or through
        convolutions.
    pyramid : bool
        Whether distances of several sizes are looked at below and at the end, and
        what comes from below is weighed by attention.
    down : {"pool", "convolution"}
        How the image is halved.
    unused : tuple of str
        Settings that change nothing.
    """

    block: Callable[..., nn.Module]
    convolutions: int = 2
    kernel: int = 3
    squeeze: Literal["none", "down", "all"] = "none"
    skip: Literal["plain", "gate", "path"] = "plain"
    pyramid: bool = False
    down: Literal["pool", "convolution"] = "pool"
    unused: tuple[str, ...] = ()

    def width(self, features: int) -> int:
        """Return how many feature maps a level has where a U-Net has so many."""
        if self.block is MultiResBlock:
            return MultiResBlock.width(features)
        return features

    def make_block(
        self, inputs: int, outputs: int, kernel: Sizes, style: Style, *, way_down: bool
    ) -> nn.Module:
        """Return the block of one level."""
        if self.squeeze == "all" or (self.squeeze == "down" and way_down):
            return self.block(inputs, outputs, kernel, style, squeeze=True)
        return self.block(inputs, outputs, kernel, style)

    @property
    def sees_all(self) -> bool:
        """Whether every output pixel depends on the whole image."""
        return self.squeeze != "none"


DESIGNS: dict[str, Design] = {
    "unet": Design(PlainBlock),
    "residual_unet": Design(ResidualBlock),
    "attention_unet": Design(PlainBlock, skip="gate"),
    "se_unet": Design(PlainBlock, squeeze="all"),
    "resunet_se": Design(ResidualBlock, squeeze="all"),
    "multiresunet": Design(MultiResBlock, convolutions=3, skip="path"),
    "resunet_plus_plus": Design(ResidualBlock, squeeze="down", pyramid=True),
    "unext": Design(
        ConvNeXtStage,
        convolutions=BLOCKS,
        kernel=7,
        down="convolution",
        unused=("normalization", "activation"),
    ),
}
"""Architectures that are encoder-decoders of convolutions, by name."""


@dataclass(frozen=True)
class TransformerSize:
    """Size of the transformer inside a UNETR."""

    hidden: int
    heads: int
    layers: int = 12


TRANSFORMERS = {
    "unetr_mini": TransformerSize(192, 3),
    "unetr_small": TransformerSize(384, 6),
    "unetr_base": TransformerSize(768, 12),
}
"""Sizes of the published vision transformers Ti, S and B."""
TRANSFORMER_DEPTH = 4
"""A UNETR halves the image four times: its tokens are 16 pixels wide."""


def network_notes(network: NetworkSettings) -> list[str]:
    """Say which settings were changed but are not used by the architecture.

    Parameters
    ----------
    network : NetworkSettings

    Returns
    -------
    list of str
        One sentence per setting.

    Examples
    --------
    >>> network_notes(NetworkSettings(architecture="unext", activation="elu"))
    ['network.activation = elu is not used by unext, which has its own']
    """
    if network.custom:
        return [
            f"the network {network.custom!r} of your own is trained instead of "
            f"network.architecture = {network.architecture}"
        ]
    default = NetworkSettings()
    if network.architecture in TRANSFORMERS:
        notes = _changed(network, ("upsampling",), default, "which learns it")
        if network.depth != TRANSFORMER_DEPTH:
            notes.append(
                f"network.depth = {network.depth} is not used by "
                f"{network.architecture}, which halves the image "
                f"{TRANSFORMER_DEPTH} times"
            )
        return notes
    unused = DESIGNS[network.architecture].unused
    return _changed(network, unused, default, "which has its own")


def _changed(
    network: NetworkSettings,
    names: tuple[str, ...],
    default: NetworkSettings,
    reason: str,
) -> list[str]:
    return [
        f"network.{name} = {getattr(network, name)} is not used by "
        f"{network.architecture}, {reason}"
        for name in names
        if getattr(network, name) != getattr(default, name)
    ]
