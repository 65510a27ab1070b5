"""Tiles that wait for their neighbours, on disk where memory would not hold them."""

from __future__ import annotations

import shutil
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
        Bytes to hold in memory; what comes on top goes to a folder.
    folder : Path, optional
        Which one: removed now, if an earlier run left it, and by `close`. One for
        temporary files, which may lie in memory after all, if not given.
    """

    def __init__(self, limit: int, folder: Path | None = None) -> None:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self._limit = limit
        self._held: dict[Index, NDArray[np.float32]] = {}
        self._written: dict[Index, Path] = {}
        self._bytes = 0
        self._wanted = folder
        self._folder: Path | None = None

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
            self._written[index] = self._write(index, tile)
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
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _write(self, index: Index, tile: NDArray[np.float32]) -> Path:
        if self._folder is None:
            if self._wanted is None:
                self._folder = Path(tempfile.mkdtemp(prefix="bioseg-tiles-"))
            else:
                self._wanted.mkdir(parents=True)
                self._folder = self._wanted
        path = self._folder / f"{'_'.join(str(number) for number in index)}.npy"
        try:
            np.save(path, tile)
        except OSError as error:
            raise OSError(
                error.errno,
                f"tiles that wait for their neighbours do not fit into {self._folder} "
                f"({error.strerror}); make room there, or allow more memory "
                "(predict.memory)",
            ) from error
        return path
