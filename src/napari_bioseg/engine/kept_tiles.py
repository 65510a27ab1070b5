"""Tiles that wait for their neighbours, on disk where memory would not hold them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .tiling import Index


class KeptTiles(Mapping[Index, NDArray[np.float32]]):
    """A mapping of tiles by index that holds a bounded number of bytes in memory.

    Parameters
    ----------
    limit : int
        Bytes to hold in memory; what comes on top goes to a temporary folder.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[Index, NDArray[np.float32]] = {}
        self._written: dict[Index, Path] = {}
        self._bytes = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __getitem__(self, index: Index) -> NDArray[np.float32]:
        if index in self._held:
            return self._held[index]
        values: NDArray[np.float32] = np.load(self._written[index])
        return values

    def __iter__(self) -> Iterator[Index]:
        yield from self._held
        yield from self._written

    def __len__(self) -> int:
        return len(self._held) + len(self._written)

    def __contains__(self, index: object) -> bool:
        return index in self._held or index in self._written

    def keep(self, index: Index, tile: NDArray[np.float32]) -> None:
        """Keep a tile.

        Parameters
        ----------
        index : tuple of int
            Which one.
        tile : ndarray
            Its values.
        """
        if self._held and self._bytes + tile.nbytes > self._limit:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="bioseg-tiles-")
            name = "_".join(str(number) for number in index)
            path = Path(self._folder.name) / f"{name}.npy"
            np.save(path, tile)
            self._written[index] = path
            return
        self._held[index] = tile
        self._bytes += tile.nbytes

    def drop(self, index: Index) -> None:
        """Forget a tile.

        Parameters
        ----------
        index : tuple of int
            Which one.
        """
        if index in self._held:
            self._bytes -= self._held.pop(index).nbytes
        else:
            self._written.pop(index).unlink()

    def close(self) -> None:
        """Forget all tiles."""
        self._held.clear()
        self._written.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
