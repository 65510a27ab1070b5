"""Count pixels and add up places and intensities of all objects in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.parallel import cores, in_parallel

_SMALL = 1 << 15
"""So few pixels are counted before another thread would wake up."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Sizes and places by object number; row 0 is the background.

    Parameters
    ----------
    counts : ndarray of int64, shape (objects + 1,)
        Pixels.
    centres : ndarray of float64, shape (objects + 1, 3)
        Centre of mass in pixels, Z, Y, X; NaN where there are no pixels.
    boxes : ndarray of int32, shape (objects + 1, 6)
        First and one past the last Z, Y, X.
    """

    counts: NDArray[np.int64]
    centres: NDArray[np.float64]
    boxes: NDArray[np.int32]

    @property
    def objects(self) -> NDArray[np.int64]:
        """Numbers of the objects that have pixels."""
        return np.flatnonzero(self.counts[1:]) + 1


def shares(rows: int, pixels: int) -> list[int]:
    """Return where to cut the rows of an image: one piece per core.

    Every piece gets tables as long as there are objects, so there are few.

    Parameters
    ----------
    rows : int
        Rows of all slices.
    pixels : int
        Size of the image.

    Returns
    -------
    list of int
    """
    pieces = 1 if pixels < _SMALL else min(cores(), rows)
    return [rows * piece // pieces for piece in range(pieces + 1)]


def tally(labels: NDArray[np.int32]) -> Tally:
    """Count the pixels of every object and find where it lies.

    Parameters
    ----------
    labels : ndarray of int32, shape (Z, Y, X)
        Object numbers from 0 up, few enough to index a table.

    Returns
    -------
    Tally
    """
    depth, height, _ = labels.shape
    top = int(labels.max(initial=0))
    edges = shares(depth * height, labels.size)
    parts = in_parallel(_tally, edges, labels, top)
    counts = np.sum([part[0] for part in parts], axis=0)
    sums = np.sum([part[1] for part in parts], axis=0)
    boxes = parts[0][2]
    for _, _, other in parts[1:]:
        np.minimum(boxes[:, :3], other[:, :3], out=boxes[:, :3])
        np.maximum(boxes[:, 3:], other[:, 3:], out=boxes[:, 3:])
    with np.errstate(invalid="ignore"):
        centres = sums / counts[:, np.newaxis]
    return Tally(counts, centres, boxes)


def intensities(
    labels: NDArray[np.int32], image: NDArray[Any], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, lowest and highest value of one channel in every object.

    Parameters
    ----------
    labels : ndarray of int32, shape (Z, Y, X)
        Object numbers from 0 up, few enough to index a table.
    image : ndarray, shape (Z, Y, X)
        One channel.
    counts : ndarray of int64
        Pixels of every object.

    Returns
    -------
    mean, lowest, highest : ndarray of float64
        By object number; meaningless where there are no pixels.
    """
    depth, height, _ = labels.shape
    edges = shares(depth * height, labels.size)
    if image.dtype.kind not in "iuf" or image.dtype.itemsize not in (1, 2, 4, 8):
        image = image.astype(np.float64)
    parts = in_parallel(_intensities, edges, labels, image, len(counts))
    with np.errstate(invalid="ignore"):
        mean = np.sum([part[0] for part in parts], axis=0) / counts
    lowest = np.min([part[1] for part in parts], axis=0)
    highest = np.max([part[2] for part in parts], axis=0)
    return mean, lowest, highest


@numba.njit(nogil=True, cache=True)
def _tally(labels, top, start, stop):  # type: ignore[no-untyped-def]
    depth, height, width = labels.shape
    counts = np.zeros(top + 1, np.int64)
    sums = np.zeros((top + 1, 3), np.int64)
    boxes = np.empty((top + 1, 6), np.int32)
    boxes[:, 0], boxes[:, 1], boxes[:, 2] = depth, height, width
    boxes[:, 3:] = 0
    for row in range(start, stop):
        z, y = row // height, row % height
        line = labels[z, y]
        left = 0
        while left < width:
            label = line[left]
            right = left + 1
            while right < width and line[right] == label:
                right += 1
            if label:
                length = right - left
                counts[label] += length
                sums[label, 0] += z * length
                sums[label, 1] += y * length
                sums[label, 2] += (left + right - 1) * length // 2
                box = boxes[label]
                box[0], box[3] = min(box[0], z), max(box[3], z + 1)
                box[1], box[4] = min(box[1], y), max(box[4], y + 1)
                box[2], box[5] = min(box[2], left), max(box[5], right)
            left = right
    return counts, sums, boxes


@numba.njit(nogil=True, cache=True)
def _intensities(labels, image, length, start, stop):  # type: ignore[no-untyped-def]
    height, width = labels.shape[1:]
    sums = np.zeros(length, np.float64)
    lowest = np.full(length, np.inf)
    highest = np.full(length, -np.inf)
    for row in range(start, stop):
        z, y = row // height, row % height
        for x in range(width):
            label = labels[z, y, x]
            if label:
                value = np.float64(image[z, y, x])
                sums[label] += value
                lowest[label] = min(lowest[label], value)
                highest[label] = max(highest[label], value)
    return sums, lowest, highest
