"""The exchangeable parts of the networks: convolutions, norms and activations."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Sizes = tuple[int, ...]
"""One whole number per spatial axis, ([Z,] Y, X)."""
NormName = Literal["batch", "instance", "group", "none"]
ActivationName = Literal["relu", "leaky_relu", "elu", "silu"]


def convolution(
    inputs: int, outputs: int, kernel: Sizes, *, bias: bool = True
) -> nn.Module:
    """Return a 2-D or 3-D convolution that keeps the image's size."""
    kind = nn.Conv2d if len(kernel) == 2 else nn.Conv3d
    padding = tuple(size // 2 for size in kernel)
    return kind(inputs, outputs, kernel, padding=padding, bias=bias)  # type: ignore[arg-type]


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


class PlainBlock(nn.Module):
    """Two convolutions, each with norm and activation, as in U-Net.

    Parameters
    ----------
    inputs, outputs : int
        Feature maps that come in and go out.
    kernel : tuple of int
        Size of both convolutions.
    norm_name, activation_name : str
        See `norm` and `activation`.
    dropout : float
        Share of feature maps dropped between the convolutions.

    References
    ----------
    Ronneberger et al., 2015, https://doi.org/10.1007/978-3-319-24574-4_28
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Sizes,
        norm_name: NormName,
        activation_name: ActivationName,
        dropout: float,
    ) -> None:
        super().__init__()
        dimensions = len(kernel)
        bias = norm_name == "none"  # a norm's own shift makes a bias idle
        self.first = convolution(inputs, outputs, kernel, bias=bias)
        self.first_norm = norm(norm_name, outputs, dimensions)
        self.first_activation = activation(activation_name)
        self.dropout = _dropout(dropout, dimensions)
        self.second = convolution(outputs, outputs, kernel, bias=bias)
        self.second_norm = norm(norm_name, outputs, dimensions)
        self.second_activation = activation(activation_name)

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        x = self.first_activation(self.first_norm(self.first(x)))
        x = self.second_norm(self.second(self.dropout(x)))
        return self.second_activation(x)  # type: ignore[no-any-return]


class ResidualBlock(PlainBlock):
    """The same, with a shortcut around it, which learns faster.

    The shortcut is a convolution of size 1 where the number of feature maps changes.

    References
    ----------
    He et al., 2016, https://doi.org/10.1109/CVPR.2016.90
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Sizes,
        norm_name: NormName,
        activation_name: ActivationName,
        dropout: float,
    ) -> None:
        super().__init__(inputs, outputs, kernel, norm_name, activation_name, dropout)
        one = (1,) * len(kernel)
        self.shortcut = (
            nn.Identity() if inputs == outputs else convolution(inputs, outputs, one)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        shortcut = self.shortcut(x)
        x = self.first_activation(self.first_norm(self.first(x)))
        x = self.second_norm(self.second(self.dropout(x)))
        return self.second_activation(x + shortcut)  # type: ignore[no-any-return]


def _dropout(share: float, dimensions: int) -> nn.Module:
    if share == 0:
        return nn.Identity()
    return (nn.Dropout2d if dimensions == 2 else nn.Dropout3d)(share)
