"""Training pairs and images out of layers and folders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .layers import image_array, labels_array
from .proposal import Proposal, middle_of, propose

if TYPE_CHECKING:
    from napari_bioseg.engine import Pair

MOST_COPIED = 1 << 30
"""Labels on disk with more bytes than this are not copied into memory."""
TIME_LABELS = ("t", "time", "frame", "frames")


@dataclass(frozen=True)
class RawPair:
    """One image and its labels as the layers hold them, nothing copied yet."""

    image: Any
    """(C, [Z,] Y, X)."""
    labels: Any
    """([Z,] Y, X)."""
    name: str
    spacing: tuple[float, ...]
    classes: Mapping[int, int] | None = None
    """Class by the object's number, if the labels layer has such a table."""
    kinds: Any = None
    """([Z,] Y, X): the class at every pixel, if there is a layer of classes."""

    def to_pair(self) -> Pair:
        """Return the training pair, with a copy of the labels unless they are huge."""
        from napari_bioseg.channels import class_labels
        from napari_bioseg.engine import Pair

        labels = _copied(self.labels)
        kinds = None if self.kinds is None else _copied(self.kinds)
        if kinds is None and self.classes is not None:
            kinds = class_labels(np.asarray(labels), self.classes)
        return Pair(self.image, labels, self.name, self.spacing, kinds)


@dataclass(frozen=True)
class LayerSource:
    """Pairs of layers, looked at in the GUI thread and read in the worker."""

    raw: tuple[RawPair, ...]

    def read(self) -> list[Pair]:
        """Return the training pairs.

        Labels are copied, so that painting on meanwhile changes nothing; only those of
        more than `MOST_COPIED` bytes that lie on disk are read when they are needed.
        Slices and frames without a single label are left out where others have some.

        Returns
        -------
        list of Pair
        """
        from napari_bioseg.engine.labelled import slabs

        pairs = [raw.to_pair() for raw in self.raw]
        labelled = [
            pair
            for pair in pairs
            if any(np.any(pair.labels[slab]) for slab in slabs(pair.labels))
        ]
        return labelled or pairs

    def judge(self) -> Proposal:
        """Say what the first pair suggests.

        Returns
        -------
        Proposal
        """
        some = self.raw[:64]
        first = next((raw for raw in some if middle_of(raw.labels).any()), some[0])
        return propose(
            tuple(first.image.shape), first.labels, len(self.raw), first.spacing
        )


@dataclass(frozen=True)
class FolderSource:
    """Folders of images and labels."""

    images: Path
    labels: Path
    classes: Path | None = None
    """Folder of the classes of objects."""

    def read(self) -> list[Pair]:
        """Return the training pairs.

        Returns
        -------
        list of Pair

        Raises
        ------
        ValueError
            If files have no partner, or cannot be read.
        """
        from napari_bioseg.io import read_pairs

        return read_pairs(self.images, self.labels, classes=self.classes)

    def judge(self) -> Proposal:
        """Say what the first pair suggests.

        Returns
        -------
        Proposal

        Raises
        ------
        ValueError
            If files have no partner, or cannot be read.
        """
        from napari_bioseg.io import find_pairs, image_info
        from napari_bioseg.io.large_folders import labels_in_pieces

        pairs = find_pairs(self.images, self.labels)
        image, labels = pairs[0]
        info = image_info(image, frame=0)
        return propose(info.shape, labels_in_pieces(labels), len(pairs), info.spacing)


Source = LayerSource | FolderSource


def layer_source(
    pairs: Sequence[tuple[Any, Any]],
    *,
    slices: bool,
    kinds: Sequence[Any] = (),
) -> LayerSource:
    """Look at pairs of layers without reading their pixels.

    Parameters
    ----------
    pairs : sequence of (Image, Labels)
        The layers.
    slices : bool
        Whether stacks are taken apart into 2-D images.
    kinds : sequence of Labels or None
        For each pair the layer with the class of its objects, if any.

    Returns
    -------
    LayerSource
        Time points, and slices if asked for, are pairs of their own.

    Raises
    ------
    ValueError
        If axes cannot be told apart, or an image and its labels differ in size.
    """
    raw: list[RawPair] = []
    for number, (image, labels) in enumerate(pairs):
        frames = _frames(image, labels)
        layer = kinds[number] if number < len(kinds) else None
        for pair in frames if layer is None else _with_kinds(frames, image, layer):
            raw.extend(_slices(pair) if slices and pair.labels.ndim > 2 else [pair])
    return LayerSource(tuple(raw))


