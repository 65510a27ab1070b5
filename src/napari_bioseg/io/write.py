"""Writing images and labels, completely or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.counted import counted

from .disk_errors import in_words, make_folder
from .ome_zarr import add_pyramid, create_zarr
from .tiff import write_tiff


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place to write to, which takes the name of ``path`` once all went well.

    Parameters
    ----------
    path : Path
        The file or folder to write or replace.

    Yields
    ------
    Path
        A place beside it. If writing fails it is removed, and what was at ``path``
        stays as it was.

    Raises
    ------
    OSError
        If it cannot be written; a full disk or a lack of rights is told in words.
    """
    part = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        make_folder(path.parent)
        yield part
        if part.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(part, path)
    except OSError as error:
        # what is read meanwhile may be out of reach, too: that is told as it is
        about = Path(os.fsdecode(error.filename or part))
        told = in_words(error, path)
        if told is None or not (about in path.parents or path.parent in about.parents):
            raise
        raise told from error
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            with suppress(NotADirectoryError):  # where a file is in the folder's place
                part.unlink(missing_ok=True)


def write_image(
    path: str | Path,
    image: Any,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    channels: tuple[str, ...] = (),
    notes: dict[str, Any] | None = None,
) -> Path:
    """Write an image as TIFF or OME-Zarr.

    Parameters
    ----------
    path : str or Path
        Ends in ``.tif``, ``.tiff`` or ``.zarr``; replaced if it exists.
    image : array, shape (C, [Z,] Y, X)
        numpy, or dask for zarr.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing, such as ``um``.
    channels : tuple of str
        Names of the channels.
    notes : dict, optional
        Facts to keep in the file, as JSON can hold them.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the image has not 3 or 4 axes, spacing or channel names do not fit, or the
        ending is another one.
    """
    if image.ndim not in (3, 4):
        raise ValueError(
            f"an image to write has the axes (C, [Z,] Y, X), not shape {image.shape}"
        )
    if channels and len(channels) != image.shape[0]:
        raise ValueError(
            f"{len(channels)} channel names ({', '.join(channels)}) for an image with "
            f"{counted(image.shape[0], 'channel')}"
        )
    axes = "CYX" if image.ndim == 3 else "CZYX"
    return _write(Path(path), image, axes, spacing, unit, channels, notes)


def write_labels(
    path: str | Path,
    labels: NDArray[Any],
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    notes: dict[str, Any] | None = None,
) -> Path:
    """Write labels as TIFF or OME-Zarr, in the smallest type that others read well.

    Parameters
    ----------
    path : str or Path
        Ends in ``.tif``, ``.tiff`` or ``.zarr``; replaced if it exists.
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers: stored as uint16, int32 or, beyond 2³¹, uint64.
    spacing : tuple of float, optional
        Size of a pixel per axis.
    unit : str
        Unit of the spacing, such as ``um``.
    notes : dict, optional
        Facts to keep in the file, as JSON can hold them.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the labels have not 2 or 3 axes or are no whole numbers, the spacing does
        not fit, or the ending is another one.
    """
    if labels.ndim not in (2, 3) or labels.dtype.kind not in "iu":
        raise ValueError(
            "labels to write are whole numbers with the axes ([Z,] Y, X), "
            f"not {labels.dtype} of shape {labels.shape}"
        )
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low < 0:
        raise ValueError(
            f"labels to write go from {low} to {high}; objects have numbers above 0"
        )
    small = labels.astype(label_type(high))
    axes = "YX" if labels.ndim == 2 else "ZYX"
    return _write(Path(path), small, axes, spacing, unit, (), notes)


def label_type(highest: int) -> type[np.integer[Any]]:
    """Return the type in which labels are stored.

    Parameters
    ----------
    highest : int
        The largest number.

    Returns
    -------
    type
        uint16, int32 or uint64.
    """
    if highest < 2**16:
        return np.uint16
    return np.int32 if highest < 2**31 else np.uint64


def _write(
    path: Path,
    array: Any,
    axes: str,
    spacing: tuple[float, ...] | None,
    unit: str,
    channels: tuple[str, ...],
    notes: dict[str, Any] | None,
) -> Path:
    count = len(axes.removeprefix("C"))
    if spacing is not None and (len(spacing) != count or min(spacing) <= 0):
        raise ValueError(
            f"spacing {spacing} does not fit: give {count} sizes above 0, one per axis "
            f"of {axes.removeprefix('C')}"
        )
    if path.suffix.lower() not in (".tif", ".tiff", ".zarr"):
        raise ValueError(
            f"cannot write {path}: the name must end in .tif, .tiff or .zarr"
        )
    about: dict[str, Any] = {
        "spacing": tuple(float(size) for size in spacing) if spacing else None,
        "unit": unit,
        "channels": channels,
        "notes": notes,
    }
    with replacing(path) as part:
        if path.suffix.lower() == ".zarr":
            target = create_zarr(part, array.shape, array.dtype, axes, **about)
            if isinstance(array, np.ndarray):
                target[...] = array
            else:
                array.rechunk(target.chunks).store(target, lock=False)
            for _ in add_pyramid(part, labels=axes[0] != "C"):
                pass
        else:
            write_tiff(part, np.asarray(array), axes, **about)
    return path
