"""Look at several distances at once."""

from __future__ import annotations

from torch import Tensor, cat, nn

from .blocks import Sizes, Style, activation, convolution, norm

RATES = (6, 12, 18)


class Pyramid(nn.Module):
    """Convolutions with gaps of several sizes between their pixels, side by side.

    Parameters
    ----------
    features : int
        Feature maps that come in and go out.
    kernel : tuple of int
        Size of the convolutions.
    style : Style
        Norm and activation.

    References
    ----------
    Chen et al., 2018 (atrous spatial pyramid pooling),
    https://doi.org/10.1109/TPAMI.2017.2699184
    """

    def __init__(self, features: int, kernel: Sizes, style: Style) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                convolution(
                    features,
                    features,
                    kernel,
                    dilation=rate,
                    bias=style.norm == "none",
                ),
                norm(style.norm, features, len(kernel)),
                activation(style.activation),
            )
            for rate in RATES
        )
        self.mix = convolution(len(RATES) * features, features, (1,) * len(kernel))

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        return self.mix(  # type: ignore[no-any-return]
            cat([branch(x) for branch in self.branches], dim=1)
        )
