"""PNG, JPEG and BMP pictures, and numpy's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import UNNAMED, Source

_GREY = ("1", "L", "I", "F")  # pillow's modes of one number per pixel
_ALPHA = ("LA", "PA", "La", "RGBA", "RGBa")


def open_picture(path: Path, *, indices: bool = False) -> Source:
    """Look at a PNG, JPEG or BMP file.

    Parameters
    ----------
    path : Path
        The file.
    indices : bool
        Read the numbers of a palette instead of its colours: for labels.

    Returns
    -------
    Source
        Transparency is left out.
    """
    from PIL import Image

    with Image.open(path) as picture:
        mode, (width, height) = picture.mode, picture.size
    grey = mode.startswith(_GREY) and mode not in _ALPHA
    palette = mode == "P" and indices
    shape = (height, width) if grey or palette or mode in ("LA", "La") else None
    return Source(
        path=path,
        shape=shape or (height, width, 3),
        dtype=np.dtype(np.uint16 if mode.startswith("I") else np.uint8),
        axes="YX" if shape else "YXS",
        load=lambda: _read(path, palette=palette),
    )


def _read(path: Path, *, palette: bool) -> NDArray[Any]:
    import imageio.v3 as iio

    if palette:
        from PIL import Image

        with Image.open(path) as picture:
            return np.asarray(picture)
    array = np.asarray(iio.imread(path, plugin="pillow", index=0))
    if array.ndim == 3:
        array = array[..., 0] if array.shape[-1] == 2 else array[..., :3]
    return array


def open_npy(path: Path) -> Source:
    """Look at an array that numpy saved.

    Parameters
    ----------
    path : Path
        The file; arrays of Python objects are refused, because reading them would run
        code.

    Returns
    -------
    Source
    """
    header = np.load(path, mmap_mode="r", allow_pickle=False)
    return Source(
        path=path,
        shape=tuple(header.shape),
        dtype=header.dtype.newbyteorder("="),
        axes=UNNAMED * header.ndim,
        load=lambda: np.load(path, allow_pickle=False),
    )
