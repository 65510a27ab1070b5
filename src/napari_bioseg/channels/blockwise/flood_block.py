"""The instances of one block: flooded with a halo from seeds of the whole volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.connected import components
from napari_bioseg.channels.flood import flood_components
from napari_bioseg.channels.masks import grow_by_steps, where
from napari_bioseg.channels.parallel import never
from napari_bioseg.channels.pipeline import (
    Volume,
    distance_from_seeds,
    draw,
    flooded_channel,
    foreground_mask,
)
from napari_bioseg.channels.plan import Plan
from napari_bioseg.settings import InstanceSettings

from .grid import Box
from .tally import tally


@dataclass(frozen=True, eq=False)
class FloodedBlock:
    """What was flooded, halo included.

    Attributes
    ----------
    labels : ndarray
        int32, ``(Z, Y, X)``: places in ``ids``.
    ids : ndarray
        uint64, the seeds' numbers in the whole volume; ``ids[0]`` is 0.
    cut : ndarray
        bool, by place in ``ids``: objects that reach both the block and the end of the
        halo, so that another halo might give another answer.
    """

    labels: NDArray[np.int32]
    ids: NDArray[np.uint64]
    cut: NDArray[np.bool_]


def check_blockwise(plan: Plan, channels: Sequence[str]) -> None:
    """Refuse, before anything is computed, what cannot be done block by block.

    Parameters
    ----------
    plan : Plan
        What is compared with what.
    channels : sequence of str
        The channels that there are.

    Raises
    ------
    ValueError
        With Dv2 but no C beside B, background is what is connected with no seed in the
        whole volume, which no block can know.
    """
    if plan.background == "low":
        raise ValueError(
            f"the channels {', '.join(channels)} cannot be segmented block by block: "
            "without C the background is found as a whole. Train with C too (BCDv2), "
            "or segment a part that fits into memory"
        )


def flood_block(
    volume: Volume,
    seeds: NDArray[np.int32],
    ids: NDArray[np.uint64],
    plan: Plan,
    settings: InstanceSettings,
    outer: Box,
    inner: Box,
    edges: Sequence[tuple[bool, bool]],
) -> FloodedBlock:
    """Flood a block.

    Parameters
    ----------
    volume : Volume
        Channels around the block, with what masks and smoothing need beyond the halo.
    seeds : ndarray
        int32, seeds in the block and its halo as places in ``ids``; written into.
    ids : ndarray
        uint64, numbers of seeds in the whole volume; ``ids[0]`` is 0.
    plan : Plan
        What is compared with what.
    settings : InstanceSettings
        How.
    outer : tuple of slice
        Block and halo within ``volume``.
    inner : tuple of slice
        The block within ``outer``.
    edges : sequence of (bool, bool)
        Whether ``outer`` ends where the whole volume does, before and behind, by axis.

    Returns
    -------
    FloodedBlock
        Equal to what flooding the whole volume gives there, if ``cut`` is False for
        all objects.
    """
    mask = np.ascontiguousarray(foreground_mask(volume, plan, settings, never)[outer])
    np.multiply(seeds, mask, out=seeds)
    count = len(ids) - 1
    labels = np.zeros(seeds.shape, np.int32)
    if not seeds.any():
        return FloodedBlock(labels, ids, np.zeros(count + 1, np.bool_))
    if plan.landscape is None:
        landscape = distance_from_seeds(seeds, volume.spacing, never)
    else:
        levels = flooded_channel(volume, plan, settings, never)
        landscape = np.ascontiguousarray(levels[outer])
    if plan.background == "far":
        near = where(volume.data, plan.near, any_of=True)
        background = ~grow_by_steps(near, 2)[outer]
        seeds[background & (seeds == 0)] = count + 1
    areas = components(mask, settings.connectivity, by_slice=settings.by_slice)
    flood_components(
        landscape,
        seeds,
        areas,
        settings.connectivity,
        by_slice=settings.by_slice,
        labels=labels,
    )
    if plan.background == "far":
        labels[labels > count] = 0
    cut = _at_ends(labels, count, edges) & (tally(labels[inner], count) > 0)
    cut[0] = plan.background == "none" and _unreached(
        mask, labels, inner, edges, settings
    )
    return FloodedBlock(labels, ids, cut)


def _at_ends(
    values: NDArray[np.int32], highest: int, edges: Sequence[tuple[bool, bool]]
) -> NDArray[np.bool_]:
    """Say which values are on the faces that are not the volume's own."""
    found = np.zeros(highest + 1, np.bool_)
    for axis, (before, behind) in enumerate(edges):
        if not before:
            found[np.take(values, 0, axis)] = True
        if not behind:
            found[np.take(values, -1, axis)] = True
    return found


def _unreached(
    mask: NDArray[np.bool_],
    labels: NDArray[np.int32],
    inner: Box,
    edges: Sequence[tuple[bool, bool]],
    settings: InstanceSettings,
) -> bool:
    """Say whether foreground without a seed may get one from beyond the halo."""
    empty = mask & (labels == 0)
    if not empty[inner].any():
        return False
    areas = components(empty, settings.connectivity, by_slice=settings.by_slice)
    numbers = draw(areas, areas.component)
    both = _at_ends(numbers, areas.count, edges) & (
        tally(numbers[inner], areas.count) > 0
    )
    return bool(both[1:].any())
