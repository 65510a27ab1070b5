"""Slide a network that takes one size only over images of any size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .padding import crop, enlarge
from .shape import Shape

AT_ONCE = 8
"""Windows that are computed together."""


class Windows(nn.Module):
    """A network for windows of one size, made to take any image.

    Parameters
    ----------
    network : Module
        Takes ``shape.window`` only.
    shape : Shape
        Window, and the step from one to the next, ``shape.multiple``.

    Notes
    -----
    A window goes straight through. Any other image is covered by windows, each half a
    window from the last, whose results are blended, less the closer to their edge.
    Smaller images are padded with their edge. Blocks of an image that start at
    multiples of the step and overlap by a window get the same values as the image.
    """

    def __init__(self, network: nn.Module, shape: Shape) -> None:
        super().__init__()
        self.network = network
        self.shape = shape
        self.weight: Tensor
        weight = torch.ones(())
        for length in shape.window:
            ramp = torch.arange(length, dtype=torch.float32) + 0.5
            ramp = torch.minimum(ramp, length - ramp) / length
            weight = weight.unsqueeze(-1) * ramp
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, [Z,] Y, X) for (N, in_channels, [Z,] Y, X)."""
        size, window = tuple(x.shape[2:]), self.shape.window
        if size == window:
            return self.network(x)  # type: ignore[no-any-return]
        per_axis = [
            _starts(length, width, step)
            for length, width, step in zip(
                size, window, self.shape.multiple, strict=True
            )
        ]
        whole = [s[-1] + width for s, width in zip(per_axis, window, strict=True)]
        x = enlarge(x, whole)
        places = [
            (slice(None), *(slice(a, a + n) for a, n in zip(at, window, strict=True)))
            for at in itertools.product(*per_axis)
        ]
        return crop(torch.stack([self._cover(image, places) for image in x]), size)

    def _cover(self, image: Tensor, places: Sequence[tuple[slice, ...]]) -> Tensor:
        """Blend all windows of one image (C, [Z,] Y, X)."""
        total = image.new_zeros(image.shape[1:])
        out = image.new_empty(0)
        for first in range(0, len(places), AT_ONCE):
            some = places[first : first + AT_ONCE]
            found = self.network(torch.stack([image[place] for place in some]))
            if not first:
                out = found.new_zeros((found.shape[1], *image.shape[1:]))
            for place, values in zip(some, found, strict=True):
                out[place] += values * self.weight
                total[place[1:]] += self.weight
        return out / total


def _starts(length: int, window: int, step: int) -> list[int]:
    """Return where windows start; they cover the axis."""
    count = max(0, math.ceil((length - window) / step))
    return [index * step for index in range(count + 1)]
