"""What the Measure panel computes in its thread."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.edit import Change
from napari_bioseg.measure import properties
from napari_bioseg.widgets.tables.plot import load_plots

if TYPE_CHECKING:
    import pandas as pd

TIME = "time"
"""Column of the frame in tables of time series."""


@dataclass(frozen=True, eq=False)
class Question:
    """What to measure.

    Attributes
    ----------
    labels : array
        Labels, numpy or lazy, leading axes included.
    leading : int
        Axes before the spatial ones; every step of them is measured on its own.
    spacing : tuple of float
        Size of a pixel per spatial axis.
    images : callable or None
        Returns the image under a frame, ``([C,] [Z,] Y, X)``.
    known : int or None
        What `Measured.known` was. With it nothing is measured, only looked whether
        the labels are what they were.
    """

    labels: Any
    leading: int
    spacing: tuple[float, ...]
    images: Callable[[tuple[int, ...]], NDArray[Any]] | None = None
    known: int | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    Attributes
    ----------
    table : pandas.DataFrame
        As `measure.properties`; with ``time`` in front for time series.
    known : int
        Stands for the pixels of the labels.
    """

    table: pd.DataFrame
    known: int


@dataclass(frozen=True)
class Stale:
    """The labels are not what was measured any more."""


def measure(
    question: Question, *, cancelled: Callable[[], bool]
) -> Iterator[Measured | Stale]:
    """Measure all objects, or only look whether the measurements still hold.

    Parameters
    ----------
    question : Question
        What to measure.
    cancelled : callable
        Says whether to give up.

    Yields
    ------
    Measured or Stale
        At most one.

    Raises
    ------
    ValueError
        If these are no labels.
    """
    labels = np.asarray(question.labels)
    mark = zlib.crc32(np.ascontiguousarray(labels).data)
    if question.known is not None:
        if mark != question.known:
            yield Stale()
        return
    load_plots()
    frames = list(np.ndindex(labels.shape[: question.leading]))
    tables = []
    for frame in frames:
        if cancelled():
            return
        image = None if question.images is None else question.images(frame)
        table = properties(labels[frame], spacing=question.spacing, image=image)
        if question.leading:
            table.insert(0, TIME, frame[0])
        tables.append(table)
    yield Measured(_joined(tables), mark)


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if len(tables) == 1:
        return tables[0]
    full = [table for table in tables if not table.empty]
    return pd.concat(full, ignore_index=True) if full else tables[0]


def removal(
    labels: Any, leading: int, gone: Sequence[tuple[int, int]], *, cancelled: Any
) -> Change:
    """Work out the change that takes objects away.

    Parameters
    ----------
    labels : array
        Labels, leading axes included.
    leading : int
        Number of those.
    gone : sequence of (int, int)
        Frame and id of each object; the frame is 0 without leading axes.
    cancelled : callable
        Not asked.

    Returns
    -------
    Change
        In the axes of the labels.

    Raises
    ------
    ValueError
        If none of them is there.
    """
    del cancelled
    array = np.asarray(labels)
    places, old = [], []
    for frame in sorted({frame for frame, _ in gone}):
        ids = np.array(sorted(n for f, n in gone if f == frame))
        part = array[frame] if leading else array
        found = np.flatnonzero(np.isin(part, ids))
        at = np.array(np.unravel_index(found, part.shape), np.int64)
        if leading:
            at = np.insert(at, 0, frame, axis=0)
        places.append(at)
        old.append(part.reshape(-1)[found])
    indices = tuple(np.concatenate(places, axis=1))
    values = np.concatenate(old)
    if not values.size:
        raise ValueError("these objects are not in the labels any more; measure again")
    return Change(indices, values, np.zeros_like(values), (), ())
