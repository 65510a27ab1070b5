"""Train one model per fold, and sum up how well they do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import Workflow
from napari_bioseg.some_names import some_names

from .progress import print_table
from .stop import Diverged
from .training_screen import follow
from .warned import warnings_as_notes

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair


def train_folds(
    args: argparse.Namespace, pairs: Sequence[Pair], workflow: Workflow
) -> None:
    """Train as many models as folds, each judged by other images.

    Parameters
    ----------
    args : argparse.Namespace
        With ``folds``, ``model``, ``resume``, ``overwrite``, ``split`` and ``quiet``.
        What goes on is divided as it was before.
    pairs : sequence of Pair
        All of them.
    workflow : Workflow
        What to train.

    Raises
    ------
    Stopped
        If the user stopped it; finished folds are on disk.
    Diverged
        At the end, if the loss of a fold became infinite.
    ValueError
        If there are fewer images than folds, models already, or other folds before.
    """
    from napari_bioseg.engine import train
    from napari_bioseg.engine.processes import Processes
    from napari_bioseg.io.folds import fold_folder, fold_scores, write_summary

    folder = Path(args.model)
    with warnings_as_notes(quiet=args.quiet):
        folds = _folds(args, pairs, workflow)
    _check_free(folder, len(folds), args)
    # of several processes that train together, one writes
    is_main = Processes.launched().is_main
    if is_main:
        _prepare(folder, folds, args)
    rows: list[dict[str, float]] = []
    diverged: list[str] = []
    for number, fold in enumerate(folds, start=1):
        place = fold_folder(folder, number)
        if is_main and not args.quiet:
            print(f"fold {number} of {len(folds)}: {place}")
        resume = args.resume and (place / "state.safetensors").exists()
        events = train(fold, workflow, folder=place, resume=resume)
        result = follow(events, workflow, place, quiet=args.quiet)
        if result.reason == "diverged":
            diverged.append(place.name)
        rows.append(fold_scores(place, result.model.trained))
        if is_main:
            write_summary(folder, rows)
    _print_summary(rows, quiet=args.quiet or not is_main)
    if diverged:
        raise Diverged(
            f"the loss of {some_names(diverged)} became infinite; the models of their "
            f"best epochs are in {folder}"
        )


def _folds(
    args: argparse.Namespace, pairs: Sequence[Pair], workflow: Workflow
) -> list[list[Pair]]:
    from napari_bioseg.engine.split import make_folds
    from napari_bioseg.io import apply_split, read_split
    from napari_bioseg.io.folds import read_fold_split

    before = read_fold_split(Path(args.model)) if args.resume else {}
    if before and len(before) != args.folds:
        raise ValueError(
            f"--folds {args.folds}, but {args.model} was divided into {len(before)} "
            f"folds; go on with --folds {len(before)}, or choose another folder"
        )
    parts = read_split(args.split) if args.split else before
    if not parts:
        return make_folds(pairs, args.folds, workflow)
    if len(parts) != args.folds or "training" in parts:
        raise ValueError(
            f"--folds {args.folds}, but {args.split} has the parts {', '.join(parts)}; "
            "make one with 'napari-bioseg split --folds'"
        )
    folds = [apply_split(pairs, parts, n) for n in range(1, args.folds + 1)]
    if before and args.split:
        now = _judged_in(folds)
        earlier = [apply_split(pairs, before, n) for n in range(1, args.folds + 1)]
        was = _judged_in(earlier)
        moved = [name for name in now if was.get(name, now[name]) != now[name]]
        if moved:
            raise ValueError(
                f"cannot resume: {some_names(moved)} judged another fold before than "
                f"{args.split} says; leave --split out to go on as {args.model} was "
                "divided"
            )
    return folds


def _judged_in(folds: Sequence[Sequence[Pair]]) -> dict[str, int]:
    """Return which fold each image judges."""
    return {
        pair.name: number
        for number, fold in enumerate(folds, start=1)
        for pair in fold
        if pair.role == "validation"
    }


def _check_free(folder: Path, count: int, args: argparse.Namespace) -> None:
    from napari_bioseg.io.folds import fold_folder

    if args.overwrite:
        return
    if (folder / "weights.safetensors").exists():
        raise ValueError(
            f"{folder} holds one model, not those of folds; choose another folder"
        )
    if args.resume:
        return
    for number in range(1, count + 1):
        place = fold_folder(folder, number)
        if (place / "weights.safetensors").exists():
            raise ValueError(
                f"{place} holds a model already; go on training with --resume, replace "
                "it with --overwrite, or choose another folder"
            )


def _prepare(
    folder: Path, folds: Sequence[Sequence[Pair]], args: argparse.Namespace
) -> None:
    """Write the split; none of an earlier training's folds may be resumed later."""
    from napari_bioseg.engine.checkpoint import forget_state
    from napari_bioseg.io.folds import fold_folder, write_fold_split

    if not args.resume:
        for number in range(1, len(folds) + 1):
            forget_state(fold_folder(folder, number))
    write_fold_split(folder, folds)


def _print_summary(rows: Sequence[dict[str, float]], *, quiet: bool) -> None:
    from napari_bioseg.io.folds import summary_rows

    head, *lines = summary_rows(rows)
    print_table(head, lines, quiet=quiet)
