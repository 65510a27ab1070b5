"""Results larger than memory as TIFF: grown as zarr, then copied plane by plane."""

from __future__ import annotations

import shutil
from pathlib import Path

from .source import Source
from .tiff import write_tiff
from .write import replacing
from .zarr_folder import open_zarr


def growing(path: Path) -> Path:
    """Return the zarr folder in which a TIFF that is too large for memory grows.

    Parameters
    ----------
    path : Path
        Of the TIFF.

    Returns
    -------
    Path
        Beside it, hidden.
    """
    return path.with_name(f".{path.stem}.zarr")


def tiff_from_zarr(path: Path) -> Path:
    """Copy the complete zarr folder `growing` of a TIFF into it, and remove the folder.

    Parameters
    ----------
    path : Path
        Of the TIFF, BigTIFF from 4 GB on; replaced if it exists.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        If the disk is full; the zarr folder stays.
    """
    folder = growing(path)
    source: Source = open_zarr(folder)
    sizes = [letter for letter in source.axes if letter in "ZYX"]
    known = source.scale and all(letter in source.scale for letter in sizes)
    notes = {n: v for n, v in source.notes.items() if n not in ("spacing", "unit")}
    with replacing(path) as part:
        write_tiff(
            part,
            source.load(),
            source.axes,
            spacing=tuple(source.scale[letter] for letter in sizes) if known else None,
            unit=source.unit,
            channels=source.channels,
            notes=notes,
        )
    shutil.rmtree(folder)
    return path
