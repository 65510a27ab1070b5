"""Cut two images that are compared into the same patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from numpy.typing import NDArray


def patch_pairs(
    truth: NDArray[Any], predicted: NDArray[Any], patch: Sequence[int]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Cut two images into patches side by side, for figures per patch.

    Parameters
    ----------
    truth, predicted : ndarray
        Of one shape.
    patch : sequence of int
        Size of a patch along the last axes; those before are cut to single planes.

    Yields
    ------
    truth, predicted : ndarray
        Views. The last patches along an axis are smaller where the size does not
        divide it; nothing is counted twice.

    Raises
    ------
    ValueError
        If the shapes differ or the patch has more axes than they.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(6).reshape(2, 3)
    >>> [truth.tolist() for truth, _ in patch_pairs(image, image, (2, 2))]
    [[[0, 1], [3, 4]], [[2], [5]]]
    """
    if truth.shape != predicted.shape:
        raise ValueError(
            f"predicted labels (shape {predicted.shape}) must have the shape of the "
            f"true labels (shape {truth.shape})"
        )
    sizes = tuple(patch)
    if not 0 < len(sizes) <= truth.ndim or min(sizes) < 1:
        raise ValueError(
            f"a patch of {sizes} does not fit images of shape {truth.shape}; give up "
            f"to {truth.ndim} sizes of 1 or more"
        )
    sizes = (1,) * (truth.ndim - len(sizes)) + sizes
    starts = [range(0, n, size) for n, size in zip(truth.shape, sizes, strict=True)]
    for corner in product(*starts):
        place = tuple(slice(a, a + n) for a, n in zip(corner, sizes, strict=True))
        yield truth[place], predicted[place]
