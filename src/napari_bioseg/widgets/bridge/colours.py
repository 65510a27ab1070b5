"""One colour per channel, the same in previews and in result layers."""

from __future__ import annotations

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


def colour_of(channel: str) -> str | None:
    """Return the colour of a channel as ``#rrggbb``, or None if it has none.

    Parameters
    ----------
    channel : str
        For example ``"B"`` or ``"class 2"``.

    Returns
    -------
    str or None
    """
    rgb = _RGB.get(colormap_of(channel))
    if rgb is None:
        return None
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)


def mixed(data: NDArray[np.float32], channels: tuple[str, ...]) -> NDArray[np.uint8]:
    """Paint all channels of a prediction into one picture to lay over the image.

    Parameters
    ----------
    data : ndarray, (C, [Z,] Y, X)
        Probabilities, or distances of any scale.
    channels : tuple of str
        Their names.

    Returns
    -------
    ndarray of uint8, ([Z,] Y, X, 4)
        Red, green, blue and opacity: nothing is drawn where nothing is predicted, nor
        where a background class is.

    Examples
    --------
    >>> mixed(np.array([[[0.0, 1.0]]], dtype=np.float32), ("B",))[0, :, 3].tolist()
    [0, 255]
    """
    colour = np.zeros((*data.shape[1:], 3), dtype=np.float32)
    total = np.full((*data.shape[1:], 1), 1e-6, dtype=np.float32)
    opacity = np.zeros(data.shape[1:], dtype=np.float32)
    for values, name in zip(data, channels, strict=True):
        shade = _RGB.get(colormap_of(name))
        if shade is None:
            continue
        strength = np.clip(values / max(float(values.max()), 1.0), 0, 1)
        colour += strength[..., None] * np.asarray(shade, np.float32)
        total += strength[..., None]
        np.maximum(opacity, strength, out=opacity)
    out = np.empty((*data.shape[1:], 4), dtype=np.uint8)
    out[..., :3] = np.clip(colour / total, 0, 1) * 255
    out[..., 3] = opacity * 255
    return out
