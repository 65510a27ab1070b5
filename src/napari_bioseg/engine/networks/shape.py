"""The geometry of an encoder-decoder: strides, kernels, alignment and halo."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_bioseg.settings import NetworkSettings

from .blocks import Sizes


@dataclass(frozen=True)
class Shape:
    """Sizes of every level; level 0 is the full image.

    Parameters
    ----------
    strides : tuple of tuple of int
        By how much each way down divides the image, one per level but the last.
    kernels : tuple of tuple of int
        Kernel of each level's convolutions.
    linear : bool
        Whether the way up interpolates, which looks one pixel further.
    """

    strides: tuple[Sizes, ...]
    kernels: tuple[Sizes, ...]
    linear: bool

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return len(self.kernels[0])

    @property
    def multiple(self) -> Sizes:
        """Image sizes must be multiples of this; the network pads others inside.

        Tiles that start at multiples see the same pooling windows as the image.
        """
        return tuple(
            math.prod(stride[axis] for stride in self.strides)
            for axis in range(self.dimensions)
        )

    @property
    def halo(self) -> Sizes:
        """How far an output pixel may look, per axis, as a multiple of `multiple`.

        An upper bound: the sum over all layers of how far each one looks.
        """
        return tuple(
            math.ceil(self._reach(axis) / multiple) * multiple
            for axis, multiple in enumerate(self.multiple)
        )

    def _reach(self, axis: int) -> int:
        reach, scale = 0, 1
        for level, kernel in enumerate(self.kernels):
            last = level == len(self.kernels) - 1
            convolutions = 2 if last else 4  # down and up again
            reach += convolutions * (kernel[axis] // 2) * scale
            if last:
                break
            stride = self.strides[level][axis]
            reach += (stride - 1) * scale  # the pixel's place in its pooling window
            scale *= stride
            if self.linear and stride > 1:
                reach += scale
        return reach


def network_shape(
    network: NetworkSettings, dimensions: int, spacing: tuple[float, ...]
) -> Shape:
    """Choose strides and kernels for a network and a pixel size.

    Parameters
    ----------
    network : NetworkSettings
        Depth and ``z_levels``.
    dimensions : int
        2 or 3.
    spacing : tuple of float
        Pixel size per spatial axis.

    Returns
    -------
    Shape
        In 3-D with ``z_levels="auto"``, z is left alone, in pooling and kernels, while
        its pixels are more than 1.5 times as large as those of y and x.
    """
    strides: list[Sizes] = []
    kernels: list[Sizes] = []
    if dimensions == 2:
        strides = [(2, 2)] * network.depth
        kernels = [(3, 3)] * (network.depth + 1)
    else:
        skip = _levels_without_z(network, spacing)
        for level in range(network.depth + 1):
            kernels.append((1 if level < skip else 3, 3, 3))
            if level < network.depth:
                strides.append((1 if level < skip else 2, 2, 2))
    return Shape(tuple(strides), tuple(kernels), network.upsampling == "linear")


def _levels_without_z(network: NetworkSettings, spacing: tuple[float, ...]) -> int:
    if network.z_levels != "auto":
        return max(0, network.depth - network.z_levels)
    ratio = spacing[0] / math.sqrt(spacing[1] * spacing[2])
    levels = 0
    while ratio > 1.5 and levels < network.depth:
        ratio /= 2
        levels += 1
    return levels
