"""An image with its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Role = Literal["auto", "training", "validation"]


@dataclass(frozen=True)
class Pair:
    """One training image and its labels.

    Parameters
    ----------
    image : array, ([C,] [Z,] Y, X)
        numpy, dask or zarr, of any number type; read piece by piece.
    labels : array, ([Z,] Y, X), integer
        Instance numbers or classes; 0 is background.
    name : str
        For messages.
    spacing : tuple of float, optional
        Pixel size per spatial axis; 1 if not given.
    classes : array, ([Z,] Y, X), integer, optional
        The class of each object, at each of its pixels, where objects are to be told
        apart by class too (``InstanceTask(classes=...)``); an object of class 0 is one
        whose class is not known.
    counts : array, ([Z,] Y, X), bool, optional
        Where the labels count; other pixels take no part in training.
    role : {"auto", "training", "validation"}
        What the pair is for. If any is for validation, ``data.validation`` keeps none.

    Examples
    --------
    >>> import numpy as np
    >>> pair = Pair(np.zeros((64, 48), np.uint8), np.zeros((64, 48), np.int32))
    >>> pair.channels, pair.size
    (1, (64, 48))
    """

    image: Any
    labels: Any
    name: str = ""
    spacing: tuple[float, ...] | None = None
    classes: Any = None
    counts: Any = None
    role: Role = "auto"

    @property
    def dimensions(self) -> int:
        """Spatial axes: 2 or 3."""
        return len(self.labels.shape)

    @property
    def size(self) -> tuple[int, ...]:
        """Size of the image per spatial axis."""
        return tuple(int(length) for length in self.labels.shape)

    @property
    def has_channel_axis(self) -> bool:
        """Whether the image has one axis more than the labels."""
        return len(self.image.shape) == len(self.labels.shape) + 1

    @property
    def channels(self) -> int:
        """Channels of the image; 1 if it has no channel axis."""
        return int(self.image.shape[0]) if self.has_channel_axis else 1

    @property
    def pixel_size(self) -> tuple[float, ...]:
        """Spacing, or 1 per axis."""
        return self.spacing or (1.0,) * self.dimensions

    def read(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """Read a part of the image.

        Parameters
        ----------
        region : tuple of slice
            One per spatial axis.

        Returns
        -------
        ndarray, (C, [Z,] Y, X)
            In the image's own number type.
        """
        if self.has_channel_axis:
            return np.asarray(self.image[(slice(None), *region)])
        return np.asarray(self.image[region])[np.newaxis]
