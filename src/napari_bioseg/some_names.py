"""The first few of many names, as messages say them."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 5
"""Names said before "and n more"."""


def some_names(names: Sequence[str]) -> str:
    """Return names in one line.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    str

    Examples
    --------
    >>> some_names(["a", "b"]), some_names([])
    ('a, b', 'nothing')
    >>> some_names(list("abcdefgh"))
    'a, b, c, d, e and 3 more'
    """
    if not names:
        return "nothing"
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
