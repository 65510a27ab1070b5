"""An array in a file as the readers of the formats describe it, not yet read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

UNNAMED = "?"
"""Stands for an axis of which the file does not say what it is."""

MICRO_NAMES = {"µm": "um", "μm": "um", "micron": "um", "microns": "um"}
LONG_NAMES = {
    "micrometer": "um",
    "micrometre": "um",
    "nanometer": "nm",
    "nanometre": "nm",
    "millimeter": "mm",
    "millimetre": "mm",
}


@dataclass(frozen=True)
class Source:
    """What is known about an array in a file before it is read."""

    path: Path
    """The file or zarr folder."""
    shape: tuple[int, ...]
    """Shape as stored."""
    dtype: np.dtype[Any]
    """Type as stored."""
    axes: str
    """One letter per axis: C, Z, Y, X, T, S (colours of a pixel), or ``?``."""
    load: Callable[[], Any]
    """Read the array: numpy, or dask where the format can be read in pieces."""
    scale: dict[str, float] = field(default_factory=dict)
    """Size of a pixel by axis letter, as far as the file says so."""
    unit: str = ""
    """Unit of the scale, such as ``um``."""
    channels: tuple[str, ...] = ()
    """Names of the channels, if the file has them."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What this package wrote beside the pixels."""


def plain_unit(unit: str) -> str:
    """Spell a unit of length the short way.

    Parameters
    ----------
    unit : str
        As found in a file.

    Returns
    -------
    str
        ``um`` for all spellings of micrometre; empty for pixels and the like.

    Examples
    --------
    >>> plain_unit("micrometer"), plain_unit("µm"), plain_unit("pixel")
    ('um', 'um', '')
    """
    text = unit.strip().replace("\\u00B5", "µ")
    if text.lower() in ("", "pixel", "pixels", "px", "inch", "null"):
        return ""
    return LONG_NAMES.get(text.lower(), MICRO_NAMES.get(text, text))
