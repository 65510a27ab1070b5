"""Find out how a training in a folder can go on: resumed, or trained further."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_bioseg.settings import Workflow, WorkflowError

STATE_FILE = "state.safetensors"
"""Where the engine keeps an interrupted training; reading it needs no torch."""


@dataclass(frozen=True)
class Earlier:
    """A training that lies in a folder."""

    folder: Path
    workflow: Workflow
    epoch: int
    """Epochs finished."""
    best_epoch: int
    seconds: float
    """Time spent."""

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before its own settings ended it."""
        train = self.workflow.train
        late = train.minutes != "off" and self.seconds >= 60 * train.minutes
        waited = self.epoch - self.best_epoch
        impatient = train.patience > 0 and waited >= train.patience
        return self.epoch < train.epochs and not late and not impatient


def earlier_training(folder: Path) -> Earlier | None:
    """Return the training that lies in a folder, or None.

    Parameters
    ----------
    folder : Path
        A model folder.

    Returns
    -------
    Earlier or None
        None too if its state cannot be read.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    try:
        values = _state(path)
        progress = values["progress"]
        return Earlier(
            folder=folder,
            workflow=Workflow.from_values(values["workflow"], origin=str(path)),
            epoch=int(progress["epoch"]),
            best_epoch=int(progress["best_epoch"]),
            seconds=float(progress["seconds"]),
        )
    except (OSError, KeyError, ValueError, WorkflowError):
        return None


def _state(path: Path) -> dict[str, Any]:
    """Read the text in the head of a safetensors file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 0 < size < 100_000_000:
            raise ValueError(f"{path} is no safetensors file")
        head = json.loads(file.read(size))
    found: dict[str, Any] = json.loads(head["__metadata__"]["state"])
    return found
