"""Targets of one image: held in memory, or drawn where they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Distance, DistanceV2, Workflow

from .draw_targets import draw_targets, is_local, reach, target_count
from .labelled import Region, read_ids
from .pair import Pair

MOST_HELD = 1 << 28
"""Targets of more pixels than this, over all images, are drawn where needed."""


class Targets(Protocol):
    """Targets that can be read part by part."""

    @property
    def count(self) -> int:
        """How many arrays there are."""
        ...

    def read(
        self, region: Region, which: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return all targets of a part, or those named by number, (T, [Z,] Y, X)."""
        ...


@dataclass(frozen=True)
class Held:
    """Targets drawn once for the whole image."""

    arrays: tuple[NDArray[Any], ...]

    @property
    def count(self) -> int:
        """How many arrays there are."""
        return len(self.arrays)

    def read(
        self, region: Region, which: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return targets of a part."""
        numbers = range(self.count) if which is None else which
        size = [part.stop - part.start for part in region]
        out = np.empty((len(numbers), *size), np.float32)
        for place, number in zip(out, numbers, strict=True):
            place[...] = self.arrays[number][region]
        return out


@dataclass(frozen=True)
class OnDemand:
    """Targets drawn anew for each part, from labels around it as far as they matter.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow
    halo : tuple of int
        Pixels around a part, per axis, that are looked at.
    """

    pair: Pair
    workflow: Workflow
    halo: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many arrays there are."""
        return target_count(self.workflow)

    def read(
        self, region: Region, which: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return targets of a part."""
        wide = tuple(
            slice(max(part.start - n, 0), min(part.stop + n, length))
            for part, n, length in zip(region, self.halo, self.pair.size, strict=True)
        )
        inner = tuple(
            slice(part.start - w.start, part.stop - w.start)
            for part, w in zip(region, wide, strict=True)
        )
        drawn = draw_part(self.pair, self.workflow, wide)
        numbers = range(self.count) if which is None else which
        return np.stack([drawn[number][inner].astype(np.float32) for number in numbers])


def draw_part(pair: Pair, workflow: Workflow, region: Region) -> list[NDArray[Any]]:
    """Read the labels of a part and draw its targets, not looking around it."""
    task = workflow.task
    classes = task.classes if task.kind == "semantic" else 0
    ids = read_ids(pair, region, workflow.data, classes=classes)
    named = pair.classes[region] if pair.classes is not None else None
    return draw_targets(ids, named, workflow, pair.spacing)


def hold_targets(pair: Pair, workflow: Workflow) -> Held:
    """Draw the targets of a whole image."""
    region = tuple(slice(0, length) for length in pair.size)
    return Held(tuple(draw_part(pair, workflow, region)))


def draw_on_demand(pair: Pair, workflow: Workflow, largest: Sequence[int]) -> OnDemand:
    """Prepare targets of an image that is too large to hold them.

    Parameters
    ----------
    pair : Pair
    workflow : Workflow
    largest : sequence of int
        Size of the largest object per axis: distances are right if it is seen whole.

    Returns
    -------
    OnDemand

    Raises
    ------
    ValueError
        If a channel depends on the whole image.
    """
    halo = [reach(workflow.channels)] * pair.dimensions
    for channel in workflow.channels:
        wide = isinstance(channel, DistanceV2) or (
            isinstance(channel, Distance)
            and (channel.scale == "image" or channel.region == "foreground")
        )
        if wide:
            raise ValueError(
                f"channel {channel.name} as it is set depends on the whole image, and "
                f"the training images, {pair.name or pair.size} among them, are too "
                "large to be held in memory; choose BC, or D with scale 'instance' and "
                "region 'each'"
            )
        if not is_local(channel):
            halo = [
                max(have, int(size) + 1)
                for have, size in zip(halo, largest, strict=True)
            ]
    return OnDemand(pair, workflow, tuple(halo))
