"""Measure every object: size, place, shape, brightness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .numbering import dense_labels

if TYPE_CHECKING:
    import pandas as pd


def properties(
    labels: NDArray[Any],
    *,
    spacing: Sequence[float] | None = None,
    image: NDArray[Any] | None = None,
    classes: NDArray[Any] | Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Measure every object of a label image.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background. The pieces of an object count together.
    spacing : sequence of float, optional
        Size of a pixel per axis, in any unit; 1 by default.
    image : ndarray, shape ([C,] [Z,] Y, X), optional
        Brightness, in one or several channels.
    classes : ndarray of int or mapping, optional
        Class of every pixel, of which an object takes the commonest but 0; or class by
        object number.

    Returns
    -------
    pandas.DataFrame
        One row per object, in order of their numbers.

        ``label``
            Number of the object.
        ``axis-0``, ``axis-1`` [, ``axis-2``]
            Centre of mass, in pixels.
        ``npixels``
            Pixels (voxels).
        ``area`` (2-D), ``volume`` (3-D)
            In squared or cubic units.
        ``diameter``, ``diameter_units``
            Longest side of the bounding box, in pixels and in units.
        ``perimeter`` (2-D), ``surface_area`` (3-D)
            Length of the outline, in units; surface, in squared units.
        ``circularity`` (2-D)
            4π area / perimeter², 1 for a disc.
        ``elongation`` (2-D)
            perimeter² / (4π area), the inverse.
        ``sphericity`` (3-D)
            36π volume² / surface³, 1 for a ball.
        ``bbox-0`` …
            Bounding box in pixels: first per axis, then one past the last per axis.
        ``mean_intensity``, ``min_intensity``, ``max_intensity``
            With an image; with several channels ``mean_intensity-0`` and so on.
        ``class``
            With classes.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or spacing,
        image or classes do not fit them.

    Notes
    -----
    An object of one pixel or of a pair of pixels has an outline of length 0; its
    circularity and elongation are not defined and NaN. See `perimeters` and `surfaces`
    for how these are measured.

    Examples
    --------
    >>> import numpy as np
    >>> table = properties(np.pad(np.ones((4, 4), int), 1), spacing=(0.5, 0.5))
    >>> table[["npixels", "area", "diameter", "diameter_units", "perimeter"]].T[0]
    npixels           16.0
    area               4.0
    diameter           4.0
    diameter_units     2.0
    perimeter          6.0
    Name: 0, dtype: float64
    """
    import pandas as pd

    from .tally import tally

    steps = _steps(labels, spacing)
    dense, numbers = dense_labels(labels)
    found = tally(dense)
    objects = found.objects
    columns: dict[str, NDArray[Any]] = {
        "label": objects if numbers is None else numbers[objects],
    }
    for axis in range(labels.ndim):
        columns[f"axis-{axis}"] = found.centres[objects, axis - labels.ndim]
    boxes = found.boxes[objects].reshape(-1, 2, 3)[:, :, -labels.ndim :]
    columns |= _sizes(dense, found.counts, boxes, objects, steps)
    for place, side in enumerate(boxes.reshape(-1, 2 * labels.ndim).T):
        columns[f"bbox-{place}"] = side
    if image is not None:
        columns |= _brightness(dense, np.asarray(image), labels.ndim, found.counts)
    if classes is not None:
        columns["class"] = _classes(labels, columns["label"], classes)
    return pd.DataFrame(columns)


def _steps(
    labels: NDArray[Any], spacing: Sequence[float] | None
) -> NDArray[np.float64]:
    steps = np.ones(labels.ndim) if spacing is None else np.asarray(spacing, float)
    if steps.shape != (labels.ndim,) or not (np.isfinite(steps) & (steps > 0)).all():
        raise ValueError(
            f"the spacing {spacing} does not fit labels of shape {labels.shape}; give "
            f"{labels.ndim} sizes of a pixel above 0, one per axis"
        )
    return steps


def _sizes(
    dense: NDArray[np.int32],
    counts: NDArray[np.int64],
    boxes: NDArray[np.int32],
    objects: NDArray[np.int64],
    steps: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    from .perimeter import perimeters
    from .surface import surfaces

    pixels = counts[objects]
    size = pixels * steps.prod()
    sides = boxes[:, 1] - boxes[:, 0]
    longest = sides.max(axis=1, initial=0)
    units = (sides * steps).max(axis=1, initial=0)
    top = len(counts) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(steps) == 2:
            outline = perimeters(dense[0], top, steps.tolist())[objects]
            roundness = np.where(outline > 0, 4 * np.pi * size / outline**2, np.nan)
            return {
                "npixels": pixels,
                "area": size,
                "diameter": longest,
                "diameter_units": units,
                "perimeter": outline,
                "circularity": roundness,
                "elongation": 1 / roundness,
            }
        surface = surfaces(dense, top, steps.tolist())[objects]
        return {
            "npixels": pixels,
            "volume": size,
            "diameter": longest,
            "diameter_units": units,
            "surface_area": surface,
            "sphericity": 36 * np.pi * size**2 / surface**3,
        }


def _brightness(
    dense: NDArray[np.int32], image: NDArray[Any], axes: int, counts: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    from .tally import intensities

    shape = dense.shape[-axes:]
    if image.shape[-axes:] != shape or image.ndim not in (axes, axes + 1):
        raise ValueError(
            f"an image of shape {image.shape} does not lie under labels of shape "
            f"{shape}; it must have that shape, with channels before it if there are "
            "several"
        )
    objects = np.flatnonzero(counts[1:]) + 1
    channels = image[np.newaxis] if image.ndim == axes else image
    columns = {}
    for index, channel in enumerate(channels):
        name = f"-{index}" if len(channels) > 1 else ""
        values = intensities(dense, channel.reshape(dense.shape), counts)
        for what, numbers in zip(("mean", "min", "max"), values, strict=True):
            columns[f"{what}_intensity{name}"] = numbers[objects]
    return columns


def _classes(
    labels: NDArray[Any],
    names: NDArray[Any],
    classes: NDArray[Any] | Mapping[int, int],
) -> NDArray[np.int64]:
    """Return the class of each object; 0 where none is known."""
    from .shared_pixels import shared_pixels

    if isinstance(classes, Mapping):
        found = [classes.get(name, 0) for name in names.tolist()]
        return np.array(found, np.int64)
    if classes.shape != labels.shape or classes.dtype.kind not in "iu":
        raise ValueError(
            f"classes of shape {classes.shape} and type {classes.dtype} do not fit "
            f"labels of shape {labels.shape}; give a whole number for each of its "
            "pixels, or a class by object number"
        )
    ids, values, pixels = shared_pixels(labels, classes)
    pixels = np.where(values == 0, 0, pixels)  # the background has no vote
    order = np.lexsort((-values, pixels, ids))  # the commonest last; of ties, the first
    last = order[np.flatnonzero(np.diff(ids[order], append=-1))]
    return values[last[ids[last] > 0]]
