"""How much a model could not do at once on a device, remembered for the next time."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import torch

from .model import Model

FOLDER = "NAPARI_BIOSEG_CACHE"
"""Environment variable with the folder of what is remembered."""
DAYS = 14
"""After so many days a limit is tried again: other programs may have gone."""
_lock = threading.Lock()
_known: dict[str, int] = {}
_read = ""


def limit_of(model: Model) -> int | None:
    """Return the pixels that were too many for a model where its weights lie.

    Parameters
    ----------
    model : Model

    Returns
    -------
    int or None
        Pixels, all tiles of a batch together; None if nothing was ever too much.
    """
    with _lock:
        _load()
        return _known.get(_key(model))


def remember(model: Model, pixels: int) -> None:
    """Remember that so many pixels were too many, here and on disk.

    Parameters
    ----------
    model : Model
        Where its weights lie is where memory ran out.
    pixels : int
        All tiles of a batch together.
    """
    with _lock:
        _load()
        key = _key(model)
        _known[key] = min(pixels, _known.get(key, pixels))
        with contextlib.suppress(OSError):  # remembering is a convenience
            _save(key, _known[key])


def forget() -> None:
    """Forget everything in this process and on disk."""
    global _read
    with _lock:
        _known.clear()
        _read = ""
        _file().unlink(missing_ok=True)


def _key(model: Model) -> str:
    device = model.device
    name = device.type
    if name == "cuda":
        name = torch.cuda.get_device_name(device)
    facts = [
        name,
        f"{model.dimensions}-D",
        f"{model.in_channels} to {len(model.outputs)}",
        model.workflow.network.model_dump_json(),
    ]
    return " | ".join(facts)


def _file() -> Path:
    folder = os.environ.get(FOLDER)
    if folder is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(home) / "napari-bioseg" / "tile_limits.json"
    return Path(folder) / "tile_limits.json"


def _load() -> None:
    """Read the file once, and again where another one is meant."""
    global _read
    path = _file()
    if _read == str(path):
        return
    _known.clear()
    _read = str(path)
    for key, (pixels, _) in _entries(path).items():
        _known[key] = pixels


def _entries(path: Path) -> dict[str, tuple[int, float]]:
    oldest = time.time() - DAYS * 86_400
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(key): (int(pixels), float(when))
            for key, (pixels, when) in values.items()
            if when > oldest
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save(key: str, pixels: int) -> None:
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {**_entries(path), key: (pixels, time.time())}
    part = path.with_name(f".{os.getpid()}.{path.name}")
    part.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    os.replace(part, path)
