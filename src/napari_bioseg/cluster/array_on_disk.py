"""A zarr array that says when its folder is out of sight, instead of reading zeros."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import not_seen


class ArrayOnDisk:
    """A zarr array in a folder, the same one from every process.

    To zarr a chunk that is not there is full of zeros. So is all of an array on a
    computer that does not see the disk, or in a process that runs in another folder
    than its relative path is meant for.

    Parameters
    ----------
    array : zarr.Array
        In a folder of this computer.

    Raises
    ------
    OSError
        When a part is read or written, if the folder is not there.
    """

    def __init__(self, array: Any) -> None:
        import zarr

        root = Path(array.store.root)
        if not root.is_absolute():
            mode: Any = "r" if array.read_only else "r+"
            array = zarr.open_array(str(root.absolute()), path=array.path, mode=mode)
        self._array = array
        self.folder = root.absolute() / array.path
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.chunks: tuple[int, ...] = tuple(array.chunks)

    @property
    def pieces(self) -> tuple[int, ...]:
        """Size of what lies in one file, which two processes must not write at once."""
        return tuple(self._array.shards or self.chunks)

    def __dask_tokenize__(self) -> Any:
        """Return what dask calls arrays after: equal ones have equal names."""
        from dask.base import tokenize

        return tokenize(self._array)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part."""
        self._look()
        return np.asarray(self._array[index])

    def __setitem__(self, index: Any, values: Any) -> None:
        """Write a part."""
        self._look()
        self._array[index] = values

    def _look(self) -> None:
        if not self.folder.is_dir():
            raise not_seen(self.folder)


def on_disk(array: Any) -> bool:
    """Say whether an array is a zarr array in a folder of this computer.

    Parameters
    ----------
    array : any
        zarr, dask, numpy or what else there is.
    """
    from zarr import Array
    from zarr.storage import LocalStore

    return isinstance(array, Array) and isinstance(array.store, LocalStore)


def for_workers(image: Any) -> tuple[Any, list[Path]]:
    """Return an image as workers on other computers can read it.

    Parameters
    ----------
    image : array
        numpy, dask or zarr.

    Returns
    -------
    image : array
        With every zarr array that it is made of as an `ArrayOnDisk`.
    folders : list of Path
        Where these lie.
    """
    import dask.array
    from dask.highlevelgraph import HighLevelGraph

    if on_disk(image):
        image = ArrayOnDisk(image)
    if isinstance(image, ArrayOnDisk):
        return image, [image.folder]
    if not isinstance(image, dask.array.Array):
        return image, []
    folders: list[Path] = []
    layers: dict[str, Any] = {}
    for name, layer in image.dask.layers.items():
        layers[name] = layer
        if len(layer) != 1:
            continue
        ((key, value),) = layer.items()
        if on_disk(value):
            value = ArrayOnDisk(value)
            layers[name] = {key: value}
        if isinstance(value, ArrayOnDisk):
            folders.append(value.folder)
    graph = HighLevelGraph(layers, image.dask.dependencies)
    same = dask.array.Array(graph, image.name, image.chunks, meta=image._meta)  # type: ignore[no-untyped-call]
    return same, folders
