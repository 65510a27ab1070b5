"""Instances of channels larger than memory: zarr to zarr, block by block."""

from __future__ import annotations

import math
import shutil
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.channels.blockwise import (
    Grid,
    Survey,
    join_seeds,
    plan_of,
    questions,
    survey_of_values,
)
from napari_bioseg.channels.blockwise.grid import Place
from napari_bioseg.channels.blockwise.room import room_for
from napari_bioseg.channels.parallel import cores
from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.settings import (
    CleanupStep,
    ClearBorder,
    RemoveLarge,
    RemoveSmall,
    Workflow,
)

from .block_arrays import chunks_of, create_temporary, directly
from .block_job import (
    FINAL,
    LABELS,
    NUMBERS,
    SEEDS,
    BlockJob,
    save_numbers,
    save_survey,
    survey_of,
)
from .block_notes import check_blocks
from .block_passes import Run, block_file, load_block, runner_of, save_block
from .block_size import HALO, block_for, halo_for, margins_of, workers_for
from .block_votes import class_numbers, winners
from .divided_cleanup import divided_cleanup
from .ome_zarr import ZarrFormat, add_pyramid, create_zarr
from .predictions import StoredPrediction
from .progress_file import ProgressFile
from .told_apart import told_apart
from .unfinished import (
    IMAGE,
    PROGRESS,
    PyramidGrown,
    check_start,
    explained_disk,
    take_place,
    unfinished,
)
from .write import label_type

WIDEST = 4
"""How many times the halo may become as wide, where objects reach its end."""
_FORMAT = 4
"""Of what an interrupted call leaves; one of another version does not go on."""
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
    classes: dict[int, int] | None = None
    """Class by the object's number, if the network tells classes apart."""


