"""A folder with one model per fold: ``fold_1``, ``fold_2`` ... and their summary."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bioseg.settings import TrainedOn

from .split_file import SPLIT, read_split, write_split
from .training_log import read_log
from .write import replacing

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair

Scores = dict[str, float]
"""Scores of one fold's best epoch, by name."""
SUMMARY = "folds.csv"
SCORES = ("validation loss", "IoU", "error")
"""How names of scores begin in the log."""


def fold_folder(folder: Path, number: int) -> Path:
    """Return where the model of a fold is.

    Examples
    --------
    >>> fold_folder(Path("model"), 2).name
    'fold_2'
    """
    return folder / f"fold_{number}"


def fold_models(folder: Path) -> list[Path]:
    """Return the models of a training in folds.

    Parameters
    ----------
    folder : Path
        Where the folders of the folds are.

    Returns
    -------
    list of Path
        In order of their numbers; empty where the folder is a model itself, or holds
        no folds.
    """
    if (folder / "weights.safetensors").exists():
        return []
    found = [f for f in folder.glob("fold_*") if f.name[5:].isdigit() and f.is_dir()]
    return sorted(found, key=lambda fold: int(fold.name[5:]))


def read_fold_split(folder: Path) -> dict[str, list[str]]:
    """Read which images judge which fold.

    Parameters
    ----------
    folder : Path
        The folder of all folds.

    Returns
    -------
    dict of str to list of str
        Names of images by fold; empty if the folder holds no training in folds.

    Raises
    ------
    ValueError
        If the file cannot be read.
    """
    path = folder / SPLIT
    parts = read_split(path) if path.is_file() else {}
    return {} if "training" in parts or "validation" in parts else parts


def write_fold_split(folder: Path, folds: Sequence[Sequence[Pair]]) -> None:
    """Write which images judge which fold.

    Parameters
    ----------
    folder : Path
        The folder of all folds; made where it is missing.
    folds : sequence of sequence of Pair
        For each fold all pairs, with what they are for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        fold_folder(folder, number).name: [
            pair.name for pair in fold if pair.role == "validation"
        ]
        for number, fold in enumerate(folds, start=1)
    }
    write_split(folder / SPLIT, parts)


def fold_scores(folder: Path, trained: TrainedOn) -> Scores:
    """Return how well a fold did, from what its training has left.

    Parameters
    ----------
    folder : Path
        The model folder of the fold.
    trained : TrainedOn
        Facts about its training.

    Returns
    -------
    dict of str to float
        Epochs, the best epoch, its score, loss and metrics.
    """
    scores: Scores = {"epochs": trained.epochs, "best epoch": trained.best_epoch}
    if trained.score is not None:
        scores["score"] = trained.score
    try:
        rows = read_log(folder)
    except OSError:
        return scores
    for row in rows:
        if row["epoch"] == trained.best_epoch:
            scores |= {k: v for k, v in row.items() if k.startswith(SCORES)}
    return scores


def write_summary(folder: Path, rows: Sequence[Scores]) -> None:
    """Write the table of all folds.

    Parameters
    ----------
    folder : Path
        The folder of all folds.
    rows : sequence of dict
        Scores by name, one entry per fold.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows(summary_rows(rows))
    with replacing(folder / SUMMARY) as part:
        part.write_text(table.getvalue(), encoding="utf-8", newline="")


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
