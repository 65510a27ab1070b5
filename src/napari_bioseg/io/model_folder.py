"""A model on disk: weights without code in them, and the settings they belong to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.settings import Workflow, WorkflowError

from .write import replacing

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

WEIGHTS = "weights.safetensors"
WORKFLOW = "workflow.yaml"
FORMAT = 1
"""Version of the weights file; raised when an older reader could misread it."""

_NAMED = 3  # tensors named in an error
_FOREIGN = (".pth", ".pt", ".ckpt", ".pkl", ".h5", ".hdf5", ".keras", ".onnx", ".zip")


class ModelError(ValueError):
    """A model could not be opened; the message says what is wrong with it."""


def save_model(model: Model, folder: str | Path) -> Path:
    """Write a model: ``weights.safetensors`` and ``workflow.yaml``.

    Parameters
    ----------
    model : Model
        The model, wherever its weights lie.
    folder : str or Path
        Created if needed. A model in it is replaced once the new one is completely on
        disk; other files are left alone.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OSError
        If it cannot be written, for example because the disk is full; a model that was
        there stays as it was.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    weights = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    about = {"format": str(FORMAT), "sha256": _digest(weights)}
    # The second file is complete before the first takes its place.
    with replacing(folder / WORKFLOW) as workflow_part:
        workflow_part.write_text(model.workflow.to_yaml(), encoding="utf-8")
        with replacing(folder / WEIGHTS) as weights_part:
            _save(save_file, weights, weights_part, about)
            # safetensors lets nobody but the owner read; colleagues share models.
            weights_part.chmod(workflow_part.stat().st_mode)
    return folder


def save_settings(workflow: Workflow, folder: str | Path) -> Path:
    """Change the settings of a model on disk, such as thresholds just tuned.

    Parameters
    ----------
    workflow : Workflow
        Settings to keep; its task, network, normalisation and training facts must be
        the model's own.
    folder : str or Path
        The model folder.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ModelError
        If there is no model, or the settings belong to another one.
    OSError
        If it cannot be written; the old settings stay as they were.
    """
    folder = _folder(folder)
    old = peek_model(folder)
    parts: list[tuple[str, Any, Any]] = [
        ("task", old.task, workflow.task),
        ("network", old.network, workflow.network),
        ("data.normalization", old.data.normalization, workflow.data.normalization),
        ("trained", old.trained, workflow.trained),
    ]
    for name, before, now in parts:
        if before != now:
            raise ModelError(
                f"these settings belong to another model than {folder}: {name} is "
                f"{now} here and {before} there"
            )
    with replacing(folder / WORKFLOW) as part:
        part.write_text(workflow.to_yaml(), encoding="utf-8")
    return folder / WORKFLOW


