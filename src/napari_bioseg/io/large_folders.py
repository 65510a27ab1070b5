"""Pairs of a folder that is too large to be read at once."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .file_array import FileArray
from .images import ImageInfo, image_info, label_info, read_image, read_labels
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
        read piece by piece, and other files whole, a few of them kept in memory.
    """
    from napari_bioseg.engine import Pair

    infos = [image_info(image, axes=axes) for image, _ in found]
    total = sum(math.prod(info.shape) * info.dtype.itemsize for info in infos)
    lazy = total > MOST_READ
    return [
        Pair(
            _image(info, axes) if lazy else read_image(image, axes=axes),
            _labels(label, label_axes) if lazy else read_labels(label, axes=label_axes),
            name=name,
            spacing=info.spacing,
        )
        for (image, label), info, name in zip(found, infos, names, strict=True)
    ]


def _image(info: ImageInfo, axes: str | None) -> Any:
    if is_zarr(info.path):
        return read_image(info.path, axes=axes)
    load = functools.partial(read_image, axes=axes)
    dtype = info.dtype.newbyteorder("=")
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32)
    return FileArray(info.path, info.shape, dtype, load)


def _labels(path: Path, axes: str | None) -> Any:
    info = label_info(path, axes=axes)
    if is_zarr(path) and info.dtype.kind in "iu":
        # an image has the same arrangement of axes, and one channel more
        return read_image(path, axes=axes)[0]
    load = functools.partial(read_labels, axes=axes)
    return FileArray(path, info.shape, np.dtype(np.int32), load)
