"""Progress on the screen's error channel, and a table of what was done at the end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

_EVERY = 10.0  # seconds between lines where nobody watches a bar


def progress_bar(total: int, name: str, unit: str, *, quiet: bool) -> Any:
    """Return a tqdm bar.

    Parameters
    ----------
    total : int
        Steps to do.
    name : str
        What is being done.
    unit : str
        What a step is.
    quiet : bool
        Whether to show nothing.

    Returns
    -------
    tqdm.tqdm
        Disappears when done; in a log file it writes a line now and then, and none
        for what is done at once.
    """
    from tqdm import tqdm

    watched = sys.stderr.isatty()
    return tqdm(
        total=total,
        desc=name,
        unit=f" {unit}",
        disable=quiet,
        leave=not watched,
        file=sys.stderr,
        delay=0 if watched else _EVERY,
        mininterval=0.1 if watched else _EVERY,
        dynamic_ncols=watched,
    )


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, quiet: bool
) -> None:
    """Print a table: the first column to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        Cells.
    quiet : bool
        Whether to print nothing.
    """
    if quiet:
        return
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for first, *rest in lines:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(w) for cell, w in zip(rest, widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


def duration(seconds: float) -> str:
    """Write a duration: ``0.4 s``, ``1 min 05 s``, ``2 h 03 min``.

    Parameters
    ----------
    seconds : float
        How long it took.

    Returns
    -------
    str

    Examples
    --------
    >>> duration(0.41), duration(65), duration(7400)
    ('0.4 s', '1 min 05 s', '2 h 03 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
