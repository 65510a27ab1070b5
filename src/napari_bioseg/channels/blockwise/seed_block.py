"""The seeds of one block, not yet joined with those of its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.connected import components
from napari_bioseg.channels.masks import reshape, where
from napari_bioseg.channels.parallel import never
from napari_bioseg.channels.pipeline import Volume, draw, foreground_mask
from napari_bioseg.channels.plan import Plan
from napari_bioseg.settings import InstanceSettings

from .grid import Box
from .tally import tally


@dataclass(frozen=True, eq=False)
class SeedBlock:
    """Pieces of seeds in a block.

    Attributes
    ----------
    numbers : ndarray
        int32, the block's shape: 1…n by piece, 0 elsewhere.
    sizes : ndarray
        int64, pixels of each piece; entry 0 is 0.
    inside : ndarray
        int64, how many of them are foreground.
    foreground : int
        Pixels of foreground in the block, with seeds or without.
    """

    numbers: NDArray[np.int32]
    sizes: NDArray[np.int64]
    inside: NDArray[np.int64]
    foreground: int

    def faces(self) -> dict[str, NDArray[np.int32]]:
        """Return the first and last plane along each axis, by name."""
        found = {}
        for axis in range(3):
            found[f"low{axis}"] = np.take(self.numbers, 0, axis)
            found[f"high{axis}"] = np.take(self.numbers, -1, axis)
        return found


def seed_margin(settings: InstanceSettings) -> int:
    """Return how far beyond a block its seeds and foreground depend on pixels.

    Parameters
    ----------
    settings : InstanceSettings
        How masks shrink and grow.
    """
    seeds = settings.seed_erosion + settings.seed_dilation
    foreground = settings.foreground_erosion + settings.foreground_dilation
    margin = max(seeds, foreground)
    return margin + 1 if margin else 0


def seed_block(
    volume: Volume, plan: Plan, settings: InstanceSettings, inner: Box
) -> SeedBlock:
    """Find the pieces of seeds in a block.

    Parameters
    ----------
    volume : Volume
        The block with `seed_margin` around it.
    plan : Plan
        Which channels make seeds.
    settings : InstanceSettings
        How masks shrink and grow.
    inner : tuple of slice
        The block within the volume.
    """
    mask = where(volume.data, plan.seeds)
    mask = reshape(mask, settings.seed_erosion, settings.seed_dilation, never)
    found = components(np.ascontiguousarray(mask[inner]))
    numbers = draw(found, found.component)
    foreground = foreground_mask(volume, plan, settings, never)[inner]
    inside = tally(numbers, found.count, foreground)
    pixels = int(inside.sum())
    inside[0] = 0
    return SeedBlock(numbers, found.sizes(), inside, pixels)
