"""Keep the best few epochs as models of their own, beside the very best."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from napari_bioseg.settings import Workflow

from .checkpoint import Progress, write_atomically
from .monitor import lower_is_better

FOLDER = "checkpoints"


def keep_checkpoint(
    folder: Path,
    progress: Progress,
    weights: dict[str, Tensor],
    workflow: Workflow,
    score: float,
) -> None:
    """Write the epoch that just ended if it is among the best, and remove the worst.

    Parameters
    ----------
    folder : Path
        The model folder; checkpoints lie in its folder ``checkpoints``, each a model
        folder named by epoch and score.
    progress : Progress
        ``kept`` is brought up to date.
    weights : dict of str to Tensor
    workflow : Workflow
        ``train.checkpoints`` says how many, ``train.monitor`` what is the best.
    score : float
        Of the epoch.

    Raises
    ------
    OSError
        If the checkpoint cannot be written; the others stay.
    """
    monitor, most = workflow.train.monitor, workflow.train.checkpoints
    name = _name(progress.epoch, monitor, score)
    # an epoch that is done again after an interruption takes its old place
    kept = [entry for entry in progress.kept if entry[0] != name]
    kept = [*kept, (name, score)]
    kept.sort(key=lambda entry: entry[1], reverse=not lower_is_better(monitor))
    if name in [entry[0] for entry in kept[:most]]:
        _write(folder / FOLDER / name, weights, workflow)
    progress.kept = kept[:most]
    _remove_others(folder / FOLDER, {entry[0] for entry in progress.kept})


def forget_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of an earlier training.

    Parameters
    ----------
    folder : Path
        The model folder.
    """
    _remove_others(folder / FOLDER, set())
    with suppress(OSError):  # something else may lie there
        (folder / FOLDER).rmdir()


def _name(epoch: int, monitor: str, score: float) -> str:
    """Return the name of a checkpoint: ``epoch_0012_validation_loss_0.1234``."""
    quantity = "".join(c if c.isalnum() else "_" for c in monitor)
    return f"epoch_{epoch:04}_{quantity}_{score:.4g}"


def _write(folder: Path, weights: dict[str, Tensor], workflow: Workflow) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        write_atomically(part / "weights.safetensors", save(weights))
        write_atomically(part / "workflow.yaml", workflow.to_yaml().encode())
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _remove_others(folder: Path, kept: set[str]) -> None:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        mine = path.name.removeprefix(".").startswith("epoch_")
        if path.is_dir() and mine and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
