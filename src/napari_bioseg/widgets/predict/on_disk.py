"""Predict a layer onto the disk: results larger than memory, resumable."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.io.nearest_first import Focus
from napari_bioseg.io.stack import Stack
from napari_bioseg.settings import PredictSettings, Workflow
from napari_bioseg.widgets.bridge.disk_levels import channel_levels
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.train.training import Doing

from .events import BegunOnDisk, Filled, Step, Stored, Told
from .finding_on_disk import Facts, finding_on_disk, told_before
from .keeping import Keeping
from .overview import Overview
from .running import lively, part_of

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

COPIES = "Writing smaller copies"
EARLIER = "Reading what was done before"
COMPARED = "Comparing with what is there"


def predicting_on_disk(
    target: Target,
    models: Sequence[Model],
    name: str,
    where: str,
    settings: PredictSettings,
    keeping: Keeping,
    focus: Focus = None,
) -> Generator[Any, Any, None]:
    """Predict a layer into an OME-Zarr, then find its objects block by block.

    Parameters
    ----------
    target : Target
        What to predict.
    models : sequence of Model
        Whose mean is taken.
    name : str
        What the results are called.
    where : str
        Folder of the first.
    settings : PredictSettings
        Tiles, memory, what numbers are stored as, and where to compute.
    keeping : Keeping
        Where results go, and what becomes of earlier ones.
    focus : sequence of float or callable, optional
        Where to begin: per leading axis, then per spatial axis.

    Yields
    ------
    Doing, BegunOnDisk, Filled, ClusterWaits, Step, Told, Stored, LabelledOnDisk,
    NothingFound

    Raises
    ------
    ValueError
        If results are there already, or an earlier call did something else.
    OSError
        If the disk is full or cannot be written to.
    """
    settings = settings.replace(output="probabilities")
    workflow = models[0].workflow.replace(predict=settings)
    path = keeping.path(name)
    facts = Facts(target, workflow, where, _spacing(target), _unit(target))
    kind = "classes" if workflow.is_semantic else "instances"
    labels = keeping.path(name, kind)
    stack = Stack(
        lambda place: part_of(target.piece(place), target),
        target.shape[: len(target.leading)],
        target.letters,
    )
    _check_free(path, labels, keeping)
    complete = keeping.earlier == "resume" and path.exists()
    if complete:
        yield Doing(COMPARED)
        _check_same(path, facts, stack, models)
    if keeping.extras:
        yield Told(
            "seeds and foreground are made for results in memory only, and this one "
            "is on disk"
        )
    yield from told_before(facts)
    if complete:
        yield _stored(facts, path)
    else:
        yield from _predict(facts, stack, models, settings, keeping, path, focus)
    yield from finding_on_disk(path, labels, facts, go_on=complete)


def _predict(
    facts: Facts,
    stack: Stack,
    models: Sequence[Model],
    settings: PredictSettings,
    keeping: Keeping,
    path: Path,
    focus: Focus,
) -> Generator[Any, Any, None]:
    from napari_bioseg.engine import Predicted, TileDone
    from napari_bioseg.io.predict_volume import VolumeOpened, predict_volume
    from napari_bioseg.io.unfinished import PyramidGrown

    target, workflow = facts.target, facts.workflow
    full = 255.0 if settings.dtype == "uint8" else 1.0
    spatial = len(target.spatial)
    overview = Overview(len(workflow.outputs), target.shape, full, spatial)
    replace = keeping.earlier == "replace"
    events = predict_volume(
        stack,
        models,
        path,
        lively(settings, target.shape[-spatial:], models),
        spacing=facts.spacing,
        unit=facts.unit,
        source=target.name,
        workflow=workflow,
        resume=not replace,
        overwrite=replace,
        focus=focus,
    )
    with closing(events):
        for event in events:
            if isinstance(event, VolumeOpened):
                yield BegunOnDisk(target, overview, workflow, facts.where, path)
                for number, region in enumerate(event.regions, start=1):
                    there = stack.around(region[: len(stack.leading)], slice(None))
                    index = (*there, *region[len(stack.leading) :])
                    overview.fill(region, event.data[index])
                    yield Step(number / len(event.regions), EARLIER)
            elif isinstance(event, TileDone):
                if event.data is not None:  # else the workers of a cluster wrote it
                    overview.fill(event.region, event.data)
                yield Filled(event.index / event.tiles, event.index, event.tiles, 1, 1)
            elif isinstance(event, ClusterWaits):
                yield event
            elif isinstance(event, PyramidGrown):
                yield Step(event.done / event.total, COPIES)
            elif isinstance(event, Predicted) and event.notes:
                yield Told(" ".join(event.notes))
    yield _stored(facts, path, tuple(float(top) for top in overview.tops))


def _stored(facts: Facts, path: Path, tops: tuple[float, ...] = ()) -> Stored:
    levels = tuple(channel_levels(path, facts.full(path)))
    return Stored(facts.target, levels, tops, facts.workflow, facts.where, path)


def _check_free(path: Path, labels: Path, keeping: Keeping) -> None:
    """Refuse to replace results, unless the user wants that or goes on with them."""
    from napari_bioseg.io import check_free

    if keeping.earlier != "refuse":
        return
    try:
        check_free([path, labels])
    except ValueError as error:
        if keeping.where == "disk":
            raise
        raise ValueError(f"{error}, which Keep in: Disk offers") from error


def _check_same(
    path: Path, facts: Facts, stack: Stack, models: Sequence[Model]
) -> None:
    """Refuse a complete prediction that was made from something else."""
    from napari_bioseg.io import image_info
    from napari_bioseg.io.fingerprints import made_from

    notes = image_info(path, frame=0).notes
    named = notes.get("source") == facts.target.name and _same(notes, facts.workflow)
    if not named or notes.get("made_from") != made_from(stack, models):
        raise ValueError(
            f"{path} holds the prediction of another image, part of it, model or "
            "settings than now; choose Replace to make it anew, or another folder"
        )


def _same(notes: Mapping[str, Any], workflow: Workflow) -> bool:
    """Say whether a prediction on disk was made so; tiles and memory may differ."""
    from napari_bioseg.io.decisive import same_results

    before = notes.get("workflow")
    now = workflow.model_dump(mode="json")
    return isinstance(before, dict) and same_results(before, now)


def _spacing(target: Target) -> tuple[float, ...]:
    """Return the size of a pixel along slices too, where they are looped over."""
    from napari_bioseg.widgets.bridge.axes import spacing_of

    if "Z" not in target.letters:
        return target.spacing
    axis = target.axes[target.letters.index("Z")]
    return (*spacing_of(target.layer, [axis]), *target.spacing)


def _unit(target: Target) -> str:
    from napari_bioseg.io.source import plain_unit

    return plain_unit(str(target.layer.units[target.axes[-1]]))
