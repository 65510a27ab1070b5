"""Training that can be interrupted: its whole state in one file, without pickle."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_bioseg.settings import Workflow

STATE_FILE = "state.safetensors"
FORMAT = "1"
_MUST_AGREE = ("task", "network", "data", "augment")
_MUST_AGREE_IN_TRAIN = ("batch_size", "seed", "steps", "precision")

Weights = dict[str, Tensor]


@dataclass
class Progress:
    """How far training has come, in plain numbers."""

    epoch: int = 0
    """Epochs finished."""
    best_epoch: int = 0
    """The best of them; 0 before the first."""
    score: float | None = None
    """Validation loss of the best epoch."""
    seconds: float = 0.0
    """Time spent."""
    digest: str = ""
    """What the training data were."""


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
        for part in ("model", "best", "optimizer")
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
    parts: dict[str, Weights] = {"model": {}, "best": {}, "optimizer": {}}
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


def check_same_job(old: Workflow, new: Workflow) -> None:
    """Raise an error if a workflow is not the one that was interrupted.

    Epochs, minutes, patience and learning rate may differ.

    Parameters
    ----------
    old, new : Workflow

    Raises
    ------
    ValueError
        Naming the first setting that differs, with both values.
    """
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in _MUST_AGREE]
    pairs += [
        (f"train.{name}", getattr(old.train, name), getattr(new.train, name))
        for name in _MUST_AGREE_IN_TRAIN
    ]
    for name, before, now in pairs:
        if before != now:
            raise ValueError(
                f"cannot resume: {name} was {before} and is {now} now; "
                "set it back, or start anew without resume"
            )


def optimizer_state(optimizer: torch.optim.Optimizer, names: list[str]) -> Weights:
    """Return an optimiser's memory by weight and quantity, ``"head.weight|step"``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{name}|{key}": torch.as_tensor(value)
        for index, name in enumerate(names)
        for key, value in state.get(index, {}).items()
    }


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, names: list[str], saved: Weights
) -> None:
    """Give an optimiser the memory that `optimizer_state` returned."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    index = {name: number for number, name in enumerate(names)}
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in saved.items():
        name, quantity = key.rsplit("|", 1)
        number = index[name]
        if tensor.shape == weights[number].shape:
            # the fused step goes through memory in order, so the layouts must agree
            tensor = torch.empty_like(weights[number]).copy_(tensor)
        state.setdefault(number, {})[quantity] = tensor
    whole = optimizer.state_dict()
    optimizer.load_state_dict({**whole, "state": state})


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
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
