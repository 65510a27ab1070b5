"""One colour per channel, the same in previews and in result layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

COLORMAPS = {
    "B": "bop blue",
    "F": "bop blue",
    "M": "bop blue",
    "foreground": "bop blue",
    "C": "bop orange",
    "D": "bop purple",
    "Dv2": "bop purple",
    "P": "green",
}
"""napari's colour map for each channel."""
_RGB = {
    "bop blue": (0.12, 0.66, 0.95),
    "bop orange": (0.97, 0.58, 0.12),
    "bop purple": (0.75, 0.35, 0.90),
    "green": (0.20, 0.90, 0.35),
}
_CLASSES = ("bop blue", "bop orange", "bop purple", "green")


def colormap_of(channel: str) -> str:
    """Return the name of the colour map that shows a channel.

    Parameters
    ----------
    channel : str
        For example ``"B"`` or ``"class 2"``.

    Returns
    -------
    str
    """
    if channel in COLORMAPS:
        return COLORMAPS[channel]
    number = channel.removeprefix("class ")
    if number.isdigit():
        return "gray" if number == "0" else _CLASSES[(int(number) - 1) % 4]
    return "gray"


def mixed(data: NDArray[np.float32], channels: tuple[str, ...]) -> NDArray[np.uint8]:
    """Paint all channels of a prediction into one picture.

    Parameters
    ----------
    data : ndarray, (C, [Z,] Y, X)
        Probabilities, or distances of any scale.
    channels : tuple of str
        Their names.

    Returns
    -------
    ndarray of uint8, ([Z,] Y, X, 3)
        Colours added up; a background class stays black.
    """
    out = np.zeros((*data.shape[1:], 3), dtype=np.float32)
    for values, name in zip(data, channels, strict=True):
        colour: Any = _RGB.get(colormap_of(name))
        if colour is None:
            continue
        largest = max(float(values.max()), 1.0)
        out += values[..., None] * (np.asarray(colour, np.float32) / largest)
    return (np.clip(out, 0, 1) * 255).astype(np.uint8)
