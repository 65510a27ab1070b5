"""One time point of a file that holds several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .source import Source


def time_points(source: Source, axes: str | None) -> int:
    """Return how many time points a file holds; 1 if it has no axis for them.

    Parameters
    ----------
    source : Source
        As stored.
    axes : str, optional
        The user's word on the stored axes.

    Returns
    -------
    int
    """
    axis = _time_axis(source, axes)
    return 1 if axis is None else source.shape[axis]


def at_time(
    source: Source, axes: str | None, frame: int | None
) -> tuple[Source, str | None]:
    """Return one time point of a file as if it were a file of its own.

    Parameters
    ----------
    source : Source
        As stored.
    axes : str, optional
        The user's word on the stored axes.
    frame : int or None
        Which time point, from 0; None leaves everything as it is.

    Returns
    -------
    source : Source
    axes : str or None
        The user's word on the axes that are left.
    """
    axis = _time_axis(source, axes)
    if frame is None or axis is None:
        return source, axes

    def load() -> Any:
        return source.load()[(slice(None),) * axis + (frame,)]

    def without(letters: str) -> str:
        return letters[:axis] + letters[axis + 1 :]

    left = replace(
        source,
        shape=(*source.shape[:axis], *source.shape[axis + 1 :]),
        axes=without(source.axes),
        load=load,
    )
    return left, without(axes) if axes else None


def _time_axis(source: Source, axes: str | None) -> int | None:
    letters = (axes or source.axes).upper()
    if len(letters) != len(source.shape) or "T" not in letters:
        return None
    return letters.index("T")
