"""Which axis of an image is time, channel, depth, height and width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_bioseg.counted import counted

from .axes import finest, unwrapped

LETTERS = "TCZYX"
LEFT_OUT = "."
"""Letter of an axis of length one that takes no part."""
MEANINGS = {
    "T": "time",
    "C": "channel",
    "Z": "depth",
    "Y": "height",
    "X": "width",
    LEFT_OUT: "left out",
}
FEW = 4
"""An axis without a name and with at most so many entries may hold channels."""
_NAMES = {
    "T": ("t", "time", "times", "frame", "frames"),
    "C": ("c", "ch", "channel", "channels"),
    "Z": ("z", "depth", "plane", "planes", "slice", "slices"),
    "Y": ("y", "height", "row", "rows"),
    "X": ("x", "width", "column", "columns"),
}


def size_of(layer: Any) -> tuple[int, ...]:
    """Return the size of an image layer, without the colours of an RGB layer.

    Parameters
    ----------
    layer : napari.layers.Image
        Of a multiscale one the finest level counts.

    Returns
    -------
    tuple of int
        One number per axis of the layer.
    """
    layer = unwrapped(layer)
    return tuple(int(size) for size in finest(layer).shape[: layer.ndim])


def guess_layer_axes(layer: Any, channels: int) -> str:
    """Name the axes of a layer, as `guess_axes` does.

    Parameters
    ----------
    layer : napari.layers.Image
        Its axis labels count first.
    channels : int
        How many the model was trained on.

    Returns
    -------
    str
        One letter per axis of the layer.
    """
    layer = unwrapped(layer)
    rgb = bool(getattr(layer, "rgb", False))
    return guess_axes(layer.axis_labels, size_of(layer), channels, rgb=rgb)


def guess_axes(
    labels: Sequence[str],
    size: Sequence[int],
    channels: int,
    *,
    rgb: bool = False,
) -> str:
    """Name the axes of an image: by their labels, then by what a model expects.

    Parameters
    ----------
    labels : sequence of str
        What the layer calls its axes; ``t``, ``Channel`` or ``depth`` are understood.
    size : sequence of int
        Entries along each axis.
    channels : int
        How many the model was trained on.
    rgb : bool
        Whether the channels are colours, behind these axes.

    Returns
    -------
    str
        One letter per axis out of T, C, Z, Y and X, or ``.`` for what is left out.

    Notes
    -----
    Of the axes without a label the last two are Y and X. One more is C if it is as
    long as the model has channels (more than one), or if it is at most four long and
    the model has several or other axes are left; of the rest the last is Z and the one
    before it T. Axes of length one are left out.

    Examples
    --------
    >>> guess_axes(["", "", ""], (40, 512, 512), 1)
    'ZYX'
    >>> guess_axes(["", "", "", ""], (10, 3, 512, 512), 3)
    'ZCYX'
    >>> guess_axes(["x", "y", "z"], (512, 400, 30), 1)
    'XYZ'
    """
    letters = _by_label(labels)
    free = [letter for letter in "TCZ" if letter not in letters]
    if rgb and "C" in free:
        free.remove("C")
    for letter in "XY":
        unnamed = [axis for axis, given in enumerate(letters) if not given]
        if letter not in letters and unnamed:
            letters[unnamed[-1]] = letter
    rest = []
    for axis, given in enumerate(letters):
        if not given and size[axis] == 1:
            letters[axis] = LEFT_OUT
        elif not given:
            rest.append(axis)
    channel = _channel_axis(rest, size, channels) if "C" in free else None
    if channel is not None:
        letters[channel] = "C"
        rest.remove(channel)
        free.remove("C")
    for axis, letter in zip(reversed(rest), reversed(_slow(free)), strict=False):
        letters[axis] = letter
    return "".join(letter or LEFT_OUT for letter in letters)


def problem_with(letters: str, size: Sequence[int]) -> str:
    """Say what is wrong with names of axes, or ``""``.

    Parameters
    ----------
    letters : str
        One per axis.
    size : sequence of int
        Entries along each axis.

    Returns
    -------
    str
    """
    for letter in "YX":
        if letter not in letters:
            return (
                f"no axis is {letter} ({MEANINGS[letter]}): choose which of "
                f"{_times(size)} it is"
            )
    for axis, (letter, length) in enumerate(zip(letters, size, strict=True)):
        if letter == LEFT_OUT and length > 1:
            return (
                f"axis {axis} has {length} entries, which cannot be left out: choose "
                "whether it is T, C or Z, or open one of them as a layer of its own"
            )
        if letter != LEFT_OUT and letters.count(letter) > 1:
            return f"two axes are {letter} ({MEANINGS[letter]}): choose one"
    return ""


def renamed(letters: str, axis: int, letter: str) -> str:
    """Give one axis another letter; the axis that had it gets the old one.

    Parameters
    ----------
    letters : str
        One per axis.
    axis : int
        Which axis.
    letter : str
        Its new letter.

    Returns
    -------
    str

    Examples
    --------
    >>> renamed("ZYX", 0, "Y"), renamed("ZYX", 0, "T")
    ('YZX', 'TYX')
    """
    new = list(letters)
    if letter != LEFT_OUT and letter in letters:
        new[letters.index(letter)] = letters[axis]
    new[axis] = letter
    return "".join(new)


def in_words(letters: str, size: Sequence[int], dimensions: int) -> str:
    """Say how an image is read.

    Parameters
    ----------
    letters : str
        One per axis.
    size : sequence of int
        Entries along each axis.
    dimensions : int
        Of the images that the model was trained on.

    Returns
    -------
    str

    Examples
    --------
    >>> in_words("TCYX", (5, 3, 64, 48), 2)
    '5 time points, 3 channels, 64 × 48 px'
    """
    along = dict(zip(letters, size, strict=True))
    parts = []
    if "T" in along:
        parts.append(counted(along["T"], "time point"))
    if "C" in along:
        parts.append(counted(along["C"], "channel"))
    if "Z" in along and dimensions == 2:
        parts.append(f"{counted(along['Z'], 'slice')}, each by itself")
    flat = dimensions == 2 or "Z" not in along
    parts.append(_times([along[x] for x in ("YX" if flat else "ZYX")]) + " px")
    return ", ".join(parts)


def _by_label(labels: Sequence[str]) -> list[str]:
    found: list[str] = []
    for label in labels:
        word = str(label).strip().lower()
        letter = next((x for x, names in _NAMES.items() if word in names), "")
        found.append("" if letter in found else letter)
    return found


def _channel_axis(
    rest: Sequence[int], size: Sequence[int], channels: int
) -> int | None:
    """Return the axis that holds channels, if one of them seems to."""
    if channels > 1:
        for axis in rest:
            if size[axis] == channels:
                return axis
    if not rest or (channels == 1 and len(rest) == 1):
        return None
    smallest = min(rest, key=lambda axis: size[axis])
    return smallest if size[smallest] <= FEW else None


def _slow(free: Sequence[str]) -> list[str]:
    """Return letters for axes that nothing is known of, the last axis last."""
    return [letter for letter in ("C", "T", "Z") if letter in free]


def _times(size: Sequence[int]) -> str:
    return " × ".join(str(length) for length in size)
