"""Instances of channels larger than memory: zarr to zarr, block by block."""

from __future__ import annotations

import math
import shutil
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.channels.blockwise import (
    Grid,
    Survey,
    check_blockwise,
    join_seeds,
    plan_of,
    questions,
)
from napari_bioseg.channels.blockwise.grid import Place
from napari_bioseg.channels.blockwise.room import (
    GIGABYTE,
    free_main_memory,
    in_use,
)
from napari_bioseg.channels.parallel import cores
from napari_bioseg.settings import (
    CleanupStep,
    ClearBorder,
    RemoveLarge,
    RemoveSmall,
    Workflow,
)

from .block_job import (
    FINAL,
    LABELS,
    NUMBERS,
    SEEDS,
    SURVEY,
    BlockJob,
    bytes_a_block,
    save_numbers,
    save_survey,
)
from .block_passes import Run, block_file, load_block, runner_of, save_block
from .divided_cleanup import divided_cleanup
from .ome_zarr import ZarrFormat, add_pyramid, chunks_for, create_zarr
from .predictions import StoredPrediction
from .progress_file import ProgressFile
from .volume import (
    IMAGE,
    PROGRESS,
    PyramidGrown,
    check_start,
    explained_disk,
    take_place,
    unfinished,
)
from .write import label_type

HALO = 48
"""Pixels that blocks look beyond in Y and X; doubled where objects are larger."""
PASSES = ("ranges", "histograms", "seeds", "flood", "finish")


@dataclass(frozen=True)
class BlockDone:
    """A block went through one of the steps."""

    step: int
    """Which step, from 1."""
    steps: int
    """How many there are."""
    done: int
    """Blocks done in this step."""
    blocks: int
    """Blocks of the volume."""


@dataclass(frozen=True)
class Segmented:
    """All instances are on disk; nothing comes after this."""

    path: Path
    objects: int
    thresholds: dict[str, float]
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""


def segment_volume(
    prediction: StoredPrediction,
    path: str | Path,
    workflow: Workflow,
    *,
    resume: bool = False,
    overwrite: bool = False,
    block: Sequence[int] | None = None,
    halo: int = HALO,
    first: int = 1,
    zarr_format: ZarrFormat = 2,
) -> Generator[BlockDone | PyramidGrown | Segmented, None, None]:
    """Find the instances of a stored prediction, holding a few blocks of it in memory.

    Parameters
    ----------
    prediction : StoredPrediction
        From `read_prediction`; only parts of it are read at a time.
    path : str or Path
        Folder to write, ending in ``.zarr``; there once it is complete.
    workflow : Workflow
        Its instances, cleanup and predict settings (memory and cluster) count.
    resume : bool
        Go on where an earlier call ended, however that was.
    overwrite : bool
        Replace a result, and forget one that is not complete.
    block : sequence of int, optional
        Size of the blocks per spatial axis; by the memory there is if not given.
    halo : int
        Pixels in Y and X (less along a coarser Z) that blocks look beyond. Where
        objects reach its end it is doubled twice at most.
    first : int
        Number of the first object.
    zarr_format : {2, 3}
        2 writes OME-Zarr 0.4, 3 writes 0.5.

    Yields
    ------
    BlockDone, PyramidGrown, Segmented
        `Segmented` last. Equal to `decode` and clean-up in memory up to the objects'
        numbers, if each object fits into the halo.

    Raises
    ------
    ValueError
        Before anything is computed: if the settings or a step of the clean-up need the
        whole volume at once, or a result is there.
    OSError
        If the disk is full or cannot be written to; finished blocks stay.
    """
    path = Path(path)
    check_start(path, resume=resume, overwrite=overwrite)
    within, after = divided_cleanup(workflow)
    part = unfinished(path)
    job = _job(prediction, workflow, part, within, after, block, halo)
    facts = {
        "channels": [str(prediction.path), list(prediction.data.shape)],
        "settings": workflow.instances.model_dump(mode="json"),
        "cleanup": workflow.cleanup.model_dump(mode="json"),
        "halo": list(job.halo),
    }
    with explained_disk(path):
        before = ProgressFile.job_of(part / PROGRESS) if resume else None
        if before is not None:
            size = before["blocks"]
            job = _job(prediction, workflow, part, within, after, size, halo)
        facts["blocks"] = list(job.grid.block)[-len(prediction.data.shape) + 1 :]
        ProgressFile(part / PROGRESS, facts, resume=resume).close()
        workers = _workers(job, workflow)
        with runner_of(job, workers, workflow.predict.cluster) as run:
            thresholds = yield from _survey(job, run)
            yield from _seeds(job, run, workflow)
            objects, top, large = yield from _flood(job, run, after, first)
            out = part / IMAGE
            if not (out / "0").exists():
                shutil.rmtree(out, ignore_errors=True)
                shape = tuple(prediction.data.shape[1:])
                axes = "YX" if len(shape) == 2 else "ZYX"
                create_zarr(
                    out,
                    shape,
                    label_type(top),
                    axes,
                    spacing=prediction.spacing,
                    unit=prediction.unit,
                    notes={"version": 1, "role": "labels", "source": prediction.source},
                    chunks=_chunks(job.grid)[-len(shape) :],
                    zarr_format=zarr_format,
                )
            yield from _step(job, run, "finish", 5)
        for done, total in add_pyramid(out, labels=True):
            yield PyramidGrown(done, total)
        take_place(part, path)
    notes: tuple[str, ...] = ()
    if large:
        notes = (
            f"{large} objects are larger than what blocks look beyond, "
            f"{4 * job.halo[-1]} px; their borders with others may differ from those "
            "of the whole volume",
        )
    yield Segmented(path, objects, thresholds, notes)


