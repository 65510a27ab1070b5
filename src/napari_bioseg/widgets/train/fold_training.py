"""Train one model per fold, one after the other, and sum up how well they do."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.settings import Workflow

from .continuing import Earlier, earlier_training
from .previews import Previews
from .training import Doing, training

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair


@dataclass(frozen=True)
class FoldStarted:
    """The training of one fold is about to begin."""

    number: int
    """From 1."""
    count: int


@dataclass(frozen=True)
class FoldsDone:
    """So many folds have been trained."""

    folder: Path
    table: tuple[tuple[str, ...], ...]
    """Head, one line per fold, mean and standard deviation."""
    finished: int
    count: int


def earlier_folds(folder: Path) -> list[Earlier | None]:
    """Return what is there of a training in folds.

    Parameters
    ----------
    folder : Path
        Its folder.

    Returns
    -------
    list of Earlier or None
        One entry per fold, None for those that have not begun; empty if the folder
        holds no training in folds.
    """
    from napari_bioseg.io.folds import fold_folder, read_fold_split

    try:
        count = len(read_fold_split(folder))
    except ValueError:
        return []
    return [earlier_training(fold_folder(folder, n + 1)) for n in range(count)]


def training_folds(
    read_pairs: Callable[[], list[Pair]],
    workflow: Workflow,
    folder: Path,
    previews: Previews,
    *,
    count: int,
    resume: bool = False,
) -> Generator[Any, Any, None]:
    """Train and save a model per fold, telling everything on the way.

    Parameters
    ----------
    read_pairs : callable
        Returns all pairs; called in the thread.
    workflow : Workflow
        What to train.
    folder : Path
        Where the folders of the folds go.
    previews : Previews
        What the user looks at.
    count : int
        How many folds, 2 or more.
    resume : bool
        Whether folds that are finished stay, and one that was interrupted goes on.

    Yields
    ------
    Doing, FoldStarted, FoldsDone and what `training` yields
        ``send("stop")`` ends the fold in training and begins no other one.
    """
    asked = yield Doing("Starting the deep-learning library")
    from napari_bioseg.widgets.jobs.engine_start import load_for_training

    load_for_training()
    asked = (yield Doing("Reading the training images")) or asked
    pairs = read_pairs()
    folds = _divided(pairs, workflow, folder, count, resume=resume)
    finished = 0
    for number, fold in enumerate(folds, start=1):
        place = folder / f"fold_{number}"
        earlier = earlier_training(place) if resume else None
        if earlier is None or earlier.interrupted:
            asked = (yield FoldStarted(number, len(folds))) or asked
            if asked == "stop":
                break
            reason = yield from training(
                fold.copy, workflow, place, previews, resume=earlier is not None
            )
            if reason == "stopped":
                break
        finished = number
        asked = (yield _summed_up(folder, finished, len(folds))) or asked
    if finished < len(folds):
        yield _summed_up(folder, finished, len(folds))


def _divided(
    pairs: list[Pair], workflow: Workflow, folder: Path, count: int, *, resume: bool
) -> list[list[Pair]]:
    """Return all pairs for each fold; as they were divided before, if it goes on."""
    from napari_bioseg.engine.split import make_folds
    from napari_bioseg.io import apply_split
    from napari_bioseg.io.folds import read_fold_split, write_fold_split

    if resume:
        parts = read_fold_split(folder)
        return [apply_split(pairs, parts, number + 1) for number in range(len(parts))]
    folds = make_folds(pairs, count, workflow)
    write_fold_split(folder, folds)
    return folds


def _summed_up(folder: Path, finished: int, count: int) -> FoldsDone:
    """Write and return the table of the folds that are finished."""
    from napari_bioseg.io.folds import (
        fold_folder,
        fold_scores,
        summary_rows,
        write_summary,
    )

    rows = []
    for number in range(1, finished + 1):
        place = fold_folder(folder, number)
        workflow = Workflow.from_yaml(place / "workflow.yaml")
        if workflow.trained is not None:
            rows.append(fold_scores(place, workflow.trained))
    table: tuple[tuple[str, ...], ...] = ()
    if rows:
        write_summary(folder, rows)
        table = tuple(summary_rows(rows))
    return FoldsDone(folder, table, finished, count)
