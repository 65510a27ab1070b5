"""Which axis of a stored array is which, and the way to (C, [Z,] Y, X)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .source import UNNAMED, Source

Role = Literal["image", "labels"]

_FEW = 4  # an unnamed axis up to this long holds channels rather than slices


@dataclass(frozen=True)
class Layout:
    """How to bring a stored array to the order used inside the package."""

    stored: str
    """One letter per stored axis; axes of length 1 that are left out are ``.``."""
    order: str
    """The letters in their new order: ``CYX``, ``CZYX``, ``YX`` or ``ZYX``."""
    shape: tuple[int, ...]
    """Shape in the new order."""

    def arrange(self, array: Any) -> Any:
        """Reorder an array of the stored shape; numpy or dask.

        Parameters
        ----------
        array : array
            As stored.

        Returns
        -------
        array
            In the order of ``order``; a view where possible.
        """
        # Only axes of length 1 are dots.
        keep = tuple(0 if letter == "." else slice(None) for letter in self.stored)
        letters = self.stored.replace(".", "")
        order = [letters.index(letter) for letter in self.order if letter in letters]
        array = array[keep].transpose(order)
        return array if len(order) == len(self.order) else array[np.newaxis]


def layout_of(
    source: Source, role: Role, axes: str | None = None, *, keep_z: bool = False
) -> Layout:
    """Decide which axis is which.

    Parameters
    ----------
    source : Source
        The stored array.
    role : {"image", "labels"}
        Images have a channel axis, labels none.
    axes : str, optional
        The user's word on it, one letter per stored axis, such as ``"ZYX"``.
    keep_z : bool
        Whether a Z that the user or the file names stays although there is one slice.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        If the axes cannot be told apart, there are several time points, or labels
        have colours or channels.

    Notes
    -----
    Axes of length 1 other than Y and X are left out. Where the file names its axes,
    that counts. Otherwise the last two are Y and X, or the two before the last if that
    one is at most 4 long: colours. One more axis holds channels if it is at most 4
    long, else slices; in labels it always holds slices. Of two more axes the one that
    is at most 4 long holds channels.
    """
    names = _given(source, axes) if axes else _guessed(source, _ends(source), role)
    stays = "ZYX" if keep_z else "YX"
    stored = "".join(
        "." if size == 1 and letter not in stays else letter
        for letter, size in zip(names, source.shape, strict=True)
    )
    sizes = dict(zip(stored, source.shape, strict=True))
    _check(source, stored, role)
    order = ("C" if role == "image" else "") + ("Z" if "Z" in sizes else "") + "YX"
    return Layout(stored, order, tuple(sizes.get(letter, 1) for letter in order))


def _given(source: Source, axes: str) -> str:
    letters = axes.upper()
    if set(letters) - set("TCZYX") or len(set(letters)) < len(letters):
        raise ValueError(
            f"axes {axes!r}: name each axis once, with T, C, Z, Y and X, such as 'ZYX'"
        )
    if not {"Y", "X"} <= set(letters) or len(letters) != len(source.shape):
        raise ValueError(
            f"axes {axes!r} do not suit {source.path}, whose shape is {source.shape}: "
            "give one letter per axis, Y and X among them"
        )
    return letters


def _ends(source: Source) -> str:
    """Name Y and X, and colours behind them, where the file names nothing."""
    shape = source.shape
    if source.axes.strip(UNNAMED):
        return source.axes
    if len(shape) < 2:
        raise ValueError(
            f"{source.path} holds an array of shape {shape}, which is no image: "
            "it needs at least the axes Y and X"
        )
    colours = len(shape) > 2 and shape[-1] <= _FEW < min(shape[-3:-1])
    end = "YXS" if colours else "YX"
    return end.rjust(len(shape), UNNAMED)


def _guessed(source: Source, names: str, role: Role) -> str:
    """Name the remaining axes by their lengths."""
    letters = list(names)
    known = {n for n, size in zip(names, source.shape, strict=True) if size > 1}
    places = [
        index
        for index, size in enumerate(source.shape)
        if size > 1 and letters[index] not in "TCZYXS"
    ]
    free = [
        letter
        for letter in "CZ"
        if letter not in known and not (letter == "C" and "S" in known)
    ]
    if role == "labels":
        free = [letter for letter in free if letter == "Z"]
    few = [source.shape[index] <= _FEW for index in places]
    if len(places) == 1 and free:
        letters[places[0]] = free[0] if len(free) == 1 or few[0] else "Z"
    elif len(places) == 2 and len(free) == 2 and any(few):
        letters[places[0]], letters[places[1]] = "CZ" if few[0] else "ZC"
    elif places:
        example = "TZCYX"[-len(letters) :]
        raise ValueError(
            f"{source.path} has shape {source.shape}, and which axis is which is not "
            f"clear ({names}); name them, for example axes={example!r}"
        )
    if "S" in known or "C" not in known:  # colours of a pixel are channels
        letters = ["C" if letter == "S" else letter for letter in letters]
    return "".join(letters)


def _check(source: Source, stored: str, role: Role) -> None:
    named = stored.replace(".", "")
    what = f"{source.path} has the axes {named} and shape {source.shape}"
    if len(set(named)) < len(named):
        raise ValueError(
            f"{what}: two axes are the same; say which is which with axes="
        )
    if not {"Y", "X"} <= set(named):
        raise ValueError(f"{what}: it needs the axes Y and X")
    if "T" in named:
        swapped = named.replace("T", "Z")
        hint = f", or give axes={swapped!r} if T is in truth Z" * ("Z" not in named)
        raise ValueError(
            f"{what}: several time points. Save each as a file of its own{hint}"
        )
    if role == "labels" and "C" in named:
        raise ValueError(
            f"{what}: it has colours or channels, so it is no label image. Save labels "
            "as one grey image with one number per object, 0 for background"
        )
