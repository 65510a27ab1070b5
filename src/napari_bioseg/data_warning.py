"""What a user may want to know about files, while all goes on."""

from __future__ import annotations

from pathlib import Path


class DataWarning(UserWarning):
    """Something about files that may be otherwise than was meant.

    Parameters
    ----------
    what : str
        What it is, in words that suit one file and several.
    path : Path, optional
        The file.
    """

    def __init__(self, what: str, path: Path | None = None) -> None:
        super().__init__(what if path is None else f"{path}: {what}")
        self.what = what
        self.path = path
