"""The exchangeable parts of the networks: convolutions, norms and activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Sizes = tuple[int, ...]
"""One whole number per spatial axis, ([Z,] Y, X)."""
NormName = Literal["batch", "instance", "group", "none"]
ActivationName = Literal["relu", "leaky_relu", "elu", "silu"]


@dataclass(frozen=True)
class Style:
    """What the blocks of one network have in common.

    Parameters
    ----------
    norm, activation : str
        See `norm` and `activation`.
    dropout : float
        Share of feature maps dropped in training.
    """

    norm: NormName = "batch"
    activation: ActivationName = "relu"
    dropout: float = 0.0


def convolution(
    inputs: int,
    outputs: int,
    kernel: Sizes,
    *,
    bias: bool = True,
    dilation: int = 1,
    groups: int = 1,
) -> nn.Module:
    """Return a 2-D or 3-D convolution that keeps the image's size."""
    kind = nn.Conv2d if len(kernel) == 2 else nn.Conv3d
    padding = tuple(dilation * (size // 2) for size in kernel)
    return kind(
        inputs,
        outputs,
        kernel,  # type: ignore[arg-type]
        padding=padding,  # type: ignore[arg-type]
        bias=bias,
        dilation=dilation,
        groups=groups,
    )


def down_convolution(inputs: int, outputs: int, stride: Sizes) -> nn.Module:
    """Return a convolution that divides the image's size by `stride`."""
    kind = nn.Conv2d if len(stride) == 2 else nn.Conv3d
    return kind(inputs, outputs, stride, stride=stride)  # type: ignore[arg-type]


def convolution_norm(
    inputs: int, outputs: int, kernel: Sizes, style: Style, *, active: bool = True
) -> nn.Sequential:
    """Return a convolution with norm and, if wanted, activation."""
    parts = [
        convolution(inputs, outputs, kernel, bias=style.norm == "none"),
        norm(style.norm, outputs, len(kernel)),
    ]
    return nn.Sequential(*parts, *([activation(style.activation)] if active else []))


def up_convolution(inputs: int, outputs: int, stride: Sizes) -> nn.Module:
    """Return a transposed convolution that multiplies the image's size by `stride`."""
    kind = nn.ConvTranspose2d if len(stride) == 2 else nn.ConvTranspose3d
    return kind(inputs, outputs, stride, stride=stride)  # type: ignore[arg-type]


def max_pooling(stride: Sizes) -> nn.Module:
    """Return max pooling that divides the image's size by `stride`."""
    return (nn.MaxPool2d if len(stride) == 2 else nn.MaxPool3d)(stride)


def norm(name: NormName, features: int, dimensions: int) -> nn.Module:
    """Return a normalisation layer."""
    if name == "batch":
        return (nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm3d)(features)
    if name == "instance":
        kind = nn.InstanceNorm2d if dimensions == 2 else nn.InstanceNorm3d
        return kind(features, affine=True)
    if name == "group":
        groups = next(n for n in (8, 4, 2, 1) if features % n == 0)
        return nn.GroupNorm(groups, features)
    return nn.Identity()


def activation(name: ActivationName) -> nn.Module:
    """Return an activation that overwrites its input."""
    kinds: dict[str, type[nn.Module]] = {
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "silu": nn.SiLU,
    }
    return kinds[name](inplace=True)


def dropout(share: float, dimensions: int) -> nn.Module:
    """Return a layer that drops whole feature maps in training."""
    if share == 0:
        return nn.Identity()
    return (nn.Dropout2d if dimensions == 2 else nn.Dropout3d)(share)


class SqueezeExcite(nn.Module):
    """Weigh feature maps by what they show on average over the whole image.

    References
    ----------
    Hu et al., 2018, https://doi.org/10.1109/CVPR.2018.00745
    """

    def __init__(self, features: int, reduction: int = 16) -> None:
        super().__init__()
        inner = max(4, features // reduction)
        self.squeeze = nn.Linear(features, inner)
        self.excite = nn.Linear(inner, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return weighted feature maps of the same size."""
        mean = x.flatten(2).mean(dim=2)
        weight = torch.sigmoid(self.excite(torch.relu(self.squeeze(mean))))
        return x * weight.reshape(*weight.shape, *(1,) * (x.ndim - 2))


class PlainBlock(nn.Module):
    """Two convolutions, each with norm and activation, as in U-Net.

    Parameters
    ----------
    inputs, outputs : int
        Feature maps that come in and go out.
    kernel : tuple of int
        Size of both convolutions.
    style : Style
        Norm, activation, and dropout between the convolutions.
    squeeze : bool
        Whether to weigh the feature maps at the end, see `SqueezeExcite`.

    References
    ----------
    Ronneberger et al., 2015, https://doi.org/10.1007/978-3-319-24574-4_28;
    with squeezing, Roy et al., 2018, https://doi.org/10.1007/978-3-030-00928-1_48
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Sizes,
        style: Style,
        *,
        squeeze: bool = False,
    ) -> None:
        super().__init__()
        dimensions = len(kernel)
        bias = style.norm == "none"  # a norm's own shift makes a bias idle
        self.first = convolution(inputs, outputs, kernel, bias=bias)
        self.first_norm = norm(style.norm, outputs, dimensions)
        self.first_activation = activation(style.activation)
        self.dropout = dropout(style.dropout, dimensions)
        self.second = convolution(outputs, outputs, kernel, bias=bias)
        self.second_norm = norm(style.norm, outputs, dimensions)
        self.second_activation = activation(style.activation)
        self.squeeze = SqueezeExcite(outputs) if squeeze else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        x = self.first_activation(self.first_norm(self.first(x)))
        x = self.second_norm(self.second(self.dropout(x)))
        return self.squeeze(self.second_activation(x))  # type: ignore[no-any-return]


class ResidualBlock(PlainBlock):
    """The same, with a shortcut around it, which learns faster.

    The shortcut is a convolution of size 1 where the number of feature maps changes.
    Squeezing weighs what is added to it.

    References
    ----------
    He et al., 2016, https://doi.org/10.1109/CVPR.2016.90;
    in a U-Net, Zhang et al., 2018, https://doi.org/10.1109/LGRS.2018.2802944
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Sizes,
        style: Style,
        *,
        squeeze: bool = False,
    ) -> None:
        super().__init__(inputs, outputs, kernel, style, squeeze=squeeze)
        one = (1,) * len(kernel)
        self.shortcut = (
            nn.Identity() if inputs == outputs else convolution(inputs, outputs, one)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        shortcut = self.shortcut(x)
        x = self.first_activation(self.first_norm(self.first(x)))
        x = self.squeeze(self.second_norm(self.second(self.dropout(x))))
        return self.second_activation(x + shortcut)  # type: ignore[no-any-return]
