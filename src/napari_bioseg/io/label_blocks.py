"""Labels that come block by block, into an OME-Zarr on disk."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .ome_zarr import add_pyramid, chunks_for, create_zarr
from .unfinished import IMAGE, PyramidGrown, explained_disk, take_place, unfinished

Block = tuple[tuple[Any, ...], NDArray[Any]]


def write_label_blocks(
    path: Path,
    blocks: Iterable[Block],
    shape: tuple[int, ...],
    axes: str,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    source: str = "",
    leading: int = 0,
) -> Generator[int | PyramidGrown, None, None]:
    """Write labels as they are found.

    Parameters
    ----------
    path : Path
        Folder to write, ending in ``.zarr``; replaced if it exists, once all went
        well.
    blocks : iterable of (index, ndarray)
        Where each block goes, and its labels.
    shape : tuple of int
        Of all labels.
    axes : str
        ``YX``, ``ZYX``, or one of them after ``T``.
    spacing : tuple of float, optional
        Size of a pixel per axis out of Z, Y and X.
    unit : str
        Unit of the spacing.
    source : str
        Name of the image.
    leading : int
        Along how many axes images were labelled one by one.

    Yields
    ------
    int or PyramidGrown
        Blocks written, then the smaller copies.

    Raises
    ------
    OSError
        If the disk is full or cannot be written to.
    """
    part = unfinished(path)
    with explained_disk(path):
        shutil.rmtree(part / IMAGE, ignore_errors=True)
        chunks = chunks_for(shape, axes)
        ahead = len(axes.removeprefix("T")) < len(axes)
        out = create_zarr(
            part / IMAGE,
            shape,
            "int32",
            axes,
            spacing=spacing,
            unit=unit,
            notes={
                "version": 1,
                "role": "labels",
                "source": source,
                "leading": leading,
            },
            chunks=(1, *chunks[1:]) if ahead else chunks,
        )
        for number, (index, labels) in enumerate(blocks, start=1):
            out[index] = labels
            yield number
        for done, total in add_pyramid(part / IMAGE, labels=True):
            yield PyramidGrown(done, total)
        take_place(part, path)
