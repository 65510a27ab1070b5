"""What a pair of image and labels suggests: a sentence and sensible settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_bioseg.settings.patch_size import patch_for

MOST_PIXELS = 1 << 25
"""Larger labels are judged by their middle part alone."""
MOST_CLASSES = 10
"""Labels with more numbers than this are not taken for classes."""


@dataclass(frozen=True)
class Proposal:
    """Facts about the training data and what follows from them."""

    dimensions: int
    """2 or 3."""
    channels: int
    """Channels of the image."""
    instances: int
    """Objects in the labels that were looked at."""
    diameter: float
    """Median diameter of a disk (ball) with as many pixels as an object."""
    pieces: int
    """Connected pieces of the foreground."""
    largest: int
    """Largest label: the number of classes less one, if these are classes."""
    shape: tuple[int, ...]
    """Size of the smallest image, ([Z,] Y, X)."""
    patch: tuple[int, ...]
    """Size of the training patches that suits."""
    pairs: int = 1
    """Number of pairs."""
    configuration: str = "BC"
    """Channels that suit."""

    @property
    def looks_semantic(self) -> bool:
        """Whether the labels look like classes rather than objects."""
        few = 0 < self.instances <= MOST_CLASSES and self.largest <= 2 * MOST_CLASSES
        return few and self.pieces > 4 * self.instances

    @property
    def classes(self) -> int:
        """Classes, background included, if these are classes."""
        return max(self.largest + 1, 2)

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        facts = [
            *([f"{self.pairs} pairs"] if self.pairs > 1 else []),
            f"{self.dimensions}-D",
            counted(self.channels, "channel"),
        ]
        if self.looks_semantic:
            facts.append(counted(self.classes, "class"))
            aim = "semantic"
        else:
            facts.append(counted(self.instances, "instance"))
            if self.instances:
                facts.append(f"median diameter {self.diameter:.0f} px")
            aim = self.configuration
        sizes = sorted(set(self.patch))
        size = str(sizes[0]) if len(sizes) == 1 else "×".join(map(str, self.patch))
        return f"{', '.join(facts)} → patch {size}, {aim}"


def propose(
    image_shape: tuple[int, ...],
    labels: Any,
    pairs: int = 1,
    spacing: tuple[float, ...] | None = None,
) -> Proposal:
    """Look at one pair of image and labels.

    Parameters
    ----------
    image_shape : tuple of int
        (C, [Z,] Y, X).
    labels : ndarray of int
        ([Z,] Y, X); may be lazy, only the middle of something huge is read.
    pairs : int
        How many pairs there are in all.
    spacing : tuple of float, optional
        Pixel size per spatial axis.

    Returns
    -------
    Proposal

    Raises
    ------
    ValueError
        If the labels are not whole numbers.
    """
    part = np.asarray(labels[_middle(labels.shape)])
    if part.dtype.kind not in "iub":
        raise ValueError(
            f"labels have type {part.dtype}, expected whole numbers: 0 for the "
            "background and one number per object"
        )
    numbers, sizes = _sizes(part)
    dimensions = part.ndim
    diameter = float(np.median(_diameters(sizes, dimensions))) if len(sizes) else 0.0
    return Proposal(
        dimensions=dimensions,
        channels=image_shape[0],
        instances=len(numbers),
        diameter=diameter,
        pieces=_pieces(part),
        largest=int(numbers.max()) if len(numbers) else 0,
        shape=tuple(image_shape[1:]),
        patch=patch_for(tuple(image_shape[1:]), diameter, spacing),
        pairs=pairs,
    )


def _middle(shape: tuple[int, ...]) -> tuple[slice, ...]:
    share = (MOST_PIXELS / max(int(np.prod(shape)), 1)) ** (1 / len(shape))
    if share >= 1:
        return tuple(slice(None) for _ in shape)
    widths = [max(int(size * share), 1) for size in shape]
    return tuple(
        slice((size - width) // 2, (size - width) // 2 + width)
        for size, width in zip(shape, widths, strict=True)
    )


def _sizes(labels: Any) -> tuple[Any, Any]:
    flat = labels.ravel()
    if flat.size and int(flat.min()) >= 0 and int(flat.max()) < 4 * flat.size:
        counts = np.bincount(flat)
        numbers = np.flatnonzero(counts)
        sizes = counts[numbers]
    else:
        numbers, sizes = np.unique(flat, return_counts=True)
    keep = numbers > 0
    return numbers[keep], sizes[keep]


def _diameters(sizes: Any, dimensions: int) -> Any:
    if dimensions == 3:
        return (6 / np.pi * sizes) ** (1 / 3)
    return (4 / np.pi * sizes) ** 0.5


def _pieces(labels: Any) -> int:
    from scipy import ndimage

    return int(ndimage.label(labels > 0)[1])


def counted(number: int, one: str) -> str:
    """Return a number with its noun, in the plural where it has to be.

    Parameters
    ----------
    number : int
        How many.
    one : str
        What one of them is called.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "object"), counted(1200, "class")
    ('1 object', '1,200 classes')
    """
    several = f"{one}es" if one.endswith("s") else f"{one}s"
    return f"{number:,} {one if number == 1 else several}"
