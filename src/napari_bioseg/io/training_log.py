"""The course of a training as a table: ``training_log.csv``."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from .write import replacing

if TYPE_CHECKING:
    from napari_bioseg.engine import EpochDone

NAME = "training_log.csv"
Row = dict[str, float]


class TrainingLog:
    """Writes one row per epoch.

    Parameters
    ----------
    folder : Path
        The model folder.
    first_epoch : int
        The epoch that comes next. Rows of earlier ones stay; later ones belong to an
        epoch that was interrupted, or to another training, and go.
    """

    def __init__(self, folder: Path, first_epoch: int = 1) -> None:
        self.path = folder / NAME
        self.rows: list[Row] = []
        if first_epoch > 1 and self.path.is_file():
            self.rows = self._earlier(first_epoch)

    def _earlier(self, first_epoch: int) -> list[Row]:
        """Read what was logged; a table that somebody changed is put aside."""
        try:
            return [r for r in read_log(self.path) if r["epoch"] < first_epoch]
        except (ValueError, KeyError, TypeError):
            self.path.replace(self.path.with_name(f"changed_{NAME}"))
            return []

    def add(self, event: EpochDone) -> None:
        """Add an epoch; the file is complete before it takes the old one's place.

        Parameters
        ----------
        event : EpochDone

        Raises
        ------
        OSError
            If it cannot be written; the rows so far stay on disk.
        """
        row: Row = {
            "epoch": event.epoch,
            "training loss": event.train_loss,
            "validation loss": event.validation_loss,
            **event.metrics,
            "learning rate": event.learning_rate,
            "seconds": round(event.seconds, 2),
            "best": int(event.best),
        }
        self.rows.append(row)
        with replacing(self.path) as part:
            part.write_text(_as_csv(self.rows), encoding="utf-8", newline="")


def read_log(path: str | Path) -> list[Row]:
    """Read a training log.

    Parameters
    ----------
    path : str or Path
        The file, or the model folder it lies in.

    Returns
    -------
    list of dict
        One per epoch: numbers by name of the column. Empty cells are left out: what
        was not measured, or was infinite.
    """
    path = Path(path)
    if path.is_dir():
        path /= NAME
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: float(text) for name, text in row.items() if text}
            for row in csv.DictReader(file)
        ]


def _as_csv(rows: list[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _cell(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) else f"{value:.8g}"