def peek_model(folder: str | Path) -> Workflow:
    """Read what a model does, without its weights.

    Parameters
    ----------
    folder : str or Path
        The model folder, or one of its two files.

    Returns
    -------
    Workflow
        With ``trained`` filled in.

    Raises
    ------
    ModelError
        If it is no model, one of its files is missing, its settings are damaged or
        from a newer version, or it was never trained.
    """
    folder = _folder(folder)
    missing = [name for name in (WORKFLOW, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ModelError(_what_is_there(folder, missing))
    try:
        workflow = Workflow.from_yaml(folder / WORKFLOW)
    except WorkflowError as error:
        raise ModelError(str(error)) from error
    if workflow.trained is None:
        raise ModelError(
            f"{folder / WORKFLOW} holds settings that were never trained (trained is "
            "empty); train them, or choose another model"
        )
    return workflow


def open_model(
    folder: str | Path, device: str = "auto", *, allow: Iterable[str] = ()
) -> Model:
    """Open a model.

    Parameters
    ----------
    folder : str or Path
        The model folder, or one of its two files.
    device : str
        Where the weights go: ``"auto"`` takes a GPU if there is one.
    allow : iterable of str
        Networks and losses of your own that the model may use, as
        ``package.module:Name``; no other code is imported for it.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        As for `peek_model`; also if the weights are damaged or belong to another
        network, or that is one of your own which is neither installed nor allowed. No
        code in the files is ever run.
    ValueError
        If there is no such device.
    """
    from napari_bioseg.engine import CustomError, Model
    from napari_bioseg.engine import allow as allow_path

    folder = _folder(folder)
    workflow = peek_model(folder)
    for name in allow:
        allow_path(name)
    path = folder / WEIGHTS
    weights = _read_weights(path)
    try:
        model = Model.create(workflow)
    except CustomError as error:
        raise ModelError(f"{folder / WORKFLOW}: {error}") from error
    fault = _mismatch(model.state_dict(), weights)
    if fault:
        raise ModelError(
            f"{path} does not belong to the network in {WORKFLOW}: {fault}; one of the "
            "two files comes from another model"
        )
    model.load_state_dict(weights)
    return model.to(device)


def _folder(path: str | Path) -> Path:
    path = Path(path)
    if path.name in (WEIGHTS, WORKFLOW) and path.is_file():
        return path.parent
    if path.is_file():
        raise ModelError(
            f"{path} is a file, but a model is a folder with {WORKFLOW} and {WEIGHTS}"
            + ("; files of other programs are not opened" if _foreign(path) else "")
        )
    if not path.is_dir():
        raise ModelError(f"there is no model folder {path}")
    return path


def _foreign(path: Path) -> bool:
    return path.suffix.lower() in _FOREIGN


def _what_is_there(folder: Path, missing: list[str]) -> str:
    names = sorted(path.name for path in folder.iterdir())
    if len(missing) == 1:
        return f"the model in {folder} is incomplete: {missing[0]} is missing"
    foreign = [name for name in names if _foreign(Path(name))]
    if foreign:
        return (
            f"{folder} holds a model of another program ({', '.join(foreign[:_NAMED])})"
            f"; a model made here has {WORKFLOW} and {WEIGHTS}"
        )
    return f"{folder} is no model: it lacks {' and '.join(missing)}"


def _read_weights(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    weights: dict[str, Any] = {}
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            found = about.get("format", "1")
            if found.isdigit() and int(found) > FORMAT:
                raise ModelError(
                    f"{path} has format {found}, this version reads up to {FORMAT}; "
                    "update napari-bioseg to open it"
                )
            for name in file.keys():  # noqa: SIM118  (no mapping)
                weights[name] = file.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is damaged or cut short ({error}); copy the model again, or train "
            "it anew"
        ) from error
    if about.get("sha256") not in (None, _digest(weights)):
        raise ModelError(
            f"{path} is damaged: its numbers are not the ones that were saved; copy "
            "the model again, or train it anew"
        )
    return weights


def _mismatch(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Say which tensors are missing, too many or of another shape."""
    missing = [name for name in wanted if name not in found]
    spare = [name for name in found if name not in wanted]
    faults = [
        f"{name} has shape {tuple(found[name].shape)} instead of "
        f"{tuple(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    if missing:
        faults.insert(0, f"{_listed(missing)} missing")
    if spare:
        faults.insert(0, f"{_listed(spare)} unknown")
    return "; ".join(faults[:_NAMED])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more} {'is' if len(names) == 1 else 'are'}"


def _digest(weights: Mapping[str, Any]) -> str:
    """Return a checksum over names, types, shapes and values."""
    out = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name].numpy()
        out.update(f"{name} {array.dtype} {array.shape}\n".encode())
        out.update(array.tobytes())
    return out.hexdigest()


def _save(save_file: Any, weights: Any, path: Path, about: dict[str, str]) -> None:
    """Write the weights through to the disk; a full one raises OSError."""
    from safetensors import SafetensorError

    try:
        save_file(weights, path, metadata=about)
    except SafetensorError as error:  # how safetensors reports a failed write
        raise OSError(f"cannot write {path.parent / WEIGHTS}: {error}") from error
    with path.open("rb+") as file:
        os.fsync(file.fileno())
