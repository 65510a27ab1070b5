"""Reading parts of an image, whatever holds it, with errors that say where."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .part import Part


class Pixels:
    """An image (C, [Z,] Y, X) of any real type, read part by part.

    Parameters
    ----------
    image : array
        numpy, dask or zarr, or a `Part` of one. A mask of bool counts as 0 and 1.

    Raises
    ------
    ValueError
        If it holds no real numbers.
    """

    def __init__(self, image: Any) -> None:
        dtype = np.dtype(image.dtype)
        if dtype.kind not in "biuf":
            raise ValueError(
                f"the image holds {dtype} values, but a network needs real numbers; "
                "convert it, for example with numpy.abs(image) where it is complex"
            )
        self.image = image
        self.shape: tuple[int, ...] = tuple(image.shape)
        self.dtype = np.dtype(np.uint8) if dtype.kind == "b" else dtype

    @property
    def whole(self) -> Pixels:
        """The image that intensities are measured on."""
        return Pixels(self.image.whole) if isinstance(self.image, Part) else self

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        ValueError
            If it cannot be read; the damaged chunk is named.
        """
        try:
            values = np.asarray(self.image[index])
        except MemoryError:
            raise
        except Exception as error:  # whatever a codec raises
            advice = "restore that part, or predict a region without it"
            told = self.damage(index, error, "image", advice)
            if told is None:
                raise
            raise told from error
        return values.astype(np.uint8) if values.dtype.kind == "b" else values

    def damage(
        self, index: Any, error: Exception, what: str, advice: str
    ) -> ValueError | None:
        """Return an error that names the first chunk of a part that cannot be read.

        Parameters
        ----------
        index : tuple
            Of the part, as for reading it.
        error : Exception
            What was raised when it was read.
        what : str
            What these pixels are: ``image`` or ``prediction``.
        advice : str
            What to do.

        Returns
        -------
        ValueError or None
            None if nothing is wrong with any chunk.
        """
        where = self._damaged(index)
        if where is None:
            return None
        reason = " ".join(str(error).split()) or type(error).__name__
        return ValueError(
            f"the {what} is damaged and cannot be read at {where}: {reason}; {advice}"
        )

    def _damaged(self, index: Any) -> str | None:
        """Find the first chunk of a part that cannot be read, and name it."""
        if isinstance(self.image, Part):
            return self.whole._damaged(self.image.in_whole(index))
        edges = chunk_edges(self.image)
        if edges is None or not isinstance(index, tuple):
            return None
        spans = []
        for place, along in itertools.zip_longest(index, edges):
            wanted = slice(None) if place is None else place
            if isinstance(wanted, int | np.integer):
                wanted = slice(int(wanted), int(wanted) + 1)
            first, last, _ = wanted.indices(along[-1])
            pairs = enumerate(itertools.pairwise(along))
            spans.append([(n, a, b) for n, (a, b) in pairs if a < last and b > first])
        for chunk in itertools.product(*spans):
            try:
                np.asarray(self.image[tuple(slice(a, b) for _, a, b in chunk)])
            except Exception:  # noqa: BLE001  # whatever a codec raises
                letters = "CZYX" if self.ndim == 4 else "CYX"
                ranges = ", ".join(
                    f"{letter} {a} to {b - 1}"
                    for letter, (_, a, b) in zip(letters, chunk, strict=True)
                )
                numbers = "/".join(str(n) for n, _, _ in chunk)
                return f"{ranges} (chunk {numbers})"
        return None


def chunk_edges(image: Any) -> list[list[int]] | None:
    """Return where the chunks of an array begin and end.

    Parameters
    ----------
    image : array
        numpy, dask or zarr.

    Returns
    -------
    list of list of int, or None
        Per axis, from 0 to its length; None if it has no chunks.
    """
    chunks = getattr(image, "chunks", None)
    if not chunks:
        return None
    if isinstance(chunks[0], int):  # zarr: one size an axis
        return [
            [*range(0, length, size), length]
            for length, size in zip(image.shape, chunks, strict=True)
        ]
    return [[0, *np.cumsum(sizes).tolist()] for sizes in chunks]
