"""Reading images and labels of any kind."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.data_warning import DataWarning

from .axes import Role, layout_of
from .grey_masks import is_jpeg, repaired, without_colours
from .pictures import open_npy, open_picture
from .source import Source
from .tiff import open_tiff
from .time_points import at_time, time_points
from .zarr_folder import OTHERS, is_zarr, open_zarr

SUFFIXES = (*OTHERS, ".zarr")
"""Endings of the files that can be read."""

_LARGEST = 2**31 - 1  # of int32, the type of labels inside the package
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class ImageInfo:
    """What is known about an image file before its pixels are read."""

    path: Path
    """The file."""
    shape: tuple[int, ...]
    """Shape once read: ``(C, [Z,] Y, X)`` for images, ``([Z,] Y, X)`` for labels."""
    axes: str
    """The axes of that shape: ``CYX``, ``CZYX``, ``YX`` or ``ZYX``."""
    dtype: np.dtype[Any]
    """Type of the pixels in the file."""
    spacing: tuple[float, ...] | None
    """Size of a pixel per spatial axis; None if the file does not say."""
    unit: str
    """Unit of the spacing, such as ``um``; empty if unknown."""
    channels: tuple[str, ...]
    """Names of the channels; empty if unknown."""
    notes: dict[str, Any]
    """Facts that this package wrote into the file, such as the workflow."""

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels per spatial axis, ``([Z,] Y, X)``."""
        return self.shape[1:] if self.axes[0] == "C" else self.shape


def image_info(
    path: str | Path,
    *,
    axes: str | None = None,
    frame: int | None = None,
    keep_z: bool = False,
) -> ImageInfo:
    """Look at an image without reading its pixels.

    Parameters
    ----------
    path : str or Path
        TIFF, PNG, JPEG, BMP, npy or zarr.
    axes : str, optional
        One letter per stored axis (T, C, Z, Y, X), if the file's own word or the
        guess from its shape is wrong.
    frame : int, optional
        Which time point of a file with several, from 0; such files are refused without.
    keep_z : bool
        Whether a single slice is a volume, where the axis Z is named.

    Returns
    -------
    ImageInfo

    Raises
    ------
    ValueError
        If the file is missing, damaged, of another kind, or its axes are unclear.
    """
    source, axes = at_time(_source(path, "image"), axes, frame)
    return _info(source, "image", axes, keep_z=keep_z)


def label_info(
    path: str | Path, *, axes: str | None = None, frame: int | None = None
) -> ImageInfo:
    """Look at a label file without reading its pixels.

    Parameters
    ----------
    path : str or Path
        TIFF, PNG, BMP, npy or zarr.
    axes : str, optional
        One letter per stored axis.
    frame : int, optional
        Which time point of a file with several, from 0; such files are refused without.

    Returns
    -------
    ImageInfo

    Raises
    ------
    ValueError
        As for `image_info`; also if the file has colours or channels.
    """
    source, axes = at_time(_source(path, "labels"), axes, frame)
    return _info(without_colours(source), "labels", axes)


def count_time_points(path: str | Path, *, axes: str | None = None) -> int:
    """Return how many time points a file holds.

    Parameters
    ----------
    path : str or Path
        Any file that `read_image` reads.
    axes : str, optional
        One letter per stored axis.

    Returns
    -------
    int
        1 if the file has no axis for time.
    """
    return time_points(_source(path, "image"), axes)


def read_image(
    path: str | Path, *, axes: str | None = None, frame: int | None = None
) -> Any:
    """Read an image.

    Parameters
    ----------
    path : str or Path
        TIFF (plain, ImageJ, OME), PNG, JPEG, BMP, npy or zarr (also OME-Zarr).
    axes : str, optional
        One letter per stored axis (T, C, Z, Y, X), if the file's own word or the
        guess from its shape is wrong.
    frame : int, optional
        Which time point of a file with several, from 0; such files are refused without.

    Returns
    -------
    ndarray or dask.array.Array, shape (C, [Z,] Y, X)
        In the file's own type, with the byte order of this machine; bool becomes
        uint8. Zarr is returned as a dask array, of which nothing is read yet.

    Raises
    ------
    ValueError
        If the file is missing, damaged, of another kind, or its axes are unclear.

    Notes
    -----
    Axes that a file does not name are told by their lengths: one at most 4 long holds
    channels, a longer one slices.
    """
    source, axes = at_time(_source(path, "image"), axes, frame)
    layout = layout_of(source, "image", axes)
    return layout.arrange(_plain(_load(source), source))


def read_frames(
    path: str | Path, *, axes: str | None = None, keep_z: bool = False
) -> Callable[[int], Any]:
    """Open a file of several time points, to be read one by one.

    Parameters
    ----------
    path : str or Path
        Any file that `read_image` reads.
    axes : str, optional
        One letter per stored axis.
    keep_z : bool
        Whether a single slice is a volume, where the axis Z is named.

    Returns
    -------
    callable
        Takes the number of a time point and returns its image (C, [Z,] Y, X) as
        `read_image` does; 0 is the image of a file without time. A file that is no
        zarr is in memory as a whole.

    Raises
    ------
    ValueError
        As for `read_image`.
    """
    source = _source(path, "image")
    array = _load(source)
    whole = replace(source, load=lambda: array)

    def frame(number: int) -> Any:
        one, letters = at_time(whole, axes, number)
        layout = layout_of(one, "image", letters, keep_z=keep_z)
        return layout.arrange(_plain(one.load(), source))

    return frame


