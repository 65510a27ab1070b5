"""One encoder-decoder with skip connections: U-Net and its relatives."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_bioseg.settings import NetworkSettings

from .blocks import PlainBlock, ResidualBlock, convolution, max_pooling, up_convolution
from .shape import Shape


class EncoderDecoder(nn.Module):
    """A U-Net with exchangeable blocks, in 2-D or 3-D.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    out_channels : int
        Channels of the prediction.
    settings : NetworkSettings
        Block, features, norm, activation, dropout and the kind of up-sampling.
    shape : Shape
        Strides and kernels, see `network_shape`.

    Notes
    -----
    Any image size goes in and the same comes out: sizes that are no multiple of
    ``shape.multiple`` are padded with their edge and cropped again.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        settings: NetworkSettings,
        shape: Shape,
    ) -> None:
        super().__init__()
        self.shape = shape
        kinds = {"unet": PlainBlock, "residual_unet": ResidualBlock}
        kind = kinds[settings.architecture]
        features = [settings.features * 2**level for level in range(len(shape.kernels))]

        def block(inputs: int, level: int) -> nn.Module:
            return kind(
                inputs,
                features[level],
                shape.kernels[level],
                settings.normalization,
                settings.activation,
                settings.dropout,
            )

        self.down = nn.ModuleList()
        self.pool = nn.ModuleList()
        inputs = in_channels
        for level, stride in enumerate(shape.strides):
            self.down.append(block(inputs, level))
            self.pool.append(max_pooling(stride))
            inputs = features[level]
        self.bottom = block(inputs, len(shape.strides))
        self.lift = nn.ModuleList()
        self.up = nn.ModuleList()
        for level in reversed(range(len(shape.strides))):
            self.lift.append(
                _lift(features[level + 1], features[level], shape, level, settings)
            )
            self.up.append(block(2 * features[level], level))
        one = (1,) * shape.dimensions
        self.head = convolution(features[0], out_channels, one)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, [Z,] Y, X) for (N, in_channels, [Z,] Y, X)."""
        size = x.shape[2:]
        x = _pad(x, self.shape.multiple)
        skips = []
        for down, pool in zip(self.down, self.pool, strict=True):
            x = down(x)
            skips.append(x)
            x = pool(x)
        x = self.bottom(x)
        for lift, up in zip(self.lift, self.up, strict=True):
            x = up(torch.cat((skips.pop(), lift(x)), dim=1))
        x = self.head(x)
        crop = tuple(slice(length) for length in size)
        return x[(slice(None), slice(None), *crop)]


class LinearLift(nn.Module):
    """Halve the feature maps, then enlarge by linear interpolation."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, ...]) -> None:
        super().__init__()
        self.stride = [float(size) for size in stride]
        self.mode = "bilinear" if len(stride) == 2 else "trilinear"
        # the two commute, and this order interpolates half as many maps
        self.mix = convolution(inputs, outputs, (1,) * len(stride))

    def forward(self, x: Tensor) -> Tensor:
        """Return larger feature maps."""
        return functional.interpolate(
            self.mix(x), scale_factor=self.stride, mode=self.mode, align_corners=False
        )


def _lift(
    inputs: int, outputs: int, shape: Shape, level: int, settings: NetworkSettings
) -> nn.Module:
    stride = shape.strides[level]
    if settings.upsampling == "transposed":
        return up_convolution(inputs, outputs, stride)
    return LinearLift(inputs, outputs, stride)


def _pad(x: Tensor, multiple: tuple[int, ...]) -> Tensor:
    """Repeat the last pixels until every size is a multiple."""
    missing = [
        -length % step for length, step in zip(x.shape[2:], multiple, strict=True)
    ]
    if not any(missing):
        return x
    widths = [width for length in reversed(missing) for width in (0, length)]
    return functional.pad(x, widths, mode="replicate")
