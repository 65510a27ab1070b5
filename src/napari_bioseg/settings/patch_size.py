"""How large training patches should be for the objects that they show."""

from __future__ import annotations

from collections.abc import Sequence

OBJECTS_PER_PATCH = {2: 5, 3: 4}
"""By dimensions: a patch is about so many objects wide, to show the neighbours."""
SMALLEST_PATCH = {2: 128, 3: 32}
"""By dimensions: no patch is proposed smaller in the plane, in pixels."""
LARGEST_PATCH = {2: 224, 3: 64}
"""By dimensions: no patch is proposed larger in the plane, in pixels."""


def patch_for(
    shape: tuple[int, ...], diameter: float, spacing: tuple[float, ...] | None = None
) -> tuple[int, ...]:
    """Return the patch size that suits objects of a size.

    Parameters
    ----------
    shape : tuple of int
        Size of the image, ([Z,] Y, X).
    diameter : float
        Median diameter of the objects, pixels; 0 if there are none.
    spacing : tuple of float, optional
        Pixel size per axis: where z is sampled more coarsely, fewer slices do.

    Returns
    -------
    tuple of int
        Multiples of 16 (along z of 8), no larger than the image where it has so many.

    Examples
    --------
    >>> patch_for((512, 512), 23.0)
    (128, 128)
    """
    axes = len(shape)
    wanted = OBJECTS_PER_PATCH[axes] * diameter
    wanted = min(max(wanted, SMALLEST_PATCH[axes]), LARGEST_PATCH[axes])
    plane = -int(-wanted // 32) * 32
    sizes = [_fit(plane, size, 16) for size in shape[-2:]]
    if axes == 3:
        z, _, x = spacing or (1.0, 1.0, 1.0)
        deep = max(round(plane * min(x / z, 1.0) / 8), 1) * 8
        sizes.insert(0, _fit(deep, shape[0], 8))
    return tuple(sizes)


def _fit(size: int, available: int, multiple: int) -> int:
    return min(size, max(available // multiple, 1) * multiple)


def diameter_of(pixels: float, dimensions: int) -> float:
    """Return the diameter of a disk (ball) with as many pixels.

    Parameters
    ----------
    pixels : float
        Area or volume in pixels; a numpy array gives an array.
    dimensions : int
        2 or 3.

    Returns
    -------
    float

    Examples
    --------
    >>> round(diameter_of(314.16, 2), 1)
    20.0
    """
    if dimensions == 3:
        return float((6 / 3.141592653589793 * pixels) ** (1 / 3))
    return float((4 / 3.141592653589793 * pixels) ** 0.5)


def sized(size: Sequence[float]) -> str:
    """Write a size.

    Parameters
    ----------
    size : sequence of int or float
        Per axis.

    Returns
    -------
    str

    Examples
    --------
    >>> sized((512, 640)), sized((2.0, 0.5, 0.5))
    ('512 × 640', '2 × 0.5 × 0.5')
    """
    return " × ".join(
        f"{length:g}" if isinstance(length, float) else str(length) for length in size
    )
