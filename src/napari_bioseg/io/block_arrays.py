"""Arrays that blocks are read from and written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_bioseg.channels.blockwise import Grid
from napari_bioseg.cluster.array_on_disk import ArrayOnDisk

from .ome_zarr import chunks_for
from .predictions import StoredPrediction


def directly(prediction: StoredPrediction) -> Any:
    """Return the zarr array itself where it is our own: reading it costs less.

    Parameters
    ----------
    prediction : StoredPrediction
        The channels.

    Returns
    -------
    array, (C, [Z,] Y, X)
        On disk, dask or numpy.
    """
    import zarr

    data = prediction.data
    if prediction.workflow is None or not hasattr(data, "dask"):
        return data
    node: Any = zarr.open(str(prediction.path.absolute()), mode="r")
    array = node if isinstance(node, zarr.Array) else node.get("0")
    same = array is not None and (array.shape, array.dtype) == (data.shape, data.dtype)
    return ArrayOnDisk(array) if same else data


def chunks_of(grid: Grid) -> tuple[int, int, int]:
    """Return chunks that blocks hold whole ones of.

    Parameters
    ----------
    grid : Grid
        The blocks.

    Returns
    -------
    tuple of int
        Along Z, Y and X.
    """
    usual = chunks_for(grid.shape, "ZYX") if grid.shape[0] > 1 else (1, 512, 512)
    z, y, x = (
        chunk if size % chunk == 0 else size
        for size, chunk in zip(grid.block, usual, strict=True)
    )
    return z, y, x


def create_temporary(path: Path, grid: Grid, dtype: Any) -> None:
    """Create an array that only later steps read, if it is not there.

    Parameters
    ----------
    path : Path
        Where.
    grid : Grid
        The blocks of the volume.
    dtype : dtype
        Of its values.
    """
    import zarr
    from zarr.codecs import BloscCodec, BloscShuffle

    if path.exists():
        return
    zarr.create_array(
        str(path),
        shape=grid.shape,
        dtype=dtype,
        chunks=chunks_of(grid),
        compressors=BloscCodec(cname="lz4", clevel=1, shuffle=BloscShuffle.shuffle),
    )
