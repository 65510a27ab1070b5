"""Gates that tell where to look."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import Sizes, Style, activation, convolution, convolution_norm, max_pooling


class AttentionGate(nn.Module):
    """Dim a skip connection where the levels below find nothing of interest.

    Parameters
    ----------
    features : int
        Feature maps of the skip connection, and of what comes up from below.
    dimensions : int
        2 or 3.
    style : Style
        Norm and activation.

    Notes
    -----
    The gate looks at what comes up after it was enlarged; the published one enlarges
    the gate instead.

    References
    ----------
    Oktay et al., 2018, https://doi.org/10.48550/arXiv.1804.03999
    """

    def __init__(self, features: int, dimensions: int, style: Style) -> None:
        super().__init__()
        one = (1,) * dimensions
        inner = max(1, features // 2)
        self.skip = convolution_norm(features, inner, one, style, active=False)
        self.below = convolution_norm(features, inner, one, style, active=False)
        self.activation = activation(style.activation)
        self.open = convolution(inner, 1, one)

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        """Return the skip connection, dimmed."""
        inner = self.activation(self.skip(skip) + self.below(below))
        return skip * torch.sigmoid(self.open(inner))


class AttentionBelow(nn.Module):
    """Weigh what comes from below by itself and by the skip connection.

    Parameters
    ----------
    above, below : int
        Feature maps of the skip connection and of what comes from below.
    kernel : tuple of int
        Size of the convolutions.
    stride : tuple of int
        How many times larger the skip connection is.
    style : Style
        Norm and activation.

    References
    ----------
    Jha et al., 2019, https://doi.org/10.1109/ISM46123.2019.00049
    """

    def __init__(
        self, above: int, below: int, kernel: Sizes, stride: Sizes, style: Style
    ) -> None:
        super().__init__()
        self.above = convolution_norm(above, below, kernel, style)
        self.pool = max_pooling(stride)
        self.below = convolution_norm(below, below, kernel, style)
        self.open = convolution_norm(below, 1, (1,) * len(kernel), style, active=False)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Return what comes from below, weighed."""
        inner = self.pool(self.above(skip)) + self.below(x)
        return x * torch.sigmoid(self.open(inner))
