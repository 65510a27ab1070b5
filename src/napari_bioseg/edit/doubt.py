"""Which objects to look at first: those that are most likely wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from .boxes import slabs

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "doubt", "why", "pixels")


def doubt(
    labels: Any,
    foreground: Any = None,
    threshold: float = 0.5,
) -> pd.DataFrame:
    """Order objects by how doubtful they are.

    An object is doubtful if its size or its shape is far from what is usual among the
    others, or if the network was hardly sure of it.

    Parameters
    ----------
    labels : array
        Integer labels, 2-D or 3-D, numpy or lazy; 0 and negative values are no
        objects.
    foreground : array, optional
        Predicted probability of being inside an object, same shape.
    threshold : float
        Probability above which a pixel counted as inside.

    Returns
    -------
    pandas.DataFrame
        One row per object, the most doubtful first: ``id``; ``doubt`` from 0 to 1;
        ``why`` in words; ``pixels``; and its middle, ``axis-0``, ``axis-1`` …, in
        pixels.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Size and shape are judged by the distance from the median in robust standard
    deviations (1.4826 times the median absolute deviation), 3 of which make a doubt of
    one half. The shape is the number of pixel sides on the outline over that of a disc
    (a ball) of the same size.
    """
    import pandas as pd

    if foreground is not None and foreground.shape != labels.shape:
        raise ValueError(
            f"the prediction has shape {foreground.shape}, the labels {labels.shape}: "
            "they must be equal"
        )
    names, sums = _all_sums(labels, foreground)
    pixels = sums[:, 0]
    flat = labels.ndim == 2
    outline = sums[:, 1] / (pixels ** (1 / 2 if flat else 2 / 3))
    reasons = {
        "small": _odd(-np.log(pixels)),
        "large": _odd(np.log(pixels)),
        "odd shape": _odd(np.log(np.maximum(outline, 1e-9))),
    }
    if foreground is not None:
        mean = sums[:, 2] / pixels
        room = max(1 - threshold, 1e-6)
        reasons["unsure"] = np.clip(1 - (mean - threshold) / room, 0, 1)
    table = np.array(list(reasons.values())).reshape(len(reasons), len(names))
    worst = table.argmax(0) if len(names) else np.zeros(0, int)
    rest = 1 - np.prod(1 - np.clip(table, 0, 0.999), axis=0)
    words = np.array(list(reasons))[worst]
    strongest = table.max(0, initial=0)
    words = np.where(strongest < 0.25, "", words)
    frame = {
        "id": names,
        "doubt": rest.round(3),
        "why": words,
        "pixels": pixels.astype(np.int64),
    }
    for axis in range(labels.ndim):
        frame[f"axis-{axis}"] = sums[:, 3 + axis + (3 - labels.ndim)] / pixels
    found = pd.DataFrame(frame)
    return found.sort_values(
        ["doubt", "id"], ascending=[False, True], ignore_index=True
    )


def _all_sums(
    labels: Any, foreground: Any
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the ids and a row of sums for each; a lazy image is read in slabs."""
    ids, rows = [np.zeros(0, np.int64)], [np.zeros((0, 6))]
    for start, part in slabs(labels):
        names, volume = _small_ids(part)
        values: NDArray[np.float32] = np.zeros((1, 1, 1), np.float32)
        if foreground is not None:
            probability = np.asarray(foreground[start : start + len(part)])
            values = np.ascontiguousarray(probability, np.float32)
            values = values.reshape(volume.shape)
        sums = _sums(volume, len(names), values, foreground is not None)
        axis = 3 if part.ndim == 3 else 4
        sums[:, axis] += start * sums[:, 0]
        there = sums[:, 0] > 0
        ids.append(names[there])
        rows.append(sums[there])
    names, index = np.unique(np.concatenate(ids), return_inverse=True)
    total = np.zeros((len(names), 6))
    np.add.at(total, index, np.concatenate(rows))
    return names, total


def _odd(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far values lie above the median: 0 for usual, 1 for very far."""
    if values.size < 3:
        return np.zeros(values.size)
    middle = np.median(values)
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    away = np.maximum(values - middle, 0) / max(spread, 0.05)
    return np.asarray(away**2 / (away**2 + 9))


def _small_ids(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    shape = (1,) * (3 - labels.ndim) + labels.shape
    largest = int(labels.max(initial=0))
    if largest <= max(labels.size, 1 << 16):
        volume = np.ascontiguousarray(labels.reshape(shape), np.int32)
        return np.arange(largest + 1), volume
    names, inverse = np.unique(labels, return_inverse=True)
    ids = inverse.reshape(shape).astype(np.int32) + np.int32(1)
    names = np.concatenate(([0], names))
    ids[names[ids] <= 0] = 0
    return names.astype(np.int64), ids


@numba.njit(nogil=True, cache=True)
def _sums(volume, count, values, with_values):  # type: ignore[no-untyped-def]
    """Pixels, outline sides, summed values and summed places by id."""
    sums = np.zeros((count, 6), np.float64)
    depth, height, width = volume.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                number = volume[z, y, x]
                if number <= 0:
                    continue
                sides = 0
                if depth > 1:
                    sides += z > 0 and volume[z - 1, y, x] != number
                    sides += z < depth - 1 and volume[z + 1, y, x] != number
                sides += y > 0 and volume[z, y - 1, x] != number
                sides += y < height - 1 and volume[z, y + 1, x] != number
                sides += x > 0 and volume[z, y, x - 1] != number
                sides += x < width - 1 and volume[z, y, x + 1] != number
                row = sums[number]
                row[0] += 1
                row[1] += sides
                if with_values:
                    row[2] += values[z, y, x]
                row[3] += z
                row[4] += y
                row[5] += x
    return sums
