"""Train one model per fold, and sum up how well they do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import Workflow

from .progress import print_table
from .training_screen import follow

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
    pairs : sequence of Pair
        All of them.
    workflow : Workflow
        What to train.

    Raises
    ------
    Stopped
        If the user stopped it; finished folds are on disk.
    ValueError
        If there are fewer images than folds, or models already.
    """
    from napari_bioseg.engine import train
    from napari_bioseg.engine.processes import Processes
    from napari_bioseg.io.folds import fold_folder, fold_scores, write_summary

    folder = Path(args.model)
    folds = _folds(args, pairs, workflow)
    _check_free(folder, len(folds), args)
    # of several processes that train together, one writes
    is_main = Processes.launched().is_main
    if is_main:
        _prepare(folder, folds, args)
    rows: list[dict[str, float]] = []
    for number, fold in enumerate(folds, start=1):
        place = fold_folder(folder, number)
        if is_main and not args.quiet:
            print(f"fold {number} of {len(folds)}: {place}")
        resume = args.resume and (place / "state.safetensors").exists()
        events = train(fold, workflow, folder=place, resume=resume)
        model = follow(events, workflow, place, quiet=args.quiet)
        rows.append(fold_scores(place, model.trained))
        if is_main:
            write_summary(folder, rows)
    _print_summary(rows, quiet=args.quiet or not is_main)


def _folds(
    args: argparse.Namespace, pairs: Sequence[Pair], workflow: Workflow
) -> list[list[Pair]]:
    from napari_bioseg.engine.split import make_folds
    from napari_bioseg.io import apply_split, read_split

    if not args.split:
        return make_folds(pairs, args.folds, workflow)
    parts = read_split(args.split)
    if len(parts) != args.folds or "training" in parts:
        raise ValueError(
            f"--folds {args.folds}, but {args.split} has the parts {', '.join(parts)}; "
            "make one with 'napari-bioseg split --folds'"
        )
    return [apply_split(pairs, parts, n) for n in range(1, args.folds + 1)]


def _check_free(folder: Path, count: int, args: argparse.Namespace) -> None:
    from napari_bioseg.io.folds import fold_folder

    if args.resume or args.overwrite:
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
