"""UNETR: a transformer looks at the image, convolutions draw the result."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from napari_bioseg.settings import NetworkSettings

from .blocks import ResidualBlock, Sizes, convolution, down_convolution, up_convolution
from .designs import TRANSFORMERS
from .encoder_decoder import level_features, style_of
from .shape import Shape

MLP_RATIO = 4


class UNETR(nn.Module):
    """A vision transformer whose layers feed the way up of a U-Net.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of image and prediction.
    settings : NetworkSettings
        Architecture (mini, small, base), features of the way up, norm, activation,
        dropout.
    shape : Shape
        With the window, the only image size that goes in.

    Notes
    -----
    Tokens are 16 pixels wide, and as deep in z as four halvings allow, fewer where z
    is left alone. Every third layer of the transformer goes to one level of the way
    up, enlarged by transposed convolutions with residual blocks between them.

    References
    ----------
    Hatamizadeh et al., 2022, https://doi.org/10.1109/WACV51458.2022.00181;
    sizes: Touvron et al., 2021, https://doi.org/10.48550/arXiv.2012.12877
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        settings: NetworkSettings,
        shape: Shape,
    ) -> None:
        super().__init__()
        size = TRANSFORMERS[settings.architecture]
        self.shape = shape
        self.token = tuple(math.prod(axis) for axis in zip(*shape.strides, strict=True))
        self.grid = tuple(n // t for n, t in zip(shape.window, self.token, strict=True))
        self.embed = down_convolution(in_channels, size.hidden, self.token)
        self.position = nn.Parameter(torch.empty(1, math.prod(self.grid), size.hidden))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                size.hidden,
                size.heads,
                MLP_RATIO * size.hidden,
                dropout=settings.dropout,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(size.layers)
        )
        self.norm = nn.LayerNorm(size.hidden)
        depth = len(shape.strides)
        style = style_of(settings)
        features = level_features(settings, depth)
        self.top = ResidualBlock(in_channels, features[0], shape.kernels[0], style)
        self.sides = nn.ModuleList(
            _rise(size.hidden, features[level], shape, level, settings)
            for level in range(1, depth)
        )
        self.lift = nn.ModuleList()
        self.up = nn.ModuleList()
        inputs = size.hidden
        for level in reversed(range(depth)):
            lift = up_convolution(inputs, features[level], shape.strides[level])
            self.lift.append(lift)
            inputs = features[level]
            kernel = shape.kernels[level]
            self.up.append(ResidualBlock(2 * inputs, inputs, kernel, style))
        self.head = convolution(features[0], out_channels, (1,) * shape.dimensions)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, *window) for (N, in_channels, *window)."""
        skips = [self.top(x)]
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.position
        every = len(self.layers) // len(self.lift)
        for number, layer in enumerate(self.layers, start=1):
            tokens = layer(tokens)
            if number % every == 0 and number < len(self.layers):
                side = self.sides[number // every - 1]
                skips.append(side(self._picture(tokens)))
        out = self._picture(self.norm(tokens))
        for lift, up in zip(self.lift, self.up, strict=True):
            out = up(torch.cat((skips.pop(), lift(out)), dim=1))
        return self.head(out)  # type: ignore[no-any-return]

    def _picture(self, tokens: Tensor) -> Tensor:
        """Lay the tokens out as feature maps."""
        maps = tokens.transpose(1, 2)
        return maps.reshape(*maps.shape[:2], *self.grid)


def _rise(
    hidden: int, features: int, shape: Shape, level: int, settings: NetworkSettings
) -> nn.Sequential:
    """Return what enlarges tokens to the size of a level."""
    depth = len(shape.strides)
    parts: list[nn.Module] = []
    inputs = hidden
    for step in reversed(range(level, depth)):
        stride: Sizes = shape.strides[step]
        parts.append(up_convolution(inputs, features, stride))
        if step > level:
            kernel = shape.kernels[step]
            parts.append(ResidualBlock(features, features, kernel, style_of(settings)))
        inputs = features
    return nn.Sequential(*parts)
