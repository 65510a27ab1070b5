"""Read a patch turned, zoomed, moved, slanted or bent, with targets that stay right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Distance, Points, Workflow

from .draw_targets import draw_targets, is_local, reach
from .geometry import Geometry
from .labelled import read_ids
from .patches import Sample, read_box
from .targets import Subject


def read_warped(
    subject: Subject,
    start: Sequence[int],
    patch: Sequence[int],
    geometry: Geometry,
    workflow: Workflow,
) -> Sample:
    """Read one patch through a change of geometry.

    Parameters
    ----------
    subject : Subject
    start : sequence of int
        First pixel per axis of the patch if it were not changed.
    patch : sequence of int
        Size per axis.
    geometry : Geometry
    workflow : Workflow

    Returns
    -------
    tuple of ndarray
        Image (C, *patch), normalised, and targets (T, *patch), both float32.

    Notes
    -----
    Intensities are interpolated linearly. Labels are moved by nearest neighbour, and
    contours, masks and classes drawn anew from them: exactly what encoding the moved
    labels gives, with contours as wide as ever. Distances cannot be drawn from a patch
    that cuts objects; they are moved from the whole image's, interpolated linearly
    among pixels of the same object, and multiplied by the zoom if they are in physical
    units. Dots of P are moved, and grow or shrink with the zoom.
    """
    margin = reach(workflow.channels) if workflow.channels else 0
    places = geometry.places(patch, margin)
    axes = tuple(range(1, places.ndim))
    low = np.floor(places.min(axis=axes)).astype(int)
    high = np.ceil(places.max(axis=axes)).astype(int)
    places -= low.reshape(-1, *(1,) * (places.ndim - 1)).astype(np.float32)
    corner = [int(a + b) for a, b in zip(start, low, strict=True)]
    size = [int(b - a) + 1 for a, b in zip(low, high, strict=True)]
    places = _as_volume(places)

    def read(what: Any, leading: int) -> NDArray[Any]:
        array: NDArray[Any] = read_box(subject.bounds, corner, size, what, leading)
        return np.ascontiguousarray(_as_volume(array if leading else array[np.newaxis]))

    pair = subject.pair
    image = sample_linear(
        read(lambda r: subject.scale(pair.read(r)), 1), places, margin, len(patch)
    )
    task = workflow.task
    classes = task.classes if task.kind == "semantic" else 0
    box = read(lambda r: read_ids(pair, r, workflow.data, classes=classes), 0)[0]
    ids = sample_nearest(box, places)
    named = None
    if task.has_classes:
        chosen = read(lambda r: np.asarray(pair.classes[r]), 0)[0]
        named = sample_nearest(chosen, places).reshape(_wide(patch, margin))
    numbers = [n for n, c in enumerate(workflow.channels) if not is_local(c)]
    distant = None
    if numbers:
        planes = read(lambda r: subject.targets.read(r, numbers), 1)
        distant = [
            _move_plane(plane, workflow.channels[number], box, ids, places, geometry)
            for plane, number in zip(planes, numbers, strict=True)
        ]
        distant = [plane.reshape(_wide(patch, margin)) for plane in distant]
    elif not workflow.is_semantic:
        distant = []
    drawn = draw_targets(
        ids.reshape(_wide(patch, margin)), named, workflow, pair.spacing, distant
    )
    inner = tuple(slice(margin, margin + n) for n in patch)
    targets = np.stack([values[inner].astype(np.float32) for values in drawn])
    return image.reshape(-1, *patch), targets


def _wide(patch: Sequence[int], margin: int) -> tuple[int, ...]:
    return tuple(n + 2 * margin for n in patch)


def _as_volume(array: NDArray[Any]) -> NDArray[Any]:
    """Return (C, Y, X) as (C, 1, Y, X)."""
    return array if array.ndim == 4 else array[:, np.newaxis]


def _move_plane(
    plane: NDArray[np.float32],
    channel: Any,
    box: NDArray[np.int32],
    ids: NDArray[np.int32],
    places: NDArray[np.float32],
    geometry: Geometry,
) -> NDArray[np.float32]:
    if isinstance(channel, Points):
        return sample_nearest(plane, places)
    moved = np.empty(ids.shape, np.float32)
    _linear_within(plane, box, ids, places, moved)
    if isinstance(channel, Distance) and channel.scale == "none":
        moved *= np.float32(geometry.zoom)
    return moved


def sample_linear(
    image: NDArray[np.float32],
    places: NDArray[np.float32],
    margin: int,
    axes: int,
) -> NDArray[np.float32]:
    """Interpolate an image at places.

    Parameters
    ----------
    image : ndarray, (C, Z, Y, X), float32
        Z is 1 for images without.
    places : ndarray, (axes, Z, Y, X), float32
        In pixels of the image.
    margin : int
        How many places at every edge to leave out.
    axes : int
        Spatial axes, 2 or 3.

    Returns
    -------
    ndarray, (C, Z, Y, X), float32
    """
    cut = margin if axes == 3 else 0
    depth, height, width = places.shape[1:]
    out = np.empty(
        (len(image), depth - 2 * cut, height - 2 * margin, width - 2 * margin),
        np.float32,
    )
    _linear(image, places, cut, margin, out)
    return out


def sample_nearest(array: NDArray[Any], places: NDArray[np.float32]) -> NDArray[Any]:
    """Return the values of the pixels nearest to places.

    Parameters
    ----------
    array : ndarray, (Z, Y, X)
    places : ndarray, (axes, Z, Y, X), float32

    Returns
    -------
    ndarray, (Z, Y, X)
        In the array's own type.
    """
    out = np.empty(places.shape[1:], array.dtype)
    _nearest(array, places, out)
    return out


@numba.njit(nogil=True, cache=True)
def _nearest(array, places, out):  # type: ignore[no-untyped-def]
    axes = places.shape[0]
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                z = 0
                if axes == 3:
                    z = int(places[0, k, j, i] + 0.5)
                y = int(places[axes - 2, k, j, i] + 0.5)
                x = int(places[axes - 1, k, j, i] + 0.5)
                out[k, j, i] = array[z, y, x]


@numba.njit(nogil=True, cache=True)
def _split(place, length):  # type: ignore[no-untyped-def]
    """Return the pixels before and behind a place, and how far behind it is."""
    before = min(int(place), length - 1)
    behind = min(before + 1, length - 1)
    return before, behind, np.float32(place - before)


@numba.njit(nogil=True, cache=True)
def _linear(image, places, cut, margin, out):  # type: ignore[no-untyped-def]
    axes = places.shape[0]
    depth, height, width = image.shape[1:]
    for k in range(out.shape[1]):
        for j in range(out.shape[2]):
            for i in range(out.shape[3]):
                at = (k + cut, j + margin, i + margin)
                y0, y1, fy = _split(places[axes - 2, at[0], at[1], at[2]], height)
                x0, x1, fx = _split(places[axes - 1, at[0], at[1], at[2]], width)
                a, b = (1 - fy) * (1 - fx), (1 - fy) * fx
                c, d = fy * (1 - fx), fy * fx
                z0, z1, fz = 0, 0, np.float32(0)
                if axes == 3:
                    z0, z1, fz = _split(places[0, at[0], at[1], at[2]], depth)
                for channel in range(image.shape[0]):
                    plane = image[channel, z0]
                    value = (
                        a * plane[y0, x0]
                        + b * plane[y0, x1]
                        + c * plane[y1, x0]
                        + d * plane[y1, x1]
                    )
                    if fz > 0:
                        plane = image[channel, z1]
                        other = (
                            a * plane[y0, x0]
                            + b * plane[y0, x1]
                            + c * plane[y1, x0]
                            + d * plane[y1, x1]
                        )
                        value += fz * (other - value)
                    out[channel, k, j, i] = value


@numba.njit(nogil=True, cache=True)
def _linear_within(values, box, ids, places, out):  # type: ignore[no-untyped-def]
    """Interpolate among the pixels that have the same number as the nearest one."""
    axes = places.shape[0]
    depth, height, width = values.shape
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                own = ids[k, j, i]
                z0, z1, fz = 0, 0, np.float32(0)
                if axes == 3:
                    z0, z1, fz = _split(places[0, k, j, i], depth)
                y0, y1, fy = _split(places[axes - 2, k, j, i], height)
                x0, x1, fx = _split(places[axes - 1, k, j, i], width)
                total = np.float32(0)
                weights = np.float32(0)
                for corner in range(8):
                    z = z1 if corner & 4 else z0
                    y = y1 if corner & 2 else y0
                    x = x1 if corner & 1 else x0
                    weight = (
                        (fz if corner & 4 else 1 - fz)
                        * (fy if corner & 2 else 1 - fy)
                        * (fx if corner & 1 else 1 - fx)
                    )
                    value = values[z, y, x]
                    if weight > 0 and box[z, y, x] == own and not np.isnan(value):
                        total += weight * value
                        weights += weight
                out[k, j, i] = total / weights if weights > 0 else np.nan
