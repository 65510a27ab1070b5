"""Training that can be interrupted: its whole state in one file, without pickle."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_bioseg.settings import Workflow

STATE_FILE = "state.safetensors"
FORMAT = "1"
PARTS = ("model", "best", "optimizer", "average")
"""Kinds of tensors in a state."""

Weights = dict[str, Tensor]


@dataclass
class Progress:
    """How far training has come, in plain numbers."""

    epoch: int = 0
    """Epochs finished."""
    best_epoch: int = 0
    """The best of them; 0 before the first."""
    score: float | None = None
    """Monitored quantity in the best epoch."""
    lowered: int = 0
    """How many times a plateau has lowered the learning rate."""
    lowered_epoch: int = 0
    """Epoch in which it last did."""
    kept: list[tuple[str, float]] = field(default_factory=list)
    """Checkpoints of the best epochs, by folder, with their scores."""
    numbers: dict[str, float] = field(default_factory=dict)
    """What the optimiser step remembers in plain numbers."""
    seconds: float = 0.0
    """Time spent."""
    digest: str = ""
    """What the training data were."""
    surroundings: dict[str, str] = field(default_factory=dict)
    """On what it was computed."""
    division: dict[str, Any] = field(default_factory=dict)
    """Which images were learned from and which judged, as `Division` stores it."""


@dataclass(frozen=True)
class State:
    """Everything needed to go on as if there had been no interruption.

    Random numbers need no state: they follow from the seed, the epoch and the step.
    """

    progress: Progress
    workflow: Workflow
    model: Weights
    best: Weights
    optimizer: Weights
    average: Weights


def save_state(folder: Path, state: State) -> None:
    """Write the state, replacing an earlier one only when all of it is on disk.

    Parameters
    ----------
    folder : Path
        Existing folder.
    state : State

    Raises
    ------
    OSError
        If it cannot be written; an earlier state is left as it was.
    """
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().contiguous()
        for part in PARTS
        for name, tensor in getattr(state, part).items()
    }
    text = json.dumps(
        {
            "progress": asdict(state.progress),
            "workflow": state.workflow.model_dump(mode="json"),
        }
    )
    data = save(tensors, metadata={"format": FORMAT, "state": text})
    write_atomically(folder / STATE_FILE, data)


def load_state(folder: Path) -> State:
    """Read a state that `save_state` wrote.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    State

    Raises
    ------
    ValueError
        If there is none, or it is damaged or from a newer version.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        raise ValueError(
            f"there is no interrupted training in {folder} (no {STATE_FILE}); "
            "train without resume, or name the folder of an earlier training"
        )
    parts: dict[str, Weights] = {part: {} for part in PARTS}
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(
                    f"{path} has format {metadata.get('format')!r}, this version "
                    f"reads {FORMAT!r}; resume with the version that wrote it"
                )
            values: dict[str, Any] = json.loads(metadata["state"])
            for key in file.keys():  # noqa: SIM118  (no mapping)
                part, name = key.split("/", 1)
                parts[part][name] = file.get_tensor(key)
        return State(
            progress=Progress(**values["progress"]),
            workflow=Workflow.from_values(values["workflow"], origin=str(path)),
            **parts,
        )
    except (SafetensorError, KeyError, TypeError, OSError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); start the training anew, without resume"
        ) from error


def forget_state(folder: Path) -> None:
    """Remove the state of an earlier training: what is trained now is another one.

    Parameters
    ----------
    folder : Path
        The model folder; its model stays.
    """
    (folder / STATE_FILE).unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that either all of it or the earlier one is there.

    Parameters
    ----------
    path : Path
    data : bytes

    Raises
    ------
    OSError
        If it cannot be written; nothing half-written is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        _through(temporary)  # a power cut after the renaming must not leave it empty
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        _through(path.parent)


def _through(path: Path) -> None:
    """Have the system write a file, or a folder's list of names, to the disk now."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
