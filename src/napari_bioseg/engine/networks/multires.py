"""The block and the skip connections of MultiResUNet."""

from __future__ import annotations

from torch import Tensor, cat, nn

from .blocks import Sizes, Style, activation, convolution_norm, dropout, norm

ALPHA = 1.67
"""Published factor that gives a network about as many weights as a U-Net."""


class MultiResBlock(nn.Module):
    """Three convolutions in a row, all of whose results are kept: three sizes at once.

    Parameters
    ----------
    inputs, outputs : int
        Feature maps that come in and go out; take the latter from `width`.
    kernel : tuple of int
        Size of the convolutions.
    style : Style
        Norm, activation and dropout.

    References
    ----------
    Ibtehaz and Rahman, 2020, https://doi.org/10.1016/j.neunet.2019.08.025
    """

    def __init__(self, inputs: int, outputs: int, kernel: Sizes, style: Style) -> None:
        super().__init__()
        widths = (outputs // 6, outputs // 3, outputs - outputs // 6 - outputs // 3)
        before = (inputs, *widths)
        self.steps = nn.ModuleList(
            convolution_norm(first, then, kernel, style)
            for first, then in zip(before, widths, strict=False)
        )
        one = (1,) * len(kernel)
        self.shortcut = convolution_norm(inputs, outputs, one, style, active=False)
        self.norm = norm(style.norm, outputs, len(kernel))
        self.dropout = dropout(style.dropout, len(kernel))
        self.activation = activation(style.activation)

    @staticmethod
    def width(features: int) -> int:
        """Return how many feature maps stand for so many of a U-Net."""
        return max(6, int(ALPHA * features))

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        shortcut = self.shortcut(x)
        found = []
        for step in self.steps:
            x = step(x)
            found.append(x)
        joined = self.norm(self.dropout(cat(found, dim=1)))
        return self.activation(joined + shortcut)  # type: ignore[no-any-return]


class ResidualPath(nn.Module):
    """Convolutions on a skip connection, more of them at the levels further up.

    Parameters
    ----------
    inputs, outputs : int
        Feature maps that come in and go out.
    kernel : tuple of int
        Size of the convolutions.
    style : Style
        Norm and activation.
    length : int
        Number of convolutions.

    References
    ----------
    Ibtehaz and Rahman, 2020, https://doi.org/10.1016/j.neunet.2019.08.025
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: Sizes, style: Style, length: int
    ) -> None:
        super().__init__()
        one = (1,) * len(kernel)
        before = [inputs, *[outputs] * (length - 1)]
        self.steps = nn.ModuleList(
            convolution_norm(first, outputs, kernel, style, active=False)
            for first in before
        )
        self.shortcuts = nn.ModuleList(
            convolution_norm(first, outputs, one, style, active=False)
            for first in before
        )
        self.activation = activation(style.activation)

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        """Return the skip connection, closer in kind to what comes from below."""
        del below
        for step, shortcut in zip(self.steps, self.shortcuts, strict=True):
            skip = self.activation(step(skip) + shortcut(skip))
        return skip
