"""What a pair of image and labels suggests: a sentence and sensible settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.counted import counted
from napari_bioseg.settings import DataSettings, Workflow
from napari_bioseg.settings.network_size import NetworkSize, network_size
from napari_bioseg.settings.patch_size import diameter_of, patch_for

if TYPE_CHECKING:
    from napari_bioseg.widgets.jobs.device_room import DeviceRoom

MOST_PIXELS = 1 << 25
"""Larger labels are judged by their middle part alone."""
SPARSE_SHARE = 0.02
"""Where fewer of the pixels are labelled, perhaps not everything is labelled yet."""
SPARSE_EXTENT = 0.25
"""So too where the labels keep to less than this share of the image."""
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
    labelled: float = 1.0
    """Share of the pixels that have a label."""
    extent: float = 1.0
    """Share of the image that the box around all labels takes."""
    background: int = 0
    """Label that looks painted on background, or is known to be, or 0."""
    spacing: tuple[float, ...] | None = None
    """Pixel size per spatial axis."""
    room: DeviceRoom | None = None
    """Memory to train in, if anybody looked."""
    sizes: dict[int, int] = field(default_factory=dict, repr=False)
    """Pixels of every label that occurs."""

    def read_as(self, data: DataSettings) -> Proposal:
        """Return the same for labels of which settings say what they mean.

        Parameters
        ----------
        data : DataSettings
            May say which label is background: a few pixels around one object do not
            look like it.

        Returns
        -------
        Proposal
        """
        label = data.background_label
        if data.unlabelled != "ignored" or label not in self.sizes:
            return self
        assert isinstance(label, int)  # noqa: S101  (sizes have no other keys)
        diameter = _usual_diameter(self.sizes, label, self.dimensions)
        patch = patch_for(self.shape, diameter, self.spacing)
        return replace(self, background=label, diameter=diameter, patch=patch)

    def network_size(self, base: Workflow) -> NetworkSize | None:
        """Return the depth and batch size that suit; None if memory is not known.

        Parameters
        ----------
        base : Workflow
            A preset, with the patch and the device that the user wants.

        Returns
        -------
        NetworkSize or None
        """
        if self.room is None:
            return None
        patch = self.patch if base.data.patch == "auto" else base.data.patch
        if len(patch) != len(self.shape):
            return None
        cover = math.prod(
            max(n / size, 1) for n, size in zip(self.shape, patch, strict=True)
        )
        gpu = self.room.gpu > 0 and base.train.device in ("auto", "cuda")
        return network_size(
            base,
            patch,
            self.diameter,
            int(self.pairs * cover),
            free=self.room.gpu if gpu else self.room.main,
            gpu=gpu,
        )

    @property
    def looks_sparse(self) -> bool:
        """Whether perhaps only a part of what there is has been labelled."""
        if not self.instances:
            return False
        small = self.labelled < SPARSE_SHARE or self.extent < SPARSE_EXTENT
        return small or (self.background > 0 and not self.looks_semantic)

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
            objects = self.instances - (self.background > 0)
            facts.append(counted(objects, "instance"))
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
    part = middle_of(labels)
    if part.dtype.kind not in "iub":
        raise ValueError(
            f"labels have type {part.dtype}, expected whole numbers: 0 for the "
            "background and one number per object"
        )
    numbers, pixels = _sizes(part)
    dimensions = part.ndim
    background = _background(part, numbers, pixels)
    sizes = dict(zip(numbers.tolist(), pixels.tolist(), strict=True))
    diameter = _usual_diameter(sizes, background, dimensions)
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
        labelled=float(np.count_nonzero(part)) / max(part.size, 1),
        extent=_extent(part),
        background=background,
        spacing=spacing,
        sizes=sizes,
    )


def middle_of(labels: Any) -> NDArray[Any]:
    """Return the part of labels that is looked at: all, or the middle of huge ones.

    Parameters
    ----------
    labels : array of int, ([Z,] Y, X)
        numpy, or lazy.

    Returns
    -------
    ndarray
        Up to `MOST_PIXELS` pixels.
    """
    return np.asarray(labels[_middle(labels.shape)])


def _extent(labels: Any) -> float:
    """Return the share of an image that the box around all labels takes."""
    share = 1.0
    for axis, length in enumerate(labels.shape):
        others = tuple(other for other in range(labels.ndim) if other != axis)
        found = np.flatnonzero(labels.any(axis=others))
        share *= (found[-1] - found[0] + 1) / length if len(found) else 0.0
    return float(share)


def _background(labels: Any, numbers: Any, sizes: Any) -> int:
    """Return the label that was painted on background where most is unlabelled, or 0.

    Such a label is much larger than all objects, and lies in several places or is
    a stroke that fills little of the box around it.
    """
    if len(numbers) < 3 or np.count_nonzero(labels) > labels.size / 2:
        return 0
    largest = int(np.argmax(sizes))
    rest = np.delete(sizes, largest)
    if sizes[largest] < 3 * rest.max():
        return 0
    mask = labels == numbers[largest]
    scattered = np.count_nonzero(mask) < 0.4 * mask.size * _extent(mask)
    return int(numbers[largest]) if scattered else 0


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


def _usual_diameter(sizes: dict[int, int], background: int, dimensions: int) -> float:
    """Return the median diameter of the objects; 0 if there are none."""
    objects = [size for label, size in sizes.items() if label != background]
    return diameter_of(float(np.median(objects)), dimensions) if objects else 0.0


def _pieces(labels: Any) -> int:
    from scipy import ndimage

    return int(ndimage.label(labels > 0)[1])
