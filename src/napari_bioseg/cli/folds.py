"""Train one model per fold, and sum up how well they do."""

from __future__ import annotations

import argparse
import csv
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import Workflow

from .progress import print_table
from .training_screen import follow

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair

Scores = dict[str, float]
"""Scores of one fold's best epoch, by name."""
SCORES = ("validation loss", "IoU", "error")
"""How names of scores begin in the log."""


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

    folder = Path(args.model)
    folds = _folds(args, pairs, workflow)
    _check_free(folder, len(folds), args)
    # of several processes that train together, one writes
    is_main = Processes.launched().is_main
    if is_main:
        _prepare(folder, folds, args)
    rows: list[Scores] = []
    for number, fold in enumerate(folds, start=1):
        place = folder / f"fold_{number}"
        if is_main and not args.quiet:
            print(f"fold {number} of {len(folds)}: {place}")
        resume = args.resume and (place / "state.safetensors").exists()
        events = train(fold, workflow, folder=place, resume=resume)
        model = follow(events, workflow, place, quiet=args.quiet)
        facts = model.trained
        epochs = {"epochs": facts.epochs, "best epoch": facts.best_epoch}
        score = {} if facts.score is None else {"score": facts.score}
        rows.append({**epochs, **score, **_scores(place, facts.best_epoch)})
        if is_main:
            _write_summary(folder / "folds.csv", rows)
    _print_summary(rows, quiet=args.quiet or not is_main)


def _scores(folder: Path, best_epoch: int) -> Scores:
    """Return what the best epoch reached, which may be long ago, by the log."""
    from napari_bioseg.io import read_log

    try:
        rows = read_log(folder)
    except OSError:  # it could not be written, and that was said then
        return {}
    row = next((row for row in rows if row["epoch"] == best_epoch), {})
    return {name: value for name, value in row.items() if name.startswith(SCORES)}


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
    if args.resume or args.overwrite:
        return
    for number in range(1, count + 1):
        place = folder / f"fold_{number}"
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
    from napari_bioseg.io import write_split

    folder.mkdir(parents=True, exist_ok=True)
    if not args.resume:
        for number in range(1, len(folds) + 1):
            forget_state(folder / f"fold_{number}")

    parts = {
        f"fold_{number}": [pair.name for pair in fold if pair.role == "validation"]
        for number, fold in enumerate(folds, start=1)
    }
    write_split(folder / "split.yaml", parts)


def _write_summary(path: Path, rows: Sequence[Scores]) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows(summary_rows(rows))
    path.write_text(table.getvalue(), encoding="utf-8")


def _print_summary(rows: Sequence[Scores], *, quiet: bool) -> None:
    head, *lines = summary_rows(rows)
    print_table(head, lines, quiet=quiet)


def summary_rows(rows: Sequence[Scores]) -> list[tuple[str, ...]]:
    """Return a table of all folds, with mean and standard deviation below.

    Parameters
    ----------
    rows : sequence of dict
        Scores by name, one entry per fold.

    Returns
    -------
    list of tuple of str
        The head, and one line per fold, ``mean`` and ``sd``.

    Examples
    --------
    >>> summary_rows([{"IoU": 0.5}, {"IoU": 0.75}])
    [('fold', 'IoU'), ('1', '0.5'), ('2', '0.75'), ('mean', '0.625'), ('sd', '0.1768')]
    """
    names = list(dict.fromkeys(name for row in rows for name in row))

    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:.4g}"

    lines = [("fold", *names)]
    for number, row in enumerate(rows, start=1):
        lines.append((str(number), *(shown(row.get(name)) for name in names)))
    columns = [[row[name] for row in rows if name in row] for name in names]
    lines.append(("mean", *(shown(statistics.fmean(column)) for column in columns)))
    spreads = [statistics.stdev(c) if len(c) > 1 else None for c in columns]
    lines.append(("sd", *map(shown, spreads)))
    return lines
