"""Train one model per fold, and sum up how well they do."""

from __future__ import annotations

import argparse
import csv
import io
import statistics
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import Workflow

from .progress import print_table
from .training_screen import follow

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair, TrainEvent

Scores = dict[str, float]
"""Scores of one fold's best epoch, by name."""


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

    folder = Path(args.model)
    folds = _folds(args, pairs, workflow)
    _check_free(folder, len(folds), args)
    folder.mkdir(parents=True, exist_ok=True)
    _write_split(folder, folds)
    rows: list[Scores] = []
    for number, fold in enumerate(folds, start=1):
        place = folder / f"fold_{number}"
        if not args.quiet:
            print(f"fold {number} of {len(folds)}: {place}")
        resume = args.resume and (place / "state.safetensors").exists()
        best = _Best()
        events = best.watch(train(fold, workflow, folder=place, resume=resume))
        model = follow(events, workflow, place, quiet=args.quiet)
        facts = model.trained
        epochs = {"epochs": facts.epochs, "best epoch": facts.best_epoch}
        score = {} if facts.score is None else {"score": facts.score}
        rows.append({**epochs, **score, **best.scores})
        _write_summary(folder / "folds.csv", rows)
    _print_summary(rows, quiet=args.quiet)


class _Best:
    """Remembers the scores of the best epoch that passes by."""

    def __init__(self) -> None:
        self.scores: Scores = {}

    def watch(
        self, events: Generator[TrainEvent, str | None, None]
    ) -> Generator[TrainEvent, str | None, None]:
        """Pass events and answers on."""
        from napari_bioseg.engine import EpochDone

        answer: str | None = None
        try:
            while True:
                event = events.send(answer)
                if isinstance(event, EpochDone) and event.best:
                    loss = {"validation loss": event.validation_loss}
                    self.scores = {**loss, **event.metrics}
                answer = yield event
        except StopIteration:
            return
        finally:
            events.close()


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


def _write_split(folder: Path, folds: Sequence[Sequence[Pair]]) -> None:
    from napari_bioseg.io import write_split

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
