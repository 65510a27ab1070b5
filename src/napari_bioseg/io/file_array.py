"""Images in files, read when they are looked at, a few kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_KEPT = 2 << 30
"""Bytes of all images read last that stay in memory."""


class _Kept:
    """The arrays that were read last, up to so many bytes together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrays: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._bytes = 0

    def get(self, key: int, load: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        array = load()  # several threads may read different files at once
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = array
                self._bytes += array.nbytes
            while self._bytes > MOST_KEPT and len(self._arrays) > 1:
                _, dropped = self._arrays.popitem(last=False)
                self._bytes -= dropped.nbytes
        return array

    def drop(self, key: int) -> None:
        with self._lock:
            dropped = self._arrays.pop(key, None)
            self._bytes -= 0 if dropped is None else dropped.nbytes


_kept = _Kept()


class FileArray:
    """An array in a file that looks like one in memory.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Shape of what ``load`` returns.
    dtype : numpy.dtype
        Its type.
    load : callable
        Reads all of it.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        load: Callable[[Path], NDArray[Any]],
    ) -> None:
        self.path = path
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.ndim = len(shape)
        self._load = load

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Return a part as a copy, so that the whole can leave the memory."""
        return np.array(self._all()[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all of it."""
        del copy
        return np.array(self._all(), dtype=dtype)

    def __del__(self) -> None:
        _kept.drop(id(self))

    def _all(self) -> NDArray[Any]:
        return _kept.get(id(self), lambda: self._load(self.path))
