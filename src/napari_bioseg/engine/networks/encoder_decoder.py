"""One encoder-decoder with skip connections: U-Net and its relatives."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_bioseg.settings import NetworkSettings

from .attention import AttentionBelow, AttentionGate
from .blocks import Style, convolution, max_pooling, up_convolution
from .convnext import ConvNeXtDown
from .designs import DESIGNS, Design
from .multires import ResidualPath
from .padding import crop, pad
from .pyramid import Pyramid
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
        Architecture, features, norm, activation, dropout and the kind of up-sampling.
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
        design = DESIGNS[settings.architecture]
        style = style_of(settings)
        plain = level_features(settings, len(shape.kernels))
        widths = [design.width(features) for features in plain]
        bottom = len(shape.strides)
        self.down = nn.ModuleList()
        self.pool = nn.ModuleList()
        inputs = in_channels
        for level, stride in enumerate(shape.strides):
            kernel = shape.kernels[level]
            self.down.append(
                design.make_block(inputs, widths[level], kernel, style, way_down=True)
            )
            inputs = widths[level]
            if design.down == "convolution":
                self.pool.append(ConvNeXtDown(inputs, widths[level + 1], stride))
                inputs = widths[level + 1]
            else:
                self.pool.append(max_pooling(stride))
        kernel = shape.kernels[bottom]
        self.bottom = design.make_block(
            inputs, widths[bottom], kernel, style, way_down=False
        )
        self.below: nn.Module = nn.Identity()
        self.last: nn.Module = nn.Identity()
        if design.pyramid:
            self.below = Pyramid(widths[bottom], kernel, style)
            self.last = Pyramid(widths[0], shape.kernels[0], style)
        self.lift = nn.ModuleList()
        self.weigh = nn.ModuleList()
        self.skip = nn.ModuleList()
        self.up = nn.ModuleList()
        for level in reversed(range(bottom)):
            kernel, stride = shape.kernels[level], shape.strides[level]
            above, under = widths[level], widths[level + 1]
            self.weigh.append(
                AttentionBelow(above, under, kernel, stride, style)
                if design.pyramid
                else _KeepBelow()
            )
            self.lift.append(_lift(under, plain[level], stride, settings))
            self.skip.append(_skip(design, above, plain[level], level, shape, style))
            joined = plain[level] + (plain[level] if design.skip == "path" else above)
            self.up.append(
                design.make_block(joined, above, kernel, style, way_down=False)
            )
        one = (1,) * shape.dimensions
        self.head = convolution(widths[0], out_channels, one)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, [Z,] Y, X) for (N, in_channels, [Z,] Y, X)."""
        size = x.shape[2:]
        x = pad(x, self.shape.multiple)
        skips = []
        for down, pool in zip(self.down, self.pool, strict=True):
            x = down(x)
            skips.append(x)
            x = pool(x)
        x = self.below(self.bottom(x))
        for weigh, lift, gate, up in zip(
            self.weigh, self.lift, self.skip, self.up, strict=True
        ):
            skip = skips.pop()
            x = lift(weigh(skip, x))
            x = up(torch.cat((gate(skip, x), x), dim=1))
        return crop(self.head(self.last(x)), size)


class LinearLift(nn.Module):
    """Change the feature maps, then enlarge by linear interpolation."""

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


class _KeepSkip(nn.Module):
    """Stands where other architectures change the skip connection."""

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        del below
        return skip


class _KeepBelow(nn.Module):
    """Stands where other architectures weigh what comes from below."""

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        del skip
        return below


def style_of(settings: NetworkSettings) -> Style:
    """Return what all blocks of a network have in common."""
    return Style(settings.normalization, settings.activation, settings.dropout)


def level_features(settings: NetworkSettings, levels: int) -> list[int]:
    """Return the feature maps of every level, from the full image down."""
    return [
        round(settings.features * settings.growth**level) for level in range(levels)
    ]


def _skip(
    design: Design, inputs: int, outputs: int, level: int, shape: Shape, style: Style
) -> nn.Module:
    if design.skip == "gate":
        return AttentionGate(inputs, shape.dimensions, style)
    if design.skip == "path":
        length = len(shape.strides) - level
        return ResidualPath(inputs, outputs, shape.kernels[level], style, length)
    return _KeepSkip()


def _lift(
    inputs: int, outputs: int, stride: tuple[int, ...], settings: NetworkSettings
) -> nn.Module:
    if settings.upsampling == "transposed":
        return up_convolution(inputs, outputs, stride)
    return LinearLift(inputs, outputs, stride)
