"""Sample images: synthetic touching cells with ground truth, and a real section.

The cells are drawn anew from a seed whenever they are asked for, so the package ships
no data and every use has the truth to compare with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

LayerTuple = tuple[NDArray[Any], dict[str, Any], str]
"""Data, keywords and kind of one napari layer."""

SPACING_2D = (0.5, 0.5)
"""Size of a pixel of the 2-D sample, in micrometres."""
SPACING_3D = (1.0, 0.5, 0.5)
"""Size of a voxel of the 3-D sample, in micrometres: z is sampled half as finely."""

_TOUCHING = 0.8  # share of cells that are put beside another one
_TRIES = 60  # places tried for each cell before it is given up


def touching_cells_2d(
    size: int | tuple[int, int] = 512,
    n: int | None = None,
    seed: int = 0,
    *,
    diameter: float = 26.0,
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Draw a fluorescence image of touching nuclei and its labels.

    Parameters
    ----------
    size : int or (int, int)
        Pixels per side, or in Y and X.
    n : int, optional
        Number of cells; about half the area is covered by default. Fewer come out if
        no place is left for them.
    seed : int
        Start of the random numbers; the same seed draws the same image.
    diameter : float
        Mean diameter of the cells in pixels.

    Returns
    -------
    image : ndarray of uint8, shape (Y, X)
        Intensities, unevenly lit, blurred and with noise.
    labels : ndarray of int32, shape (Y, X)
        Ground truth: 0 background, 1…k cells in scan order.

    Raises
    ------
    ValueError
        If a size is smaller than 16, n is negative or the diameter is below 4.

    Examples
    --------
    >>> image, labels = touching_cells_2d(128, n=20)
    >>> image.shape, image.dtype.name, labels.dtype.name, int(labels.max())
    ((128, 128), 'uint8', 'int32', 20)
    """
    shape = (size, size) if isinstance(size, int) else tuple(size)
    image, labels = _cells(shape, (1.0, 1.0), diameter, n, seed)
    return np.clip(image * 180, 0, 255).astype(np.uint8), labels


