"""The block of U-NeXt: convolutions that borrow from transformers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import Sizes, Style, convolution, down_convolution, dropout

BLOCKS = 2
"""Blocks per level."""
EXPANSION = 4
SCALE = 0.1
"""How much a block counts at first; the published 1e-6 is for far deeper networks."""


class ChannelNorm(nn.Module):
    """Layer norm over the feature maps of each pixel."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)  # type: ignore[no-any-return]


class ConvNeXt(nn.Module):
    """A wide convolution of each map, then two mixtures of all maps, and a shortcut.

    Parameters
    ----------
    features : int
        Feature maps that come in and go out.
    kernel : tuple of int
        Size of the convolution.
    share : float
        Share of feature maps dropped.

    References
    ----------
    Liu et al., 2022, https://doi.org/10.1109/CVPR52688.2022.01167
    """

    def __init__(self, features: int, kernel: Sizes, share: float) -> None:
        super().__init__()
        self.wide = convolution(features, features, kernel, groups=features)
        self.norm = nn.LayerNorm(features, eps=1e-6)
        self.expand = nn.Linear(features, EXPANSION * features)
        self.shrink = nn.Linear(EXPANSION * features, features)
        self.scale = nn.Parameter(torch.full((features,), SCALE))
        self.dropout = dropout(share, len(kernel))

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        y = self.norm(self.wide(x).movedim(1, -1))
        y = self.shrink(functional.gelu(self.expand(y))) * self.scale
        return x + self.dropout(y.movedim(-1, 1))  # type: ignore[no-any-return]


class ConvNeXtStage(nn.Sequential):
    """Two blocks, behind a mixture where the number of feature maps changes."""

    def __init__(self, inputs: int, outputs: int, kernel: Sizes, style: Style) -> None:
        parts: list[nn.Module] = []
        if inputs != outputs:
            one = (1,) * len(kernel)
            parts = [convolution(inputs, outputs, one), ChannelNorm(outputs)]
        parts += [ConvNeXt(outputs, kernel, style.dropout) for _ in range(BLOCKS)]
        super().__init__(*parts)


class ConvNeXtDown(nn.Sequential):
    """Norm and a convolution that divides the image's size."""

    def __init__(self, inputs: int, outputs: int, stride: Sizes) -> None:
        super().__init__(ChannelNorm(inputs), down_convolution(inputs, outputs, stride))