def segment_volume(
    prediction: StoredPrediction,
    path: str | Path,
    workflow: Workflow,
    *,
    resume: bool = False,
    overwrite: bool = False,
    block: Sequence[int] | None = None,
    halo: int | None = None,
    first: int = 1,
    zarr_format: ZarrFormat = 2,
) -> Generator[BlockDone | ClusterWaits | PyramidGrown | Segmented, None, None]:
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
        Go on where an earlier call ended, however that was; the prediction must be
        the same.
    overwrite : bool
        Replace a result, and forget one that is not complete.
    block : sequence of int, optional
        Size of the blocks per spatial axis; by the memory there is if not given.
    halo : int, optional
        Pixels in Y and X (less along a coarser Z) that blocks look beyond; by the size
        of the mean object, and 48 at most, if not given. Where objects reach its end it
        is doubled, up to four times as much or 192.
    first : int
        Number of the first object.
    zarr_format : {2, 3}
        2 writes OME-Zarr 0.4, 3 writes 0.5.

    Yields
    ------
    BlockDone, ClusterWaits, PyramidGrown, Segmented
        `Segmented` last. Equal to `decode` and clean-up in memory up to the objects'
        numbers, if each object fits into the halo.

    Raises
    ------
    ValueError
        Before anything is computed: if the settings or a step of the clean-up need the
        whole volume at once, or a result is there.
    OSError
        If the disk is full or cannot be written to, or the cluster cannot do it;
        finished blocks stay.
    """
    path = Path(path)
    check_start(path, resume=resume, overwrite=overwrite)
    check_blocks(prediction.channels or workflow.outputs, workflow)
    within, after = divided_cleanup(workflow)
    part = unfinished(path).absolute()  # workers run in other folders
    job = _job(prediction, workflow, part, within, after, block, halo)
    facts: dict[str, Any] = {
        "channels": told_apart(prediction),
        "settings": workflow.instances.model_dump(mode="json"),
        "cleanup": workflow.cleanup.model_dump(mode="json"),
        "halo": halo,
        "version": _FORMAT,
    }
    with explained_disk(path):
        before = ProgressFile.job_of(part / PROGRESS) if resume else None
        if before is not None:
            size = before["blocks"]
            job = _job(prediction, workflow, part, within, after, size, halo)
        facts["blocks"] = list(job.grid.block)[-len(prediction.data.shape) + 1 :]
        ProgressFile(part / PROGRESS, facts, resume=resume).close()
        job.mark.put()
        cluster = workflow.predict.cluster
        with runner_of(_workers(job, workflow), cluster) as run:
            thresholds = yield from _survey(job, run)
            pixels, seeds = yield from _seeds(job, run, workflow)
            if halo is None:
                job = _with_halo(job, pixels, seeds)
            objects, large, classes = yield from _flood(job, run, after, first)
            top = first + objects - 1 if objects else 0
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
                    chunks=chunks_of(job.grid)[-len(shape) :],
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
            f"{job.widest[-1]} px; their borders with others may differ from those "
            "of the whole volume",
        )
    yield Segmented(path, objects, thresholds, notes, classes)


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
    return fits_size(size, int(channels), workflow)


def fits_size(size: Sequence[int], channels: int, workflow: Workflow) -> bool:
    """Say whether channels of an image can be segmented as a whole.

    Parameters
    ----------
    size : sequence of int
        Of the image, ([Z,] Y, X).
    channels : int
        How many.
    workflow : Workflow
        ``predict.memory`` counts.
    """
    needed = math.prod(int(n) for n in size) * (4 * channels + 32)
    return needed < room_for(workflow.predict.memory)


def _job(
    prediction: StoredPrediction,
    workflow: Workflow,
    part: Path,
    within: tuple[CleanupStep, ...],
    after: tuple[CleanupStep, ...],
    block: Sequence[int] | None,
    halo: int | None,
) -> BlockJob:
    names = prediction.channels or workflow.outputs
    size = tuple(prediction.data.shape[1:])
    flat = (1,) * (3 - len(size))
    z, y, x = flat + size
    spacing = prediction.spacing or (1.0,) * len(size)
    coarse = (1.0, *spacing) if flat else spacing
    margins = margins_of(halo or HALO, coarse, flat=bool(flat))
    widest = margins_of(WIDEST * (halo or HALO), coarse, flat=bool(flat))
    if block is None:
        facts = (len(names), room_for(workflow.predict.memory), cores())
        wanted = block_for((z, y, x), coarse, *facts, flat=bool(flat))
    else:
        first, second, third = (*flat, *block)
        wanted = (first, second, third)
    limited = (min(wanted[0], z), min(wanted[1], y), min(wanted[2], x))
    border = [step for step in after if isinstance(step, ClearBorder)]
    asked = questions(names, workflow.instances)
    return BlockJob(
        directly(prediction),
        tuple(names),
        prediction.full,
        workflow.instances,
        within,
        max(border, key=lambda step: step.distance) if border else None,
        part,
        Grid((z, y, x), limited),
        margins,
        widest,
        (float(coarse[0]), float(coarse[1]), float(coarse[2])),
        tuple(asked),
        uuid.uuid4().hex,
    )


def _workers(job: BlockJob, workflow: Workflow) -> int:
    facts = (len(job.names), job.grid.shape, room_for(workflow.predict.memory), cores())
    return workers_for(job.grid.block, job.halo, *facts)


def _with_halo(job: BlockJob, pixels: int, seeds: int) -> BlockJob:
    """Let blocks look as far beyond as objects are large."""
    flat = job.data.ndim == 3
    plan = plan_of(job.names, job.settings, survey_of(job.folder))
    known = plan.background == "none"  # else all pixels count as foreground
    reach = halo_for(pixels, seeds, job.spacing, flat=flat) if known else HALO
    return replace(job, halo=margins_of(reach, job.spacing, flat=flat))


def _step(
    job: BlockJob, run: Run, name: str, number: int
) -> Iterator[BlockDone | ClusterWaits]:
    every = job.grid.places
    missing = [p for p in every if not block_file(job.folder, name, p).exists()]
    done = len(every) - len(missing)
    for event in run(job, name, missing):
        if isinstance(event, ClusterWaits):
            yield event
            continue
        done += 1
        yield BlockDone(number, len(PASSES), done, len(every))


def _found(job: BlockJob, name: str, place: Place) -> dict[str, Any]:
    return load_block(block_file(job.folder, name, place))


def _survey(
    job: BlockJob, run: Run
) -> Generator[BlockDone | ClusterWaits, None, dict[str, float]]:
    yield from _step(job, run, "ranges", 1)
    survey = Survey.empty()
    counts: dict[str, Any] = {}
    for place in job.grid.places:
        found = _found(job, "ranges", place)
        if job.counted:
            counts = {n: counts.get(n, 0) + values for n, values in found.items()}
        else:
            survey.widen({n: (float(b[0]), float(b[1])) for n, b in found.items()})
    if job.counted:
        survey = survey_of_values(counts, job.full, job.asked)
    save_survey(job.folder, survey)
    if job.asked and not job.counted:
        yield from _step(job, run, "histograms", 2)
        for place in job.grid.places:
            survey.count(_found(job, "histograms", place))
        save_survey(job.folder, survey)
    return dict(plan_of(job.names, job.settings, survey).thresholds)


def _seeds(
    job: BlockJob, run: Run, workflow: Workflow
) -> Generator[BlockDone | ClusterWaits, None, tuple[int, int]]:
    """Find all seeds; return pixels of foreground, and how many seeds there are."""
    create_temporary(job.folder / SEEDS, job.grid, np.int32)
    yield from _step(job, run, "seeds", 3)
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
    pixels = sum(int(block["foreground"]) for block in found.values())
    return pixels, numbers.count


def _flood(
    job: BlockJob, run: Run, after: Sequence[CleanupStep], first: int
) -> Generator[BlockDone | ClusterWaits, None, tuple[int, int, dict[int, int] | None]]:
    """Flood all blocks; return objects, how many are cut, and their classes."""
    create_temporary(job.folder / LABELS, job.grid, np.int32)
    yield from _step(job, run, "flood", 4)
    count = int(load_block(job.folder / NUMBERS)["count"])
    sizes = np.zeros(count + 1, np.int64)
    border = np.zeros(count + 1, np.bool_)
    cut = np.zeros(count + 1, np.bool_)
    kinds = class_numbers(job.names)
    votes = np.zeros((count + 1, len(kinds)), np.int64)
    for place in job.grid.places:
        block = _found(job, "flood", place)
        sizes[block["ids"].astype(np.int64)] += block["counts"]
        border[block["touching"].astype(np.int64)] = True
        cut[block["cut"].astype(np.int64)] = True
        if kinds:
            votes[block["ids"].astype(np.int64)] += block["votes"]
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
    classes = None
    if kinds:
        found = zip(numbers[stays], winners(votes[stays], kinds), strict=True)
        classes = {int(number): int(kind) for number, kind in found}
    return objects, int((cut & stays).sum()), classes