def fits_memory(prediction: StoredPrediction, workflow: Workflow) -> bool:
    """Say whether a prediction can be segmented as a whole.

    Parameters
    ----------
    prediction : StoredPrediction
        Not read.
    workflow : Workflow
        ``predict.memory`` counts.
    """
    channels, *size = prediction.data.shape
    needed = int(math.prod(size)) * (4 * int(channels) + 32)
    return needed < _room(workflow)


def _room(workflow: Workflow) -> int:
    memory = workflow.predict.memory
    if memory == "auto":
        return int(0.5 * free_main_memory())
    allowed = int(memory * GIGABYTE)
    return max(allowed - in_use(), allowed // 4)


def _job(
    prediction: StoredPrediction,
    workflow: Workflow,
    part: Path,
    within: tuple[CleanupStep, ...],
    after: tuple[CleanupStep, ...],
    block: Sequence[int] | None,
    halo: int,
) -> BlockJob:
    names = prediction.channels or workflow.outputs
    size = tuple(prediction.data.shape[1:])
    flat = (1,) * (3 - len(size))
    z, y, x = flat + size
    spacing = prediction.spacing or (1.0,) * len(size)
    coarse = (1.0, *spacing) if flat else spacing
    deep = 0 if flat else max(4, math.ceil(halo * min(1.0, coarse[2] / coarse[0])))
    margins = (deep, halo, halo)
    if block is None:
        room = _room(workflow)
        wanted = (1, 2048, 2048) if flat else (192, 192, 192)
        while bytes_a_block(wanted, margins, len(names)) > room and wanted[2] > 64:
            deep_block = 1 if flat else wanted[0] // 2
            wanted = (deep_block, wanted[1] // 2, wanted[2] // 2)
    else:
        first, second, third = (*flat, *block)
        wanted = (first, second, third)
    limited = (min(wanted[0], z), min(wanted[1], y), min(wanted[2], x))
    border = [step for step in after if isinstance(step, ClearBorder)]
    asked = questions(names, workflow.instances)
    job = BlockJob(
        prediction.data,
        tuple(names),
        prediction.full,
        workflow.instances,
        within,
        max(border, key=lambda step: step.distance) if border else None,
        part,
        Grid((z, y, x), limited),
        margins,
        (float(coarse[0]), float(coarse[1]), float(coarse[2])),
        tuple(asked),
        uuid.uuid4().hex,
    )
    # asked with made-up thresholds: what cannot be done is known without them
    ones = {name: np.ones(256, np.int64) for name in names}
    known = Survey(dict.fromkeys(names, (0.0, 1.0)), ones)
    check_blockwise(plan_of(names, workflow.instances, known), names)
    return job


def _workers(job: BlockJob, workflow: Workflow) -> int:
    need = bytes_a_block(job.grid.block, job.halo, len(job.names))
    return max(1, min(cores(), _room(workflow) // need))


def _chunks(grid: Grid) -> tuple[int, int, int]:
    """Return chunks that blocks hold whole ones of."""
    usual = chunks_for(grid.shape, "ZYX") if grid.shape[0] > 1 else (1, 512, 512)
    z, y, x = (
        chunk if size % chunk == 0 else size
        for size, chunk in zip(grid.block, usual, strict=True)
    )
    return z, y, x


def _step(job: BlockJob, run: Run, name: str, number: int) -> Iterator[BlockDone]:
    every = job.grid.places
    missing = [p for p in every if not block_file(job.folder, name, p).exists()]
    done = len(every) - len(missing)
    for _ in run(name, missing):
        done += 1
        yield BlockDone(number, len(PASSES), done, len(every))


def _found(job: BlockJob, name: str, place: Place) -> dict[str, Any]:
    return load_block(block_file(job.folder, name, place))


def _survey(job: BlockJob, run: Run) -> Generator[BlockDone, None, dict[str, float]]:
    yield from _step(job, run, "ranges", 1)
    survey = Survey.empty()
    for place in job.grid.places:
        found = _found(job, "ranges", place)
        survey.widen({name: (float(b[0]), float(b[1])) for name, b in found.items()})
    save_survey(job.folder, survey)
    if job.asked:
        yield from _step(job, run, "histograms", 2)
        for place in job.grid.places:
            survey.count(_found(job, "histograms", place))
        save_survey(job.folder, survey)
    if not (job.folder / SURVEY).exists():
        raise AssertionError("a survey was written")
    return dict(plan_of(job.names, job.settings, survey).thresholds)


def _seeds(job: BlockJob, run: Run, workflow: Workflow) -> Iterator[BlockDone]:
    _temporary(job, SEEDS, np.int32)
    yield from _step(job, run, "seeds", 3)
    if (job.folder / NUMBERS).exists():
        return
    found = {place: _found(job, "seeds", place) for place in job.grid.places}
    numbers = join_seeds(
        {place: block["sizes"] for place, block in found.items()},
        {place: block["inside"] for place, block in found.items()},
        (
            (a, b, found[a][f"high{axis}"], found[b][f"low{axis}"])
            for a, b, axis in job.grid.neighbours()
        ),
        workflow.instances.min_seed_size,
    )
    save_numbers(job.folder, numbers)


def _flood(
    job: BlockJob, run: Run, after: Sequence[CleanupStep], first: int
) -> Generator[BlockDone, None, tuple[int, int, int]]:
    """Flood all blocks; return objects, the highest number, and those cut."""
    _temporary(job, LABELS, np.uint64)
    yield from _step(job, run, "flood", 4)
    count = int(load_block(job.folder / NUMBERS)["count"])
    sizes = np.zeros(count + 1, np.int64)
    border = np.zeros(count + 1, np.bool_)
    cut = np.zeros(count + 1, np.bool_)
    for place in job.grid.places:
        block = _found(job, "flood", place)
        sizes[block["ids"].astype(np.int64)] += block["counts"]
        border[block["touching"].astype(np.int64)] = True
        cut[block["cut"].astype(np.int64)] = True
    stays = sizes > 0
    for step in after:
        if isinstance(step, RemoveSmall):
            stays &= sizes >= step.size
        elif isinstance(step, RemoveLarge):
            stays &= sizes <= step.size
        else:
            stays &= ~border
    stays[0] = False
    objects = int(stays.sum())
    top = first + objects - 1 if objects else 0
    numbers = np.where(stays, np.cumsum(stays) + (first - 1), 0).astype(label_type(top))
    save_block(job.folder / FINAL, numbers=numbers)
    return objects, top, int((cut & stays).sum())


def _temporary(job: BlockJob, name: str, dtype: Any) -> None:
    """Create an array that only later steps read."""
    import zarr

    if (job.folder / name).exists():
        return
    zarr.create_array(
        str(job.folder / name),
        shape=job.grid.shape,
        dtype=dtype,
        chunks=_chunks(job.grid),
    )
