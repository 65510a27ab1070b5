"""Pairs of a folder that is too large to be read at once."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .file_array import FileArray
from .images import (
    ImageInfo,
    count_time_points,
    image_info,
    label_info,
    read_image,
    read_labels,
)
from .zarr_folder import is_zarr

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair

MOST_READ = 1 << 30
"""Folders with more bytes of images than this are not read into memory at once."""


def read_found(
    found: Sequence[tuple[Path, Path]],
    names: Sequence[str],
    *,
    axes: str | None = None,
    label_axes: str | None = None,
) -> list[Pair]:
    """Read pairs of files, or prepare to read them when they are looked at.

    Parameters
    ----------
    found : sequence of (Path, Path)
        Images and labels.
    names : sequence of str
        What to call the pairs.
    axes, label_axes : str, optional
        As for `read_image`.

    Returns
    -------
    list of Pair
        In memory where all images together take up to `MOST_READ` bytes. Else zarr is
        read piece by piece, and other files whole, a few of them kept in memory. Of a
        file with several time points each becomes a pair, named ``cell_t0`` and so on.
    """
    from napari_bioseg.engine import Pair

    infos = [image_info(image, axes=axes, frame=0) for image, _ in found]
    times = [count_time_points(image, axes=axes) for image, _ in found]
    total = sum(
        count * math.prod(info.shape) * info.dtype.itemsize
        for count, info in zip(times, infos, strict=True)
    )
    pairs = []
    for (_, label), info, name, count in zip(found, infos, names, times, strict=True):
        for frame in range(count):
            image = functools.partial(read_image, axes=axes, frame=frame)
            where: dict[str, Any] = {"axes": label_axes, "frame": frame}
            lazy = total > MOST_READ
            pair = Pair(
                _image(info, image) if lazy else image(info.path),
                labels_in_pieces(label, **where)
                if lazy
                else read_labels(label, **where),
                name=name if count == 1 else f"{name}_t{frame}",
                spacing=info.spacing,
            )
            pairs.append(pair)
    return pairs


def _image(info: ImageInfo, load: Callable[[Path], Any]) -> Any:
    if is_zarr(info.path):
        return load(info.path)
    dtype = info.dtype.newbyteorder("=")
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32)
    return FileArray(info.path, info.shape, dtype, load)


def labels_in_pieces(path: Path, *, axes: str | None = None, frame: int = 0) -> Any:
    """Prepare to read labels when they are looked at.

    Parameters
    ----------
    path : Path
        A file that `read_labels` reads.
    axes : str, optional
        One letter per stored axis.
    frame : int
        Which time point, where the file has several.

    Returns
    -------
    array of int, ([Z,] Y, X)
        Of a zarr with whole numbers only what is asked for is read, as it is stored;
        other files are read whole, as int32.
    """
    info = label_info(path, axes=axes, frame=frame)
    if is_zarr(path) and info.dtype.kind in "iu":
        # an image has the same arrangement of axes, and one channel more
        return read_image(path, axes=axes, frame=frame)[0]
    load = functools.partial(read_labels, axes=axes, frame=frame)
    return FileArray(path, info.shape, np.dtype(np.int32), load)
