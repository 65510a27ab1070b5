"""The steps from stored channels to stored instances, each for one block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.blockwise import (
    Grid,
    Survey,
    flood_block,
    plan_of,
    seed_block,
    seed_margin,
)
from napari_bioseg.channels.blockwise.grid import Box, Place, inside
from napari_bioseg.channels.blockwise.join_seeds import SeedNumbers
from napari_bioseg.channels.blockwise.survey import bounds_of, counts_of
from napari_bioseg.channels.pipeline import Volume
from napari_bioseg.cleanup import apply
from napari_bioseg.settings import CleanupStep, ClearBorder, InstanceSettings

from .block_passes import block_file, load_block, save_block

WIDENED = 2
"""How often the halo is doubled where objects reach its end."""
SEEDS, LABELS = "seeds.zarr", "labels.zarr"
SURVEY, NUMBERS, FINAL = "survey.npz", "numbers.npz", "final.npz"


@dataclass(frozen=True)
class BlockJob:
    """Everything that the steps need to know; picklable.

    Attributes
    ----------
    data : array
        Channels (C, [Z,] Y, X), dask or numpy.
    names : tuple of str
        Of the channels.
    full : float
        What a probability of 1 is stored as.
    settings : InstanceSettings
        How instances are found.
    within : tuple of CleanupStep
        Clean-up of each object by itself.
    border : ClearBorder or None
        What counts as touching the edge.
    folder : Path
        Where steps leave what they find.
    grid : Grid
        The blocks.
    halo : tuple of int
        How far blocks look beyond, per axis.
    spacing : tuple of float
        Along Z, Y and X.
    asked : tuple of str
        Channels with an automatic threshold.
    token : str
        Of this run: what another one read is not taken for this one's.
    """

    data: Any
    names: tuple[str, ...]
    full: float
    settings: InstanceSettings
    within: tuple[CleanupStep, ...]
    border: ClearBorder | None
    folder: Path
    grid: Grid
    halo: tuple[int, int, int]
    spacing: tuple[float, float, float]
    asked: tuple[str, ...]
    token: str

    def read(self, box: Box) -> dict[str, NDArray[np.float32]]:
        """Read the channels of a box."""
        flat = self.data.ndim == 3
        part = self.data[(slice(None), *(box[1:] if flat else box))]
        if hasattr(part, "compute"):
            # a block is a worker's own work, on a cluster too
            part = part.compute(scheduler="synchronous")
        values = np.asarray(part).astype(np.float32)
        if flat:
            values = values[:, np.newaxis]
        if self.full != 1:
            values /= np.float32(self.full)
        return {
            name: np.ascontiguousarray(channel)
            for name, channel in zip(self.names, values, strict=True)
        }

    def ranges(self, place: Place) -> None:
        """Find the range of each channel."""
        found = bounds_of(self.read(self.grid.box(place)))
        self._save("ranges", place, **{n: np.array(b) for n, b in found.items()})

    def histograms(self, place: Place) -> None:
        """Count values for automatic thresholds."""
        survey = survey_of(self.folder)
        data = self.read(self.grid.box(place))
        counts = counts_of(data, survey.bounds, self.asked)
        self._save("histograms", place, **counts)

    def seeds(self, place: Place) -> None:
        """Find the pieces of seeds."""
        survey = survey_of(self.folder)
        plan = plan_of(self.names, self.settings, survey)
        box = self.grid.box(place)
        outer = self.grid.box(place, (seed_margin(self.settings),) * 3)
        volume = Volume(self.read(outer), survey.bounds, self.spacing)
        found = seed_block(volume, plan, self.settings, inside(outer, box))
        self._array(SEEDS)[box] = found.numbers
        self._save(
            "seeds", place, sizes=found.sizes, inside=found.inside, **found.faces()
        )

    def flood(self, place: Place) -> None:
        """Flood, clean each object, and count pixels by object."""
        box = self.grid.box(place)
        halo = self.halo
        for widened in range(WIDENED + 1):
            outer = self.grid.box(place, halo)
            done, labels = self._flooded(box, outer)
            if not done.cut.any() or widened == WIDENED:
                break
            halo = (2 * halo[0], 2 * halo[1], 2 * halo[2])
        local = labels[inside(outer, box)]
        ids = done.ids[local]
        self._array(LABELS)[box] = ids
        counts = np.bincount(local.ravel(), minlength=len(done.ids))
        touching = np.zeros(0, np.uint64)
        if self.border is not None:
            touching = np.unique(ids[self._near_edge(box, self.border.distance)])
        self._save(
            "flood",
            place,
            ids=done.ids[counts > 0],
            counts=counts[counts > 0],
            touching=touching,
            cut=done.ids[done.cut],
        )

    def finish(self, place: Place) -> None:
        """Write the objects that stay, with their last numbers."""
        final = _final(str(self.folder), self.token)
        box = self.grid.box(place)
        ids = np.asarray(self._array(LABELS)[box])
        values = final[ids.astype(np.int64)]
        out = self._array("image.zarr/0")
        region = box[1:] if out.ndim == 2 else box
        out[region] = values.reshape([p.stop - p.start for p in region])
        self._save("finish", place, done=True)

    def _flooded(self, box: Box, outer: Box) -> tuple[Any, NDArray[np.int32]]:
        survey = survey_of(self.folder)
        plan = plan_of(self.names, self.settings, survey)
        reach = max(seed_margin(self.settings), int(self.settings.smoothing + 0.5), 3)
        shape = self.grid.shape
        z, y, x = (
            slice(max(part.start - reach, 0), min(part.stop + reach, length))
            for part, length in zip(outer, shape, strict=True)
        )
        wide = (z, y, x)
        edges = [
            (part.start == 0, part.stop == length)
            for part, length in zip(outer, shape, strict=True)
        ]
        done = flood_block(
            Volume(self.read(wide), survey.bounds, self.spacing),
            self._seeds_in(outer),
            plan,
            self.settings,
            inside(wide, outer),
            inside(outer, box),
            edges,
        )
        flat = self.data.ndim == 3
        labels = done.labels[0] if flat else done.labels
        if self.within:
            labels = apply(labels, self.within)
        return done, labels[np.newaxis] if flat else labels

    def _seeds_in(self, outer: Box) -> NDArray[np.uint64]:
        numbers = _numbers(str(self.folder), self.token)
        pieces = np.asarray(self._array(SEEDS)[outer])
        found = np.empty(pieces.shape, np.uint64)
        for place in self.grid.touching(outer):
            z, y, x = (
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(self.grid.box(place), outer, strict=True)
            )
            part = inside(outer, (z, y, x))
            found[part] = numbers.of(place, pieces[part])
        return found

    def _near_edge(self, box: Box, distance: int) -> NDArray[np.bool_]:
        near = np.zeros([p.stop - p.start for p in box], np.bool_)
        for axis, (part, length) in enumerate(zip(box, self.grid.shape, strict=True)):
            if length == 1 and axis == 0:
                continue  # a plane has no edge above
            place = np.arange(part.start, part.stop)
            at_edge = np.minimum(place, length - 1 - place) <= distance
            near |= at_edge.reshape([-1 if n == axis else 1 for n in range(3)])
        return near

    def _array(self, name: str) -> Any:
        return _open_array(str(self.folder / name), self.token)

    def _save(self, step: str, place: Place, **values: Any) -> None:
        save_block(block_file(self.folder, step, place), **values)


@lru_cache(maxsize=64)
def _open_array(path: str, _: str) -> Any:
    import zarr

    return zarr.open_array(path, mode="r+")


def survey_of(folder: Path) -> Survey:
    """Read the survey that `save_survey` wrote."""
    path = folder / SURVEY
    return _survey(str(path), path.stat().st_mtime_ns)


def save_survey(folder: Path, survey: Survey) -> None:
    """Write a survey for the steps that follow."""
    values: dict[str, Any] = {f"b {n}": np.array(b) for n, b in survey.bounds.items()}
    values.update({f"c {n}": counts for n, counts in survey.counts.items()})
    save_block(folder / SURVEY, **values)


def save_numbers(folder: Path, numbers: SeedNumbers) -> None:
    """Write the numbers of all seeds for the steps that follow."""
    places = np.array(sorted(numbers.offsets), np.int64).reshape(-1, 3)
    offsets = np.array([numbers.offsets[p] for p in sorted(numbers.offsets)], np.int64)
    save_block(
        folder / NUMBERS,
        places=places,
        offsets=offsets,
        numbers=numbers.numbers,
        count=np.int64(numbers.count),
    )


@lru_cache(maxsize=4)
def _survey(path: str, _: int) -> Survey:
    values = load_block(Path(path))
    bounds = {
        n[2:]: (float(b[0]), float(b[1])) for n, b in values.items() if n[0] == "b"
    }
    return Survey(bounds, {n[2:]: c for n, c in values.items() if n[0] == "c"})


@lru_cache(maxsize=2)
def _numbers(folder: str, _: str) -> SeedNumbers:
    stored = load_block(Path(folder) / NUMBERS)
    offsets = {
        (int(z), int(y), int(x)): int(offset)
        for (z, y, x), offset in zip(stored["places"], stored["offsets"], strict=True)
    }
    return SeedNumbers(offsets, stored["numbers"], int(stored["count"]))


@lru_cache(maxsize=2)
def _final(folder: str, _: str) -> NDArray[Any]:
    values: NDArray[Any] = load_block(Path(folder) / FINAL)["numbers"]
    return values


def bytes_a_block(block: tuple[int, ...], halo: tuple[int, ...], channels: int) -> int:
    """Return the memory that one block takes at its widest.

    Parameters
    ----------
    block, halo : tuple of int
        In pixels.
    channels : int
        How many there are.
    """
    pixels = math.prod(b + 2 * h for b, h in zip(block, halo, strict=True))
    return pixels * (4 * channels * 2 + 48)