def read_labels(
    path: str | Path, *, axes: str | None = None, frame: int | None = None
) -> NDArray[np.int32]:
    """Read labels: one whole number per object or class, 0 for background.

    Parameters
    ----------
    path : str or Path
        TIFF, PNG (also with a palette), BMP, npy or zarr.
    axes : str, optional
        One letter per stored axis.
    frame : int, optional
        Which time point of a file with several, from 0; such files are refused without.

    Returns
    -------
    ndarray of int32, shape ([Z,] Y, X)
        Numbers as stored; a float file is accepted if all of them are whole, a colour
        picture if it shows greys only. A JPEG file is read with a warning. Whole
        numbers beyond 2³¹ are numbered anew from 1, in order, with a warning.

    Raises
    ------
    ValueError
        If the file is missing, damaged, of another kind, a colour image, or holds
        fractions, negative or too large numbers.
    """
    source, axes = at_time(_source(path, "labels"), axes, frame)
    source = without_colours(source)
    layout = layout_of(source, "labels", axes)
    array = np.asarray(layout.arrange(_plain(_load(source), source)))
    if is_jpeg(source):
        array = repaired(array, source)
    if array.size:
        _check_numbers(array, source.path)
    return np.ascontiguousarray(_numbered_anew(array, source.path), np.int32)


def _numbered_anew(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Give objects whose numbers int32 cannot hold smaller ones, in the same order."""
    if array.dtype.kind not in "iu" or array.max(initial=0) <= _LARGEST:
        return array
    found, numbers = np.unique(array, return_inverse=True)
    first = 0 if found[0] == 0 else 1  # without background no object becomes it
    objects = len(found) - 1 + first
    warnings.warn(
        DataWarning(
            f"holds numbers up to {found[-1]}, more than {_LARGEST}: its {objects} "
            f"objects are numbered 1 to {objects} here, in the same order",
            path,
        ),
        stacklevel=3,
    )
    anew: NDArray[Any] = numbers.reshape(array.shape) + first
    return anew


def _check_numbers(array: NDArray[Any], path: Path) -> None:
    low, high = array.min(), array.max()
    advice = "labels are whole numbers, one per object, and 0 for background"
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{path} holds values that are not finite: {advice}")
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        raise ValueError(
            f"{path} holds fractions from {low:g} to {high:g}: {advice}. "
            "Is it an image or a probability map?"
        )
    if low < 0 or (high > _LARGEST and array.dtype.kind == "f"):
        raise ValueError(
            f"{path} holds numbers from {low:.0f} to {high:.0f}: {advice}, "
            f"up to {_LARGEST}"
        )


def _info(
    source: Source, role: Role, axes: str | None, *, keep_z: bool = False
) -> ImageInfo:
    layout = layout_of(source, role, axes, keep_z=keep_z)
    spatial = layout.order.removeprefix("C")
    known = source.scale and all(letter in source.scale for letter in spatial)
    return ImageInfo(
        path=source.path,
        shape=layout.shape,
        axes=layout.order,
        dtype=source.dtype,
        spacing=tuple(source.scale[letter] for letter in spatial) if known else None,
        unit=source.unit,
        channels=source.channels,
        notes=source.notes,
    )


def _source(path: str | Path, role: Role) -> Source:
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    suffix = path.suffix.lower()
    with explained(path):
        if is_zarr(path):
            return open_zarr(path)
        if path.is_dir():
            raise ValueError(f"{path} is a folder, not an image")
        if suffix in (".tif", ".tiff"):
            return open_tiff(path)
        if suffix == ".npy":
            return open_npy(path)
        if suffix in SUFFIXES:
            return open_picture(path, indices=role == "labels")
    raise ValueError(
        f"{path} cannot be read: files may end in {', '.join(SUFFIXES)}, "
        f"not {suffix or 'nothing'}"
    )


def _load(source: Source) -> Any:
    with explained(source.path):
        return source.load()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say which file is damaged; what is said already passes through.

    Parameters
    ----------
    path : Path
        The file that is read.

    Raises
    ------
    ValueError
        Naming it.
    """
    from tifffile import TiffFileError

    try:
        yield
    except (*_DAMAGE, TiffFileError) as error:
        if isinstance(error, ValueError) and str(error).startswith(str(path)):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} is damaged or no image: {reason}") from error


def _plain(array: Any, source: Source) -> Any:
    """Return the array with a type that everything else can work with."""
    dtype = array.dtype
    if dtype.kind not in "biuf":
        raise ValueError(
            f"{source.path} holds {dtype} values; an image holds real numbers"
        )
    if dtype.kind == "b":
        return array.astype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return array.astype(np.float32)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))
