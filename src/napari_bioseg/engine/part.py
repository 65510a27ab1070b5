"""A part of an image that is read lazily and has the intensities of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Part:
    """A part of an image (C, [Z,] Y, X), to be predicted as in the whole.

    Parameters
    ----------
    whole : array, (C, [Z,] Y, X)
        numpy, dask or zarr; intensities are measured on all of it.
    region : tuple of slice
        The part, per spatial axis.

    Examples
    --------
    >>> part = Part(np.arange(20).reshape(1, 4, 5), (slice(1, 3), slice(2, 5)))
    >>> part.shape, part[:, 0:1, 1:].tolist()
    ((1, 2, 3), [[[8, 9]]])
    """

    def __init__(self, whole: Any, region: tuple[slice, ...]) -> None:
        self.whole = whole
        self.region = region
        self.dtype = np.dtype(whole.dtype)
        sizes = (part.stop - part.start for part in region)
        self.shape: tuple[int, ...] = (int(whole.shape[0]), *sizes)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part of the part; slices only, first the channels'."""
        return np.asarray(self.whole[self.in_whole(index)])

    def in_whole(self, index: Any) -> tuple[Any, ...]:
        """Return the same pixels' place in the whole image.

        Parameters
        ----------
        index : tuple of slice or int
            As for reading.

        Returns
        -------
        tuple
        """
        given = index if isinstance(index, tuple) else (index,)
        given += (slice(None),) * (self.ndim - len(given))
        moved = [given[0]]
        for at, part, size in zip(given[1:], self.region, self.shape[1:], strict=True):
            if isinstance(at, slice):
                start, stop, step = at.indices(size)
                moved.append(slice(part.start + start, part.start + stop, step))
            else:
                moved.append(part.start + int(at))
        return tuple(moved)
