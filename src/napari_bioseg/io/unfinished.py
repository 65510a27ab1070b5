"""Results on disk that are not complete: where they grow, and how they take a name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .disk_errors import in_words, make_folder

PROGRESS = "progress.txt"
IMAGE = "image.zarr"


@dataclass(frozen=True)
class PyramidGrown:
    """More of the smaller copies of a result is on disk."""

    done: int
    """Chunks."""
    total: int
    """How many there will be."""


def unfinished(path: str | Path) -> Path:
    """Return the folder in which a result grows until it is complete.

    Parameters
    ----------
    path : str or Path
        Of the result.

    Returns
    -------
    Path
        Beside it.
    """
    path = Path(path)
    return path.with_name(f".{path.name}.part")


def check_start(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Look at what is where a result is to go, and make room if that is allowed.

    Parameters
    ----------
    path : Path
        Of the result.
    resume, overwrite : bool
        What the user allows.

    Raises
    ------
    ValueError
        If a result is there, or one that is not complete.
    """
    part = unfinished(path)
    if path.exists() and not overwrite:
        raise ValueError(
            f"{path} exists already; choose another folder, or say that results may be "
            "overwritten"
        )
    if resume:
        return
    if begun(part) and not overwrite:
        raise ValueError(
            f"{path} was begun before and is not complete; go on with --resume, or "
            "start anew with --overwrite"
        )
    shutil.rmtree(part, ignore_errors=True)


def begun(part: Path) -> bool:
    """Say whether an interrupted call left anything that is worth going on with.

    Parameters
    ----------
    part : Path
        From `unfinished`.

    Returns
    -------
    bool
        False too if it ended before its first tile or block.
    """
    progress = part / PROGRESS
    if not progress.exists():
        return False
    with progress.open(encoding="utf-8") as file:
        file.readline()  # what is done
        first = file.readline()
    # tiles are lines, what was found in blocks is in files
    return first.endswith("\n") or any(part.glob("*/*.npz"))


def take_place(part: Path, path: Path) -> None:
    """Give a complete result its name.

    Parameters
    ----------
    part : Path
        Folder in which it grew.
    path : Path
        Where it belongs; replaced if it exists.
    """
    if path.exists():
        shutil.rmtree(path)
    os.replace(part / IMAGE, path)
    shutil.rmtree(part, ignore_errors=True)


@contextmanager
def explained_disk(path: Path) -> Iterator[None]:
    """Say what a full or read-only disk means for a long piece of work.

    Parameters
    ----------
    path : Path
        Of the result.

    Raises
    ------
    OSError
        With an explanation.
    """
    try:
        make_folder(unfinished(path))
        yield
    except OSError as error:
        advice = (
            "What is finished stays: make room (or write elsewhere) and go on with "
            "--resume"
        )
        told = in_words(error, path, advice)
        if told is None:
            raise
        raise told from error
