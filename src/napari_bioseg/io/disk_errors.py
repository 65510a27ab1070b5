"""What it means that something cannot be written, in words."""

from __future__ import annotations

import errno
from pathlib import Path

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is full",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
}


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
