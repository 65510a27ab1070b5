"""Predictions of images larger than memory: zarr to zarr, and on after any end."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bioseg.settings import PredictSettings, Workflow

from .fingerprints import made_from
from .nearest_first import in_space, nearest_first
from .ome_zarr import ZarrFormat, add_pyramid, chunks_for, create_zarr
from .predictions import prediction_notes
from .progress_file import ProgressFile
from .stack import Stack
from .unfinished import (
    IMAGE,
    PROGRESS,
    PyramidGrown,
    check_start,
    explained_disk,
    take_place,
    unfinished,
)

if TYPE_CHECKING:
    from napari_bioseg.cluster.follow import ClusterWaits
    from napari_bioseg.engine import Model, PredictEvent
    from napari_bioseg.engine.tiling import Tiling


@dataclass(frozen=True)
class VolumeOpened:
    """The array of a result is there, and is about to be filled."""

    data: Any
    """The zarr array, as `Stack.axes` says."""
    regions: tuple[tuple[Any, ...], ...] = ()
    """What an earlier call finished: indices of that array without its channels."""


def predict_volume(
    image: Any,
    model: Model | Sequence[Model],
    path: str | Path,
    settings: PredictSettings,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    source: str = "",
    workflow: Workflow | None = None,
    resume: bool = False,
    overwrite: bool = False,
    zarr_format: ZarrFormat = 2,
    focus: Any = None,
) -> Generator[PredictEvent | VolumeOpened | ClusterWaits | PyramidGrown, None, None]:
    """Predict an image of any size, or a stack of them, into an OME-Zarr on disk.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X), or Stack
        As it is; numpy, dask or zarr, read part by part.
    model : Model or sequence of Model
        Several models are averaged.
    path : str or Path
        Folder to write, ending in ``.zarr``; there once it is complete.
    settings : PredictSettings
        Tiles, memory and device; with ``cluster`` other computers do the work.
    spacing : tuple of float, optional
        Size of a pixel per axis out of Z, Y and X.
    unit : str
        Unit of the spacing.
    source : str
        Name of the image.
    workflow : Workflow, optional
        Settings to keep beside the values; the model's own if not given.
    resume : bool
        Go on where an earlier call ended, however that was; finished blocks are not
        done again.
    overwrite : bool
        Replace a result, and forget one that is not complete.
    zarr_format : {2, 3}
        2 writes OME-Zarr 0.4, 3 writes 0.5.
    focus : sequence of float or callable, optional
        Where to begin: as for `predict_tiles`, with the axes of a stack before those
        of an image. Tiles on a cluster begin anywhere.

    Yields
    ------
    VolumeOpened, TileDone, ClusterWaits, PyramidGrown, Predicted
        `Predicted` last, with the zarr array.

    Raises
    ------
    ValueError
        If the image does not suit the model, a result is there, or the earlier call
        did something else.
    OSError
        If the disk is full or cannot be written to, or the cluster cannot do it;
        finished blocks stay.
    """
    import zarr

    from napari_bioseg.engine import Predicted, TileDone

    path = Path(path)
    part = unfinished(path)
    stack = image if isinstance(image, Stack) else Stack(lambda _: image)
    check_start(path, resume=resume, overwrite=overwrite)
    with explained_disk(path):
        work = _Job.prepare(stack, model, settings, part, resume=resume)
        progress = ProgressFile(part / PROGRESS, work.job, resume=resume)
        try:
            if not (part / IMAGE).exists() or not progress.done:
                shutil.rmtree(part / IMAGE, ignore_errors=True)
                create_zarr(
                    part / IMAGE,
                    work.shape,
                    work.dtype,
                    work.axes,
                    spacing=spacing,
                    unit=unit,
                    channels=work.names,
                    notes={
                        **prediction_notes(
                            workflow or work.models[0].workflow, source, settings
                        ),
                        "leading": len(stack.leading),
                        "made_from": work.made_from,
                    },
                    chunks=work.chunks,
                    zarr_format=zarr_format,
                )
            out: Any = zarr.open_group(str(part / IMAGE), mode="r+")["0"]
            yield VolumeOpened(out, work.regions(progress.done))
            notes: tuple[str, ...] = ()
            for event in work.events(out, settings, progress.done, focus, part):
                if isinstance(event, Predicted):
                    notes = tuple(dict.fromkeys((*notes, *event.notes)))
                    continue
                if isinstance(event, TileDone):
                    progress.add(event.place)
                yield event
        finally:
            progress.close()
        labels = settings.output == "classes"
        for done, total in add_pyramid(part / IMAGE, labels=labels):
            yield PyramidGrown(done, total)
        take_place(part, path)
    yield Predicted(zarr.open_group(str(path), mode="r")["0"], notes=notes)


@dataclass(frozen=True)
class _Job:
    """What is predicted, and how it is divided."""

    stack: Stack
    size: tuple[int, ...]
    models: list[Model]
    tiling: Tiling
    chunks: tuple[int, ...]
    names: tuple[str, ...]
    dtype: np.dtype[Any]
    made_from: dict[str, Any]
    job: dict[str, Any]

    @classmethod
    def prepare(
        cls,
        stack: Stack,
        model: Any,
        settings: PredictSettings,
        part: Path,
        *,
        resume: bool,
    ) -> _Job:
        from napari_bioseg.engine.choose_tiles import choose_tiling
        from napari_bioseg.engine.run_tiles import check_alike
        from napari_bioseg.engine.stored_values import stored_dtype, stored_names
        from napari_bioseg.engine.tiling import Axis, Tiling

        models = list(model) if isinstance(model, Sequence) else [model]
        check_alike(models)
        image = stack.first
        models[0].check_image(tuple(image.shape))
        for each in models:
            each.to(settings.device)
        size = tuple(image.shape[1:])
        usual = chunks_for((1, *size), "CYX" if len(size) == 2 else "CZYX")
        tiling = choose_tiling(size, models, settings, usual[1:])
        before = ProgressFile.job_of(part / PROGRESS) if resume else None
        if before is not None:
            # tiles that were chosen by what memory was free stay what they were
            tiling = Tiling(tuple(_axis(Axis, axis) for axis in before["tiles"]))
        chunks = [
            chunk if not axis.step or axis.step % chunk == 0 else axis.step
            for axis, chunk in zip(tiling.axes, usual[1:], strict=True)
        ]
        workflow = models[0].workflow
        names = stored_names(workflow, settings)
        dtype = stored_dtype(workflow, settings)
        made = made_from(stack, models)
        job = {
            **made,
            "flips and turns": settings.tta,
            "output": [settings.output, dtype.name],
            "tiles": [
                [a.length, list(a.edges), a.overlap, a.blend, a.step]
                for a in tiling.axes
            ],
        }
        ones = (1,) * (1 + len(stack.leading))
        full = (*ones, *chunks)
        return cls(stack, size, models, tiling, full, names, dtype, made, job)

    @property
    def axes(self) -> str:
        return self.stack.axes(len(self.size))

    @property
    def shape(self) -> tuple[int, ...]:
        ahead = self.stack.around(self.stack.leading, len(self.names))
        return (*ahead, *self.size)

    def regions(self, done: Iterable[tuple[int, ...]]) -> tuple[tuple[Any, ...], ...]:
        count = len(self.stack.leading)
        return tuple(
            (*place[:count], *self.tiling.block(place[count:]))
            for place in sorted(done)
        )

    def events(
        self,
        out: Any,
        settings: PredictSettings,
        done: set[tuple[int, ...]],
        focus: Any,
        part: Path,
    ) -> Iterator[Any]:
        """Predict what is missing, image by image."""
        from napari_bioseg.engine import TileDone, predict_tiles
        from napari_bioseg.engine.cluster import predict_on_cluster

        count = len(self.stack.leading)
        run: Any = predict_tiles
        begin = {"focus": in_space(focus, count), "scratch": part / "tiles"}
        if settings.cluster:
            run, begin = predict_on_cluster, {}
        tiles = len(self.tiling.indices())
        places = list(self.stack.places)
        before = Counter(d[:count] for d in done)
        left = [place for place in places if before[place] < tiles]
        ready = len(places) - len(left)
        for number, place in enumerate(nearest_first(left, focus), start=ready):
            finished = frozenset(d[count:] for d in done if d[:count] == place)
            options: dict[str, Any] = {
                "out": self.stack.into(out, place),
                "tiling": self.tiling,
                "finished": finished,
                **begin,
            }
            for event in run(self.stack.read(place), self.models, settings, **options):
                if not isinstance(event, TileDone):
                    yield event
                    continue
                yield replace(
                    event,
                    index=number * tiles + event.index,
                    tiles=len(places) * tiles,
                    region=(*(slice(p, p + 1) for p in place), *event.region),
                    place=(*place, *event.place),
                )


def _axis(kind: Any, stored: list[Any]) -> Any:
    length, edges, overlap, blend, step = stored
    return kind(length, tuple(edges), overlap, blend, step)
