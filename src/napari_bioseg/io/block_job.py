"""The steps from stored channels to stored instances, each for one block."""

from __future__ import annotations

import threading
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
    tally,
)
from napari_bioseg.channels.blockwise.grid import Box, Place, inside
from napari_bioseg.channels.blockwise.join_seeds import SeedNumbers
from napari_bioseg.channels.blockwise.survey import bounds_of, counts_of
from napari_bioseg.channels.pipeline import Volume
from napari_bioseg.cleanup import apply
from napari_bioseg.cluster.array_on_disk import for_workers
from napari_bioseg.cluster.errors import ClusterError
from napari_bioseg.cluster.mark import Mark
from napari_bioseg.settings import CleanupStep, ClearBorder, InstanceSettings

from .block_passes import block_file, load_block, save_block
from .block_votes import class_numbers, votes_in
from .unfinished import IMAGE

_WIDE = threading.Lock()
SEEDS, LABELS = "seeds.zarr", "labels.zarr"
SURVEY, NUMBERS, FINAL = "survey.npz", "numbers.npz", "final.npz"


@dataclass(frozen=True)
class BlockJob:
    """Everything that the steps need to know; picklable.

    Attributes
    ----------
    data : array
        Channels (C, [Z,] Y, X), on disk, dask or numpy.
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
    widest : tuple of int
        How far at most, where objects reach the end of the halo.
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
    widest: tuple[int, int, int]
    spacing: tuple[float, float, float]
    asked: tuple[str, ...]
    token: str

    def read(self, box: Box) -> dict[str, NDArray[np.float32]]:
        """Read the channels of a box."""
        found = {}
        for name, channel in zip(self.names, self._stored(box), strict=True):
            found[name] = np.ascontiguousarray(channel, np.float32)
            if self.full != 1:
                found[name] /= np.float32(self.full)
        return found

    @property
    def mark(self) -> Mark:
        """What a worker has to find before it writes anything."""
        return Mark.beside(self.folder / IMAGE, self.token)

    @property
    def folders(self) -> list[Path]:
        """Folders that workers have to see, to read the channels."""
        return for_workers(self.data)[1]

    @property
    def counted(self) -> bool:
        """Whether there are so few values that all are counted at the first look."""
        return bool(self.data.dtype == np.uint8)

    def _stored(self, box: Box) -> Any:
        flat = self.data.ndim == 3
        index = (slice(None), *(box[1:] if flat else box))
        try:
            part = self.data[index]
            if hasattr(part, "compute"):
                # a block is a worker's own work, on a cluster too
                part = part.compute(scheduler="synchronous")
            values = np.asarray(part)
        except (MemoryError, ClusterError):
            raise
        except Exception as error:  # whatever a codec raises
            from napari_bioseg.engine.pixels import Pixels

            advice = "predict the image anew"
            told = Pixels(self.data).damage(index, error, "prediction", advice)
            if told is None:
                raise
            raise told from error
        return values[:, np.newaxis] if flat else values

    def ranges(self, place: Place) -> None:
        """Find the range of each channel, or how often each value occurs."""
        box = self.grid.box(place)
        if self.counted:
            counts = {
                name: sum(np.bincount(plane.ravel(), minlength=256) for plane in values)
                for name, values in zip(self.names, self._stored(box), strict=True)
            }
            self._save("ranges", place, **counts)
            return
        found = bounds_of(self.read(box))
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
        self._write(SEEDS, box, found.numbers)
        self._save(
            "seeds",
            place,
            sizes=found.sizes,
            inside=found.inside,
            foreground=np.int64(found.foreground),
            **found.faces(),
        )

    def flood(self, place: Place) -> None:
        """Flood, clean each object, and count pixels by object."""
        box = self.grid.box(place)
        halo = self.halo
        outer = self.grid.box(place, halo)
        done, labels = self._flooded(box, outer)
        while done.cut.any() and halo != self.widest:
            z, y, x = (
                min(2 * reach, most)
                for reach, most in zip(halo, self.widest, strict=True)
            )
            halo = (z, y, x)
            with _WIDE:  # one at a time, for they take more memory
                outer = self.grid.box(place, halo)
                done, labels = self._flooded(box, outer)
        local = labels[inside(outer, box)]
        self._write(LABELS, box, local)
        top = len(done.ids) - 1
        touching = np.zeros(top + 1, np.bool_)
        if self.border is not None:
            near = self._near_edge(box, self.border.distance)
            touching = tally(local, top, near) > 0
        votes = {}
        classes = class_numbers(self.names)
        if classes:
            votes["votes"] = votes_in(local, top, self.read(box), classes)
        self._save(
            "flood",
            place,
            **votes,
            ids=done.ids,
            counts=tally(local, top),
            touching=done.ids[touching],
            cut=done.ids[done.cut],
        )

    def finish(self, place: Place) -> None:
        """Write the objects that stay, with their last numbers."""
        final = _final(str(self.folder), self.token)
        box = self.grid.box(place)
        ids = load_block(block_file(self.folder, "flood", place))["ids"]
        local = np.asarray(self._array(LABELS)[box])
        values = final[ids.astype(np.int64)][local]
        region = box[1:] if self.data.ndim == 3 else box
        size = [part.stop - part.start for part in region]
        self._write(f"{IMAGE}/0", region, values.reshape(size))
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
            *self._seeds_in(outer),
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

    def _seeds_in(self, outer: Box) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """Return the seeds of a box as places in a list of their numbers."""
        numbers = _numbers(str(self.folder), self.token)
        seeds = np.asarray(self._array(SEEDS)[outer])
        tables = {place: numbers.of(place) for place in self.grid.touching(outer)}
        ids = np.unique(np.concatenate([np.zeros(1, np.uint64), *tables.values()]))
        for place, table in tables.items():
            z, y, x = (
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(self.grid.box(place), outer, strict=True)
            )
            part = seeds[inside(outer, (z, y, x))]
            part[...] = np.searchsorted(ids, table).astype(np.int32)[part]
        return seeds, ids

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

    def _write(self, name: str, region: tuple[slice, ...], values: Any) -> None:
        self.mark.check()
        self._array(name)[region] = values

    def _save(self, step: str, place: Place, **values: Any) -> None:
        self.mark.check()
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
