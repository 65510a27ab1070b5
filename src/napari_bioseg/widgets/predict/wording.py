"""Errors that name flags of the command line, in the words of the panel."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

_WORDS = {
    "make room (or write elsewhere) and go on with --resume": (
        "make room and press Predict to go on, or choose another folder"
    ),
    "go on with --resume": "press Predict to go on",
    "start anew with --overwrite": "choose Replace to start anew",
    "say that results may be overwritten": "press Go on or Replace",
}


def in_panel_words(text: str) -> str:
    """Say what to press instead of which flag to give.

    Parameters
    ----------
    text : str
        A message.

    Returns
    -------
    str

    Examples
    --------
    >>> in_panel_words("a.tif exists; say that results may be overwritten")
    'a.tif exists; press Go on or Replace'
    """
    for flag, words in _WORDS.items():
        text = text.replace(flag, words)
    return text


def worded(
    make: Callable[[], Generator[Any, Any, None]],
) -> Generator[Any, Any, None]:
    """Run a job whose errors are in the words of the panel.

    Parameters
    ----------
    make : callable
        Returns its events.

    Yields
    ------
    What the job yields.

    Raises
    ------
    ValueError, OSError
        What the job raised, in other words where it named a flag.
    """
    try:
        yield from make()
    except (ValueError, OSError) as error:
        said = [in_panel_words(x) if isinstance(x, str) else x for x in error.args]
        if tuple(said) == error.args:
            raise
        kind = OSError if isinstance(error, OSError) else ValueError
        raise kind(*said) from error