def touching_cells_3d(
    shape: tuple[int, int, int] = (32, 128, 128),
    n: int | None = None,
    seed: int = 0,
    *,
    diameter: float = 22.0,
    spacing: tuple[float, float, float] = SPACING_3D,
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Draw a stack of touching nuclei, coarser in z, and its labels.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels in Z, Y and X.
    n : int, optional
        Number of cells; about a third of the volume is covered by default. Fewer come
        out if no place is left for them.
    seed : int
        Start of the random numbers; the same seed draws the same stack.
    diameter : float
        Mean diameter of the cells in pixels of X.
    spacing : (float, float, float)
        Size of a voxel in Z, Y and X; cells are round in these units.

    Returns
    -------
    image : ndarray of uint16, shape (Z, Y, X)
        Intensities, unevenly lit, blurred and with noise.
    labels : ndarray of int32, shape (Z, Y, X)
        Ground truth: 0 background, 1…k cells in scan order.

    Raises
    ------
    ValueError
        If Y or X is smaller than 16, n is negative or the diameter is below 4.

    Examples
    --------
    >>> image, labels = touching_cells_3d((16, 48, 48), n=5)
    >>> image.shape, image.dtype.name, int(labels.max())
    ((16, 48, 48), 'uint16', 5)
    """
    unit = tuple(size / spacing[-1] for size in spacing)
    image, labels = _cells(tuple(shape), unit, diameter, n, seed)
    return np.clip(image * 4000 + 100, 0, 65535).astype(np.uint16), labels


def sample_cells_2d() -> list[LayerTuple]:
    """Return the 2-D cells and their ground truth as napari layers.

    Returns
    -------
    list of (data, keywords, kind)
        An image layer and a labels layer.
    """
    return _layers(*touching_cells_2d(), SPACING_2D, "cells")


def sample_cells_3d() -> list[LayerTuple]:
    """Return the 3-D cells and their ground truth as napari layers.

    Returns
    -------
    list of (data, keywords, kind)
        An image layer and a labels layer, with the spacing as scale.
    """
    return _layers(*touching_cells_3d(), SPACING_3D, "cells 3D")


def sample_real() -> list[LayerTuple]:
    """Return a real section of the colon and its stained nuclei as napari layers.

    The picture is scikit-image's ``immunohistochemistry``, which comes with that
    package; nothing is downloaded. The nuclei are its haematoxylin, separated by
    colour deconvolution.

    Returns
    -------
    list of (data, keywords, kind)
        The RGB image and, above it, the nuclei as a grey image.
    """
    from skimage import color, data

    section = data.immunohistochemistry()  # type: ignore[no-untyped-call]
    stain = color.rgb2hed(section)[..., 0].astype(np.float32)
    low, high = np.percentile(stain, (1, 99.8))
    nuclei = np.clip((stain - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return [
        (section, {"name": "colon section", "rgb": True}, "image"),
        (nuclei, {"name": "colon nuclei", "colormap": "gray"}, "image"),
    ]


def _layers(
    image: NDArray[Any], labels: NDArray[Any], spacing: tuple[float, ...], name: str
) -> list[LayerTuple]:
    place = {"scale": spacing, "units": ("um",) * len(spacing)}
    return [
        (image, {"name": name, **place}, "image"),
        (labels, {"name": f"{name} ground truth", **place}, "labels"),
    ]


def _cells(
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    diameter: float,
    n: int | None,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Draw cells: intensities around 0…1 and labels."""
    _check(shape, diameter, n)
    rng = np.random.default_rng(seed)
    extent = np.multiply(shape, spacing)
    if n is None:
        cell = diameter**2 * 0.79 if len(shape) == 2 else diameter**3 * 0.52
        n = max(1, round((0.5 if len(shape) == 2 else 0.33) * extent.prod() / cell))
    centres, radii = _places(extent, diameter / 2, n, rng)
    labels, nearness = _outlines(shape, spacing, centres, radii, rng)
    return _light(labels, nearness, spacing, diameter, rng), labels


def _check(shape: tuple[int, ...], diameter: float, n: int | None) -> None:
    if min(shape[-2:]) < 16 or min(shape) < 1:
        raise ValueError(
            f"a sample of shape {shape} is too small: Y and X need 16 pixels or more"
        )
    if diameter < 4:
        raise ValueError(f"diameter = {diameter}: must be 4 or more pixels")
    if n is not None and n < 0:
        raise ValueError(f"n = {n}: must be 0 or more cells")


def _places(
    extent: NDArray[Any], radius: float, n: int, rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Choose centres, most of them beside a cell that is already there."""
    sides = len(extent)
    centres = np.empty((n, sides))
    radii = np.clip(rng.normal(1, 0.13, n), 0.7, 1.4) * radius
    count = 0
    for wanted in radii:
        for _ in range(_TRIES):
            if count and rng.random() < _TOUCHING:
                other = rng.integers(count)
                way = rng.normal(size=sides)
                reach = (wanted + radii[other]) * rng.uniform(0.85, 0.97)
                place = centres[other] + way / np.linalg.norm(way) * reach
            else:
                place = rng.uniform(0, extent)
            # A centre just outside the image leaves a sliver: keep them well inside.
            margin = np.minimum(wanted * 0.4, extent / 3)
            if ((place < margin) | (place > extent - margin)).any():
                continue
            gaps = np.linalg.norm(centres[:count] - place, axis=1)
            if (gaps >= 0.85 * (radii[:count] + wanted)).all():
                centres[count], radii[count] = place, wanted
                count += 1
                break
    return centres[:count], radii[:count]


def _outlines(
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    centres: NDArray[Any],
    radii: NDArray[Any],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Give each pixel to the cell it lies deepest in; 0 in centres, 1 at outlines."""
    sides = len(shape)
    labels = np.zeros(shape, np.int32)
    nearness = np.ones(shape, np.float32)
    mean = float(radii.mean()) if len(radii) else 1.0
    wobble = ndi.gaussian_filter(
        rng.standard_normal(shape, np.float32), [0.45 * mean / s for s in spacing]
    )
    wobble = 1 + 0.09 * wobble / max(float(wobble.std()), 1e-6)
    for number, (centre, radius) in enumerate(zip(centres, radii, strict=True), 1):
        axes = radius * rng.uniform(0.85, 1.18, sides)
        turn = np.linalg.qr(rng.normal(size=(sides, sides)))[0] / axes
        first = np.maximum(((centre - 1.6 * radius) / spacing).astype(int), 0)
        last = np.minimum(((centre + 1.6 * radius) / spacing + 2).astype(int), shape)
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        grid = np.ogrid[box]
        steps = [
            (axis + 0.5) * size - middle
            for axis, size, middle in zip(grid, spacing, centre, strict=True)
        ]
        squares = sum(
            sum(step * turn[i, j] for i, step in enumerate(steps)) ** 2
            for j in range(sides)
        )
        depth = np.sqrt(squares) * wobble[box]
        inside = depth < nearness[box]
        nearness[box][inside] = depth[inside]
        labels[box][inside] = number
    return _whole(labels), nearness


def _whole(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Keep the largest piece of every cell and number the cells in scan order."""
    out = np.zeros_like(labels)
    for number, box in enumerate(ndi.find_objects(labels), 1):
        if box is None:
            continue
        pieces, count = ndi.label(labels[box] == number)
        largest = 1 + np.argmax(np.bincount(pieces.ravel())[1:]) if count > 1 else 1
        out[box][pieces == largest] = number
    ids, first = np.unique(out, return_index=True)
    order = ids[np.argsort(first)]
    new = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    new[order[order > 0]] = np.arange(1, (order > 0).sum() + 1)
    return new[out]


def _light(
    labels: NDArray[np.int32],
    nearness: NDArray[np.float32],
    spacing: tuple[float, ...],
    diameter: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Light the cells the way a microscope would: uneven, blurred, noisy."""
    shape = labels.shape
    brightness = np.r_[0, rng.uniform(0.55, 1.1, int(labels.max(initial=0)))]
    dome = 0.45 + 0.55 * np.sqrt(np.clip(1 - nearness**2, 0, 1))
    grain = ndi.gaussian_filter(
        rng.standard_normal(shape, np.float32), [diameter / 12 / s for s in spacing]
    )
    grain = 1 + 0.12 * grain / max(float(grain.std()), 1e-6)
    signal = brightness[labels].astype(np.float32) * dome * grain
    seams = np.zeros(shape, bool)
    for axis in range(labels.ndim):
        a = np.moveaxis(labels, axis, 0)
        edge = (a[1:] != a[:-1]) & (a[1:] > 0) & (a[:-1] > 0)
        np.moveaxis(seams, axis, 0)[1:] |= edge
    signal[seams] *= 0.35
    blur = [1.3, *(0.9,) * 2][-labels.ndim :]
    haze = ndi.gaussian_filter(signal, [diameter / 2 / s for s in spacing])
    sharp = ndi.gaussian_filter(signal, blur)
    slopes = [rng.uniform(-0.2, 0.2) * np.linspace(-1, 1, size) for size in shape]
    tilt = sum(np.meshgrid(*slopes, indexing="ij", sparse=True))
    lit = (sharp + 0.12 * haze + 0.06) * (1 + tilt)
    photons = 110.0
    seen = rng.poisson(np.clip(lit, 0, None) * photons) / photons
    return (seen + rng.normal(0, 0.015, shape)).astype(np.float32)
