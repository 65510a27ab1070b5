"""Names of files made from any text, such as a layer's name."""

from __future__ import annotations

import re
from collections.abc import Callable


def safe_name(text: str) -> str:
    """Make a file name of any text.

    Parameters
    ----------
    text : str
        For example the name of a layer.

    Returns
    -------
    str

    Examples
    --------
    >>> safe_name("nuclei: a/b? BC ")
    'nuclei a b BC'
    """
    return " ".join(re.sub(r'[<>:"/\\|?*\x00-\x1f]+', " ", text).split()) or "model"


def free_name(stem: str, taken: Callable[[str], bool]) -> str:
    """Return a name that is free: with a number behind it where it is taken.

    Parameters
    ----------
    stem : str
        The name to begin with.
    taken : callable
        Says whether a name is taken.

    Returns
    -------
    str

    Examples
    --------
    >>> free_name("cells", ["cells", "cells 2"].__contains__)
    'cells 3'
    """
    name, count = stem, 1
    while taken(name):
        count += 1
        name = f"{stem} {count}"
    return name
