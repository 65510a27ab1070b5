"""The geometry of a network: strides, kernels, alignment and halo."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from napari_bioseg.settings import NetworkSettings

from .blocks import Sizes
from .designs import DESIGNS, TRANSFORMER_DEPTH, Design
from .pyramid import RATES
from .registry import custom_network


@dataclass(frozen=True)
class Shape:
    """What tiles and patches must know about a network.

    Parameters
    ----------
    multiple : tuple of int
        Patches are multiples of this; the network pads other images inside. Tiles that
        start at multiples see the same pooling windows as the image.
    halo : tuple of int
        How far an output pixel may look, per axis, as a multiple of ``multiple``; an
        upper bound.
    sees_all : bool
        Whether every output pixel depends on all that is given to the network, so
        that tiles never agree quite.
    strides : tuple of tuple of int
        By how much each way down divides the image, one per level but the last.
    kernels : tuple of tuple of int
        Kernel of each level's convolutions; level 0 is the full image.
    window : tuple of int
        The only size that the network itself takes, empty if any.
    """

    multiple: Sizes
    halo: Sizes
    sees_all: bool = False
    strides: tuple[Sizes, ...] = ()
    kernels: tuple[Sizes, ...] = ()
    window: Sizes = ()

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return len(self.multiple)


def network_shape(
    network: NetworkSettings,
    dimensions: int,
    spacing: tuple[float, ...],
    patch: Sizes = (),
) -> Shape:
    """Choose strides and kernels for a network and a pixel size.

    Parameters
    ----------
    network : NetworkSettings
        Architecture, depth, kernel and ``z_levels``.
    dimensions : int
        2 or 3.
    spacing : tuple of float
        Pixel size per spatial axis.
    patch : tuple of int, optional
        Size of the training patches, as far as it is known: the window of a network
        that takes one size only.

    Returns
    -------
    Shape
        In 3-D with ``z_levels="auto"``, z is left alone, in pooling and kernels, while
        its pixels are more than 1.5 times as large as those of y and x.

    Raises
    ------
    CustomError
        If the settings name a network of the user's own that is not known.
    """
    if network.custom:
        return _custom_shape(network, dimensions)
    design = DESIGNS.get(network.architecture)
    depth = network.depth if design else TRANSFORMER_DEPTH
    usual = design.kernel if design else 3
    size = usual if network.kernel == "auto" else network.kernel
    skip = 0 if dimensions == 2 else _levels_without_z(network, depth, spacing)
    strides: list[Sizes] = []
    kernels: list[Sizes] = []
    for level in range(depth + 1):
        flat = level < skip
        kernels.append(((1 if flat else size), size, size)[-dimensions:])
        if level < depth:
            strides.append(((1 if flat else 2), 2, 2)[-dimensions:])
    shape = Shape(
        multiple=tuple(math.prod(axis) for axis in zip(*strides, strict=True)),
        halo=(0,) * dimensions,
        strides=tuple(strides),
        kernels=tuple(kernels),
    )
    if design is None:
        return _windowed(shape, patch)
    reaches = [_reach(shape, network, design, axis, 0, 1) for axis in range(dimensions)]
    return replace(
        shape,
        halo=_rounded(reaches, shape.multiple),
        sees_all=design.sees_all or network.normalization in ("instance", "group"),
    )


def _windowed(shape: Shape, patch: Sizes) -> Shape:
    """Return the shape of a network that slides over images by half a window.

    Every pixel depends on the windows that it lies in, and on these completely.
    """
    if not patch:
        return replace(shape, halo=shape.multiple)
    for axis, (length, step) in enumerate(zip(patch, shape.multiple, strict=True)):
        if length % step:
            raise ValueError(
                f"the patch {patch} must be a multiple of {shape.multiple}, the size "
                f"of the transformer's tokens; along axis {axis} it is {length}"
            )
    half = tuple(max(1, length // 2) for length in patch)
    return replace(
        shape,
        multiple=half,
        halo=_rounded(patch, half),
        window=patch,
    )


def _custom_shape(network: NetworkSettings, dimensions: int) -> Shape:
    """Read the shape of a user's network from what it says about itself."""
    kind = custom_network(network.custom)
    multiple = _sizes(getattr(kind, "multiple", 32), dimensions)
    halo = getattr(kind, "halo", None)
    if halo is None:
        return Shape(multiple, multiple, sees_all=True)
    return Shape(multiple, _rounded(_sizes(halo, dimensions), multiple))


def _sizes(value: int | Sizes, dimensions: int) -> Sizes:
    return (value,) * dimensions if isinstance(value, int) else tuple(value)


def _rounded(reaches: list[int] | Sizes, multiple: Sizes) -> Sizes:
    return tuple(
        math.ceil(reach / step) * step
        for reach, step in zip(reaches, multiple, strict=True)
    )


def _reach(
    shape: Shape,
    network: NetworkSettings,
    design: Design,
    axis: int,
    level: int,
    scale: int,
) -> int:
    """Return how far a pixel looks from a level's input to its output, at most."""
    radius = (shape.kernels[level][axis] // 2) * scale
    block = design.convolutions * radius
    depth = len(shape.strides)
    if level == depth:
        return block + (max(RATES) * radius if design.pyramid else 0)
    stride = shape.strides[level][axis]
    below = (stride - 1) * scale  # the pixel's place in its pooling window
    below += _reach(shape, network, design, axis, level + 1, scale * stride)
    if network.upsampling == "linear" and stride > 1:
        below += scale * stride
    path = radius * (depth - level) if design.skip == "path" else 0
    return 2 * block + max(path, below)


def _levels_without_z(
    network: NetworkSettings, depth: int, spacing: tuple[float, ...]
) -> int:
    if network.z_levels != "auto":
        return max(0, depth - network.z_levels)
    ratio = spacing[0] / math.sqrt(spacing[1] * spacing[2])
    levels = 0
    while ratio > 1.5 and levels < depth:
        ratio /= 2
        levels += 1
    return levels
