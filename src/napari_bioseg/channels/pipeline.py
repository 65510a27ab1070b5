"""The steps from channels to instances, each a function of what it needs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import InstanceSettings

from .connected import Components, components
from .descent import ways_down
from .distance import squared_border_distance
from .flood import flood_components, neighbours
from .landscape import LEVELS, channel_levels
from .masks import grow_by_steps, reshape, where
from .memory import Memory
from .parallel import check, divide, in_parallel
from .plan import Plan
from .reuse import Flooded, carry_over
from .seed_edits import SeedEdits
from .seeds import number_seeds, same_in

Check = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Volume:
    """Channels of an image, or of a part of it, with three spatial axes.

    Attributes
    ----------
    data : dict
        Channels by name, each ``(Z, Y, X)`` float32, C-contiguous.
    bounds : dict
        Smallest and largest value of each channel in the whole image.
    spacing : tuple of float
        Along Z, Y and X.
    """

    data: dict[str, NDArray[np.float32]]
    bounds: dict[str, tuple[float, float]]
    spacing: tuple[float, ...]


def find_instances(
    volume: Volume,
    plan: Plan,
    settings: InstanceSettings,
    memory: Memory,
    cancelled: Check,
    edits: SeedEdits | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Find the instances of a volume.

    Parameters
    ----------
    volume : Volume
        The channels.
    plan : Plan
        What is compared with what.
    settings : InstanceSettings
        What the plan leaves open.
    memory : Memory
        What is known from the last time, for the same volume; updated.
    cancelled : callable
        Asked now and then whether to give up.
    edits : SeedEdits, optional
        Seeds changed by hand.

    Returns
    -------
    labels, seeds, foreground : ndarray
        int32, int32 and bool, ``(Z, Y, X)``. Some are in the memory too.

    Raises
    ------
    Cancelled
        If asked to give up; what was finished until then is kept.
    """
    arguments = (volume, plan, settings, cancelled)
    seed_key = (plan.seeds, settings.seed_erosion, settings.seed_dilation, edits)
    resized = (settings.foreground_erosion, settings.foreground_dilation)
    mask_key = (plan.foreground, plan.rescue, resized)
    found = memory.step("found", seed_key, lambda: seed_components(*arguments, edits))
    before = memory.last("mask")
    mask = memory.step("mask", mask_key, lambda: foreground_mask(*arguments))
    least = settings.min_seed_size

    def numbered() -> tuple[NDArray[np.int32], int]:
        if before is not None and edits is None:
            known = memory.known("seeds", (seed_key, before[0], least))
            if known is not None and same_in(found, before[1], mask, cancelled):
                return known  # type: ignore[no-any-return]
        return _numbered(found, mask, least, cancelled, edits)

    seeds, count = memory.step("seeds", (seed_key, mask_key, least), numbered)
    connectivity, by_slice = settings.connectivity, settings.by_slice
    areas = memory.step(
        "areas",
        (mask_key, connectivity, by_slice),
        lambda: components(mask, connectivity, by_slice=by_slice, cancelled=cancelled),
    )
    labels = np.zeros(seeds.shape, np.int32)
    if count:
        problem = _Problem(mask_key, found, seeds, count, areas)
        _flood(problem, labels, volume, plan, settings, memory, cancelled)
    return labels, seeds, mask if plan.background == "none" else labels > 0


@dataclass(frozen=True, eq=False)
class _Problem:
    """Seeds, and the mask with its components, where they are to grow."""

    mask_key: Hashable
    found: Components
    seeds: NDArray[np.int32]
    count: int
    areas: Components


def _flood(
    problem: _Problem,
    labels: NDArray[np.int32],
    volume: Volume,
    plan: Plan,
    settings: InstanceSettings,
    memory: Memory,
    cancelled: Check,
) -> None:
    """Grow the seeds over the landscape, where the last time does not tell how."""
    seeds, count, areas = problem.seeds, problem.count, problem.areas
    connectivity, by_slice = settings.connectivity, settings.by_slice
    offsets = neighbours(1 if by_slice else seeds.shape[0], connectivity)
    levels = levels_key(plan, settings)
    key = (levels, connectivity)
    markers, finished = seeds, None
    if plan.background != "none":
        background = background_seed(volume, plan, problem.found, cancelled)
        markers = np.where(background & (seeds == 0), np.int32(count + 1), seeds)
    if plan.landscape is None:
        landscape = distance_from_seeds(seeds, volume.spacing, cancelled)
    else:
        landscape = memory.step(
            "levels", levels, lambda: flooded_channel(volume, plan, settings, cancelled)
        )
    comparable = plan.landscape is not None and plan.background == "none"
    last = memory.flooded
    if comparable and last is not None and last.landscape == key:
        finished = carry_over(last, areas, seeds, count, labels, cancelled)

    def ways() -> NDArray[np.uint8]:
        def find() -> NDArray[np.uint8]:
            return ways_down(landscape, areas, offsets, cancelled)

        if plan.landscape is None:
            return find()
        return memory.step("ways", (key, problem.mask_key), find)

    flood_components(
        landscape,
        markers,
        areas,
        connectivity,
        by_slice=by_slice,
        finished=finished,
        labels=labels,
        ways=ways,
        cancelled=cancelled,
    )
    if plan.background != "none":
        labels[labels > count] = 0
    elif comparable and memory.keep:
        memory.flooded = Flooded(key, areas, seeds, labels, count)


def _numbered(
    found: Components,
    mask: NDArray[np.bool_],
    least: int,
    cancelled: Check,
    edits: SeedEdits | None,
) -> tuple[NDArray[np.int32], int]:
    seeds, count = number_seeds(found, mask, least, cancelled)
    if edits is not None:
        count = edits.change_seeds(seeds, count, mask)
    return seeds, count


