"""Draw how a patch is turned, zoomed, moved, slanted and bent, as places to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import AugmentSettings


@dataclass(frozen=True)
class Geometry:
    """Where each pixel of a patch comes from.

    Parameters
    ----------
    matrix : ndarray, (axes, axes)
        From places in the patch to places in the image, both relative to the middle of
        the patch, in pixels.
    offset : ndarray, (axes,)
        Added to the places in the image.
    bends : ndarray, (axes, *controls)
        How far places on an even grid over the patch are moved, in pixels of the
        image; empty if the patch is not bent.
    zoom : float
        How many times larger objects appear.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    bends: NDArray[np.float64]
    zoom: float

    def places(self, patch: Sequence[int], margin: int = 0) -> NDArray[np.float32]:
        """Return where in the image every pixel of a patch is read.

        Parameters
        ----------
        patch : sequence of int
            Size per axis.
        margin : int
            How many pixels around the patch to return too.

        Returns
        -------
        ndarray, (axes, *patch), float32
            In pixels from where the patch would start if it were not changed; larger
            than the patch by the margin on all sides.
        """
        axes = len(patch)
        middle = (np.array(patch) - 1) / 2
        size = [n + 2 * margin for n in patch]
        grid = np.ogrid[tuple(slice(-margin, n - margin) for n in size)]
        out = np.empty((axes, *size), np.float32)
        for axis in range(axes):
            total: NDArray[np.float64] = np.zeros((1,) * axes)
            for other in range(axes):
                line = (grid[other] - middle[other]) * self.matrix[axis, other]
                total = total + line
            out[axis] = total + (middle[axis] + self.offset[axis])
        if self.bends.size:
            out += _spread_out(self.bends, patch, margin)
        return out


def draw_geometry(
    settings: AugmentSettings,
    patch: Sequence[int],
    spacing: Sequence[float],
    rng: np.random.Generator,
) -> Geometry | None:
    """Draw at random how one patch is changed.

    Parameters
    ----------
    settings : AugmentSettings
    patch : sequence of int
        Its size.
    spacing : sequence of float
        Pixel size per axis: turns keep shapes true where pixels are not square.
    rng : numpy.random.Generator
        Asked only if a change is switched on.

    Returns
    -------
    Geometry or None
        None where the patch stays as it is.

    Notes
    -----
    Volumes are turned and slanted in the image plane, because z is sampled and blurred
    differently in most microscopes; zoom acts on all axes alike. Bending moves the
    controls of a cubic B-spline, which is smooth and nowhere moves further than the
    largest control.
    """
    if not settings.moves:
        return None

    def amount(largest: float) -> float:
        if not largest or rng.random() >= settings.chance:
            return 0.0
        return float(rng.uniform(-largest, largest))

    axes = len(patch)
    turn = math.radians(amount(settings.turn))
    slant = math.tan(math.radians(amount(settings.shear)))
    zoom = (1 + settings.zoom) ** amount(1.0 if settings.zoom else 0.0)
    offset = np.zeros(axes)
    if settings.shift and rng.random() < settings.chance:
        offset = rng.uniform(-settings.shift, settings.shift, axes) * np.array(patch)
    bends: NDArray[np.float64] = np.empty(0)
    if settings.elastic and rng.random() < settings.chance:
        bends = _draw_bends(settings, patch, spacing, rng)
    if not (turn or slant or zoom != 1 or offset.any() or bends.size):
        return None
    plane = np.array(
        [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    ) @ np.array([[1.0, 0.0], [slant, 1.0]])
    matrix = np.eye(axes)
    sizes = np.array(spacing[-2:])
    matrix[-2:, -2:] = plane * sizes[np.newaxis, :] / sizes[:, np.newaxis]
    return Geometry(matrix / zoom, offset, bends, zoom)


def _draw_bends(
    settings: AugmentSettings,
    patch: Sequence[int],
    spacing: Sequence[float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    # pixels of the plane measure how far places move and how far controls are apart
    coarser = np.array(spacing) / spacing[-1]
    distance = np.maximum(settings.elastic_spacing / coarser, 1)
    controls = [math.ceil(n / d) + 3 for n, d in zip(patch, distance, strict=True)]
    far = rng.uniform(0, settings.elastic)
    moves = rng.uniform(-far, far, (len(patch), *controls))
    # the spline averages neighbours: make up for what that takes off the largest moves
    return moves * 1.5 / coarser.reshape(-1, *(1,) * len(patch))


def _spread_out(
    bends: NDArray[np.float64], patch: Sequence[int], margin: int
) -> NDArray[np.float32]:
    """Interpolate controls by a uniform cubic B-spline, axis by axis."""
    field = bends.astype(np.float32)
    for axis, length in enumerate(patch, start=1):
        weights = _spline(length, margin, field.shape[axis])
        field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
    return field


def _spline(length: int, margin: int, controls: int) -> NDArray[np.float32]:
    """Return the weight of every control for every pixel of a line and its margins."""
    pixels = np.arange(-margin, length + margin).clip(0, length - 1)
    at = pixels * ((controls - 3) / length)
    first = at.astype(np.int64)
    t = at - first
    basis = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    weights = np.zeros((len(pixels), controls), np.float32)
    for number, part in enumerate(basis):
        weights[np.arange(len(pixels)), first + number] = part
    return weights
