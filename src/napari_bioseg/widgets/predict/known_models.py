"""Models on disk and in memory: finding them, naming them, what they have learned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_bioseg.counted import counted
from napari_bioseg.settings import Workflow
from napari_bioseg.settings.alike import misfit

MOST = 30
"""Models listed at most, the newest first."""
_FILES = ("workflow.yaml", "weights.safetensors")


def recent_models(folder: Path) -> list[Path]:
    """List the models in a folder, the newest first.

    Parameters
    ----------
    folder : Path
        The folder that models are kept in.

    Returns
    -------
    list of Path
        A folder of folds is one entry.
    """
    if not folder.is_dir():
        return []
    found: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        models = [model for model in members(path) if _is_complete(model)]
        if models:
            newest = max((model / _FILES[0]).stat().st_mtime for model in models)
            found.append((newest, path))
    found.sort(key=lambda entry: entry[0], reverse=True)
    return [path for _, path in found[:MOST]]


def members(model: Any) -> list[Any]:
    """Return the models that an entry stands for.

    Parameters
    ----------
    model : Path or engine.Model
        A folder, perhaps of folds, or a model in memory.

    Returns
    -------
    list
        The finished models of its folds, or the model itself.
    """
    from napari_bioseg.io.folds import fold_models

    if not isinstance(model, Path):
        return [model]
    folds = [fold for fold in fold_models(model) if _is_complete(fold)]
    return folds or [model]


def name_of(model: Any) -> str:
    """Return what to call a model in a list.

    Parameters
    ----------
    model : Path or engine.Model
        A folder, perhaps of folds, or a model in memory.

    Returns
    -------
    str
    """
    if not isinstance(model, Path):
        return "model in memory"
    count = len(members(model))
    if count > 1:
        return f"{model.name} ({count} folds)"
    if model.name.startswith("fold_"):
        return f"{model.parent.name} / {model.name}"
    return model.name


def common_workflow(models: Sequence[Any]) -> Workflow:
    """Return the settings of models whose mean is taken.

    Parameters
    ----------
    models : sequence of Path or engine.Model
        Single ones, see `members`.

    Returns
    -------
    Workflow
        Of the first.

    Raises
    ------
    ValueError
        If one cannot be opened, or they do not fit together.
    OSError
        If a file cannot be read.
    """
    found = [_peeked(m) if isinstance(m, Path) else m.workflow for m in models]
    for model, workflow in zip(models[1:], found[1:], strict=True):
        problem = misfit(found[0], workflow, (name_of(models[0]), name_of(model)))
        if problem:
            raise ValueError(problem)
    first: Workflow = found[0]
    return first


def about(workflow: Workflow) -> str:
    """Say what a model does and what it learned from.

    Parameters
    ----------
    workflow : Workflow
        Of the model.

    Returns
    -------
    str
        For example ``BC, 2-D, 1 channel; trained on 437 images, spacing 0.5 × 0.5``.
    """
    facts = workflow.trained
    task = workflow.task
    what = "semantic" if task.kind == "semantic" else task.configuration
    if task.kind == "semantic" or task.has_classes:
        what += f", {task.classes} classes"
    if facts is None:
        return f"{what}; never trained"
    channels = counted(facts.in_channels, "channel")
    images = counted(facts.images, "image")
    spacing = " × ".join(f"{size:g}" for size in facts.spacing)
    parts = [
        f"{what}, {facts.dimensions}-D, {channels}; trained on {images}",
        counted(facts.epochs, "epoch"),
        f"spacing {spacing}",
    ]
    if facts.score is not None:
        parts.append(f"loss {facts.score:.3g}")
    return ", ".join(parts)


def _peeked(folder: Path) -> Workflow:
    """Read what a model does, once for as long as its file stays the same."""
    path = folder / _FILES[0]
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _read(folder, changed)


@lru_cache(maxsize=64)
def _read(folder: Path, changed: int) -> Workflow:
    del changed
    from napari_bioseg.io import peek_model

    return peek_model(folder)


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _FILES)