def levels_key(plan: Plan, settings: InstanceSettings) -> Hashable:
    """Return everything that decides the levels of the flooded channel.

    Parameters
    ----------
    plan : Plan
        Names the channel.
    settings : InstanceSettings
        How it is smoothed.

    Returns
    -------
    hashable
    """
    return (plan.landscape, plan.falling, settings.smoothing, settings.by_slice)


def seed_components(
    volume: Volume,
    plan: Plan,
    settings: InstanceSettings,
    cancelled: Check,
    edits: SeedEdits | None = None,
) -> Components:
    """Return the connected pieces of the seed mask.

    Parameters
    ----------
    volume : Volume
        The channels.
    plan : Plan
        Which of them make seeds.
    settings : InstanceSettings
        How seeds are shrunk and grown.
    cancelled : callable
        Asked now and then whether to give up.
    edits : SeedEdits, optional
        Seeds changed by hand.

    Returns
    -------
    Components
    """
    mask = where(volume.data, plan.seeds, cancelled=cancelled)
    mask = reshape(mask, settings.seed_erosion, settings.seed_dilation, cancelled)
    if edits is not None:
        edits.change_mask(mask)
    return components(mask, cancelled=cancelled)


def foreground_mask(
    volume: Volume, plan: Plan, settings: InstanceSettings, cancelled: Check
) -> NDArray[np.bool_]:
    """Return where instances may grow.

    Parameters
    ----------
    volume : Volume
        The channels.
    plan : Plan
        Which of them make the foreground.
    settings : InstanceSettings
        How it is shrunk and grown.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        bool, ``(Z, Y, X)``.
    """
    mask = where(volume.data, plan.foreground, cancelled=cancelled)
    if plan.rescue is not None:
        mask |= where(volume.data, (plan.rescue,), cancelled=cancelled)
    erosion, dilation = settings.foreground_erosion, settings.foreground_dilation
    return reshape(mask, erosion, dilation, cancelled)


def flooded_channel(
    volume: Volume, plan: Plan, settings: InstanceSettings, cancelled: Check
) -> NDArray[np.uint16]:
    """Return the levels of the channel that is flooded.

    Parameters
    ----------
    volume : Volume
        The channels.
    plan : Plan
        Names the one to flood.
    settings : InstanceSettings
        How it is smoothed.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        uint16, ``(Z, Y, X)``.

    Raises
    ------
    ValueError
        If the plan floods no channel, but the distance from the seeds.
    """
    if plan.landscape is None:
        raise ValueError("the distance from the seeds is flooded, not a channel")
    return channel_levels(
        volume.data[plan.landscape],
        volume.bounds[plan.landscape],
        settings.smoothing,
        falling=plan.falling,
        by_slice=settings.by_slice,
        cancelled=cancelled,
    )


def distance_from_seeds(
    seeds: NDArray[np.int32], spacing: tuple[float, ...], cancelled: Check
) -> NDArray[np.uint16]:
    """Return the distance to the nearest seed in levels.

    Parameters
    ----------
    seeds : ndarray
        int32, ``(Z, Y, X)``, not all 0.
    spacing : tuple of float
        Size of a pixel per axis.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        uint16; the pixel farthest away has the highest level.
    """
    distance = squared_border_distance(seeds == 0, spacing, cancelled)
    check(cancelled)
    np.sqrt(distance, out=distance)
    distance *= (LEVELS - 1) / (float(distance.max()) or 1)
    check(cancelled)
    return distance.astype(np.uint16)


def background_seed(
    volume: Volume, plan: Plan, found: Components, cancelled: Check
) -> NDArray[np.bool_]:
    """Return the seed of background, for configurations without a foreground.

    Parameters
    ----------
    volume : Volume
        The channels.
    plan : Plan
        Where the background is sought.
    found : Components
        Pieces of the seed mask.
    cancelled : callable
        Asked now and then whether to give up.

    Returns
    -------
    ndarray
        bool, ``(Z, Y, X)``.
    """
    if plan.background == "far":
        near = where(volume.data, plan.near, any_of=True, cancelled=cancelled)
        check(cancelled)
        return ~grow_by_steps(near, 2)
    rules = tuple(rule for rule in plan.seeds if rule.channel == "Dv2")
    low = where(volume.data, rules, cancelled=cancelled)
    areas = components(low, cancelled=cancelled)
    numbers = draw(areas, areas.component)
    touched = np.zeros(areas.count + 1, np.bool_)
    touched[np.unique(numbers[draw(found, found.component) > 0])] = True
    touched[0] = True
    return ~touched[numbers]


def draw(areas: Components, values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Draw one value a run.

    Parameters
    ----------
    areas : Components
        Whose runs to draw.
    values : ndarray
        int32, one a run.

    Returns
    -------
    ndarray
        int32, ``(Z, Y, X)``; 0 outside the runs.
    """
    out = np.empty(areas.shape, np.int32)
    rows = areas.shape[0] * areas.shape[1]
    lines = out.reshape(rows, areas.shape[2])
    runs = (areas.row_start, areas.start, areas.stop)
    in_parallel(_draw, divide(rows, out.size), *runs, values, lines)
    return out


@numba.njit(nogil=True, cache=True)
def _draw(row_start, begin, end, values, lines, start, stop):  # type: ignore[no-untyped-def]
    for row in range(start, stop):
        line = lines[row]
        line[:] = 0
        for run in range(row_start[row], row_start[row + 1]):
            line[begin[run] : end[run]] = values[run]
