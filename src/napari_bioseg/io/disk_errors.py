"""What it means that something cannot be written, in words."""

from __future__ import annotations

import errno
from pathlib import Path

from napari_bioseg.cluster.errors import ClusterError

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is full",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
}


def make_folder(path: Path) -> None:
    """Make a folder and those that it lies in, where they are missing.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    OSError
        If it cannot be made; said in words where the place allows no folders at all.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # such as below /proc
        text = f"the folder {path} cannot be made: its place allows none"
        raise OSError(error.errno, text) from error


def ends_all(error: Exception) -> bool:
    """Say whether the next image of a list could not be done either.

    Parameters
    ----------
    error : Exception
        What happened with one.

    Returns
    -------
    bool
        True if the disk takes nothing, or the cluster is gone.
    """
    full = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return isinstance(error, ClusterError) or getattr(error, "errno", None) in full


def in_words(error: OSError, path: Path, advice: str = "") -> OSError | None:
    """Return an error that says why a place cannot be written to.

    Parameters
    ----------
    error : OSError
        What happened.
    path : Path
        What was to be written, as the user knows it.
    advice : str
        A sentence on what to do.

    Returns
    -------
    OSError or None
        None for other reasons.
    """
    if error.errno not in REASONS:
        return None
    text = f"{path} cannot be written: {REASONS[error.errno]}"
    return OSError(error.errno, f"{text}. {advice}" if advice else text)
