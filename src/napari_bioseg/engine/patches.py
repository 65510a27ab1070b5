"""Cut patches out of images and targets, reading no more than each patch needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .labelled import Region
from .targets import Subject

if TYPE_CHECKING:
    from torch import Tensor

Sample = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A normalised image (C, [Z,] Y, X) and its targets (T, [Z,] Y, X)."""
DeviceSample = tuple["Tensor", "Tensor"]
"""The same on the device that trains."""


def read_patch(subject: Subject, start: Sequence[int], patch: Sequence[int]) -> Sample:
    """Read one patch; what lies beyond the subject's part is mirrored into it.

    Parameters
    ----------
    subject : Subject
    start : sequence of int
        First pixel per axis, in the whole image; may lie outside.
    patch : sequence of int
        Size per axis.

    Returns
    -------
    tuple of ndarray
        Image (C, *patch), normalised, and targets (T, *patch), both float32.
    """
    image = read_box(subject.bounds, start, patch, subject.pair.read)
    return subject.scale(image), read_box(
        subject.bounds, start, patch, subject.targets.read
    )


def read_box(
    bounds: Region,
    start: Sequence[int],
    size: Sequence[int],
    read: Callable[[Region], NDArray[Any]],
    leading: int = 1,
) -> NDArray[Any]:
    """Read a box of an image; what lies beyond its bounds is mirrored into it.

    Parameters
    ----------
    bounds : tuple of slice
        The part of the image that may be read.
    start, size : sequence of int
        First pixel and size per axis.
    read : callable
        Returns the array of a part of the image; only what is needed is asked for.
    leading : int
        How many axes that array has in front of the spatial ones.

    Returns
    -------
    ndarray, (..., *size)
    """
    wanted = list(zip(start, size, bounds, strict=True))
    if all(a >= part.start and a + n <= part.stop for a, n, part in wanted):
        return read(tuple(slice(a, a + n) for a, n, _ in wanted))
    indices = [_mirror(a, n, part) for a, n, part in wanted]
    region = tuple(slice(int(i.min()), int(i.max()) + 1) for i in indices)
    array = read(region)
    for axis, (index, part) in enumerate(zip(indices, region, strict=True), leading):
        array = np.take(array, index - part.start, axis=axis)
    return array


def random_start(
    subject: Subject,
    patch: Sequence[int],
    on_object: bool,
    rng: np.random.Generator,
) -> list[int]:
    """Choose where a patch starts.

    Parameters
    ----------
    subject : Subject
    patch : sequence of int
        Size per axis.
    on_object : bool
        Centre it on an object, give or take a quarter of its size. Otherwise it lies
        anywhere, but shows labelled pixels.
    rng : numpy.random.Generator

    Returns
    -------
    list of int
        First pixel per axis; the patch stays inside where the image is large enough,
        and is centred on the image where it is not.
    """
    places, reach = subject.centres, 4
    if not (on_object and len(places)):
        places, reach = subject.counted, 2
    centre = places[rng.integers(len(places))] if len(places) else None
    start = []
    for axis, (part, size) in enumerate(zip(subject.bounds, patch, strict=True)):
        room = part.stop - part.start - size
        if room <= 0:
            start.append(part.start + room // 2)
        elif centre is None:
            start.append(part.start + int(rng.integers(room + 1)))
        else:
            shift = int(rng.integers(-(size // reach), size // reach + 1))
            wanted = int(centre[axis]) - size // 2 + shift
            start.append(min(max(wanted, part.start), part.start + room))
    return start


def draw_order(
    subjects: Sequence[Subject],
    patch: Sequence[int],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose which subject each patch of an epoch comes from.

    Parameters
    ----------
    subjects : sequence of Subject
    patch : sequence of int
    count : int
        Patches in the epoch.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, (count,)
        Indices of subjects, shuffled. Each subject's share goes by the number of
        patches that cover it, and is kept as evenly as whole numbers allow.
    """
    weights = np.array([patches_to_cover(s.size, patch) for s in subjects])
    edges = np.cumsum(weights) / weights.sum()
    places = (np.arange(count) + rng.random()) / count
    order = np.searchsorted(edges, places, side="right")
    return rng.permutation(np.minimum(order, len(subjects) - 1))


def patches_to_cover(size: Sequence[int], patch: Sequence[int]) -> float:
    """Return how many patches cover an image, in parts of one too, at least 1."""
    return float(np.prod([max(1.0, n / p) for n, p in zip(size, patch, strict=True)]))


def grid_starts(subject: Subject, patch: Sequence[int]) -> list[list[int]]:
    """Return starts of patches that cover a subject, the last ones shifted to fit."""
    lines = _grid_lines(subject, patch)
    grid = np.meshgrid(*lines, indexing="ij")
    return [list(map(int, row)) for row in zip(*(a.flat for a in grid), strict=True)]


def grid_size(subject: Subject, patch: Sequence[int]) -> int:
    """Return how many patches `grid_starts` returns."""
    return int(np.prod([len(line) for line in _grid_lines(subject, patch)]))


def grid_start(subject: Subject, patch: Sequence[int], number: int) -> list[int]:
    """Return the start of one patch of those that `grid_starts` returns."""
    lines = _grid_lines(subject, patch)
    where = np.unravel_index(number, [len(line) for line in lines])
    return [int(line[int(n)]) for line, n in zip(lines, where, strict=True)]


def grid_order(
    subjects: Sequence[Subject],
    patch: Sequence[int],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose which place of which subject's grid each patch of an epoch shows.

    Parameters
    ----------
    subjects : sequence of Subject
    patch : sequence of int
    count : int
        Patches in the epoch.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, (count, 2)
        Numbers of subjects and of places, shuffled; all places equally often, give or
        take one.
    """
    sizes = [grid_size(subject, patch) for subject in subjects]
    edges = np.concatenate([[0], np.cumsum(sizes)])
    rounds = -(-count // int(edges[-1]))
    drawn = np.concatenate([rng.permutation(edges[-1]) for _ in range(rounds)])[:count]
    subject = np.searchsorted(edges, drawn, side="right") - 1
    return np.stack([subject, drawn - edges[subject]], axis=1)


def _grid_lines(subject: Subject, patch: Sequence[int]) -> list[list[int]]:
    lines = []
    for part, size in zip(subject.bounds, patch, strict=True):
        room = part.stop - part.start - size
        if room <= 0:
            lines.append([part.start + room // 2])
            continue
        places = np.linspace(0, room, -(-room // size) + 1).round().astype(int)
        lines.append([part.start + int(place) for place in places])
    return lines


def _mirror(first: int, size: int, part: slice) -> NDArray[np.int64]:
    """Return pixel numbers from ``first`` on, mirrored at the ends of ``part``."""
    length = part.stop - part.start
    place: NDArray[np.int64] = np.arange(first, first + size) - part.start
    if length > 1:
        period = 2 * (length - 1)
        place = np.abs((place + length - 1) % period - (length - 1))
    else:
        place = np.zeros_like(place)
    place += part.start
    return place