def time_axis(layer: Any) -> int | None:
    """Return the axis of a layer that is labelled as time, or None.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.

    Returns
    -------
    int or None
    """
    names = [str(label).strip().lower() for label in layer.axis_labels]
    found = [axis for axis, name in enumerate(names) if name in TIME_LABELS]
    return found[0] if found else None


def classes_of(layer: Any) -> dict[int, int] | None:
    """Return the class of every object, where a labels layer's features tell them.

    Parameters
    ----------
    layer : napari.layers.Labels
        Its features may have the columns ``index`` (or ``label``), the object's number,
        and ``class``.

    Returns
    -------
    dict of int to int, or None
        None if there is no such table; objects whose class is missing are left out.
    """
    table = getattr(layer, "features", None)
    if table is None or "class" not in table:
        return None
    number = next((name for name in ("index", "label") if name in table), None)
    if number is None:
        return None
    known = table[[number, "class"]].dropna()
    return {int(i): int(kind) for i, kind in known.itertuples(index=False)}


def _frames(image: Any, labels: Any) -> list[RawPair]:
    """Return one pair, or one per time point."""
    at, labels_at = time_axis(image), time_axis(labels)
    if at is None and labels_at is None:
        return [_pair(image, labels, None, image.name)]
    count = labels.data.shape[labels_at or 0]
    pairs = []
    for frame in range(count):
        # where only the image names its axes, the labels' first one is time
        truth = labels.data[frame]
        if labels_at is not None:
            truth = labels_array(labels, time=frame)
        time = None if at is None else frame
        pixels = image_array(image, time=time, spatial=truth.ndim)
        name = f"{image.name} t={frame}"
        pairs.append(_checked(pixels, truth, name, labels))
    return pairs


def _with_kinds(frames: Sequence[RawPair], image: Any, layer: Any) -> list[RawPair]:
    """Give pairs the classes of a layer that is cut like their labels."""
    cut = _frames(image, layer)
    if [pair.labels.shape for pair in cut] != [pair.labels.shape for pair in frames]:
        raise ValueError(
            f"{layer.name} has the size {tuple(layer.data.shape)}, unlike the labels "
            f"of {image.name}: a layer of classes covers the same pixels"
        )
    return [
        replace(pair, kinds=other.labels)
        for pair, other in zip(frames, cut, strict=True)
    ]


def _pair(image: Any, labels: Any, time: int | None, name: str) -> RawPair:
    truth = labels_array(labels, time=time)
    pixels = image_array(image, time=time, spatial=truth.ndim)
    return _checked(pixels, truth, name, labels)


def _checked(pixels: Any, truth: Any, name: str, layer: Any) -> RawPair:
    pair = RawPair(pixels.data, truth, name, pixels.spacing, classes_of(layer))
    if tuple(pair.image.shape[1:]) != tuple(pair.labels.shape):
        raise ValueError(
            f"{pair.name} has the size {tuple(pair.image.shape[1:])} and its labels "
            f"{tuple(pair.labels.shape)}: they must be equal"
        )
    return pair


def _slices(pair: RawPair) -> list[RawPair]:
    return [
        RawPair(
            pair.image[:, index],
            pair.labels[index],
            f"{pair.name} z={index}",
            pair.spacing[1:],
            pair.classes,
            None if pair.kinds is None else pair.kinds[index],
        )
        for index in range(pair.labels.shape[0])
    ]


def _copied(labels: Any) -> Any:
    large = math.prod(labels.shape) * labels.dtype.itemsize > MOST_COPIED
    return labels if large and not isinstance(labels, np.ndarray) else np.array(labels)
