"""Ground truth to fit thresholds to: read from a layer, and how much of it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.widgets.bridge.axes import finest
from napari_bioseg.widgets.bridge.layers import Slices

from .sources import Source

if TYPE_CHECKING:
    from napari.layers import Layer

Scope = Literal["auto", "everything", "area", "objects"]
"""What of the ground truth counts: everything, the box around what is annotated, or the
annotated objects alone; ``"auto"`` finds out."""
STRAY = 0.25
"""Share of the predicted objects that may miss all annotation where it is complete."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Ground truth of one frame.

    Attributes
    ----------
    index : tuple of int
        Which frame: its place along the leading axes.
    labels : ndarray
        Int32, ``([Z,] Y, X)``: the part that is annotated.
    box : tuple of slice
        Where that part lies in the frame.
    """

    index: tuple[int, ...]
    labels: NDArray[np.int32]
    box: Slices


def read_truth(layer: Layer, source: Source, frame: tuple[int, ...]) -> list[Truth]:
    """Read ground truth that lies on a prediction.

    Parameters
    ----------
    layer : napari.layers.Layer
        Labels, or an image of whole numbers as some programs write them: of the shape
        of the prediction, or of a part of it that the layer's place tells.
    source : Source
        The prediction.
    frame : tuple of int
        The time point looked at, which ground truth without a time axis belongs to.

    Returns
    -------
    list of Truth
        Frames that are annotated.

    Raises
    ------
    ValueError
        If the layer does not fit, holds no whole numbers or no object.
    """
    data = finest(layer)
    leading = source.leading
    space = source.shape[leading:]
    if data.ndim == len(space):
        parts = [(frame, data, _place(layer, data.shape, source))]
    elif tuple(data.shape) == source.shape:
        whole = tuple(slice(0, size) for size in space)
        parts = [(i, data[i], whole) for i in np.ndindex(source.shape[:leading])]
    else:
        raise ValueError(_misfit(layer, data.shape, source))
    read = [
        Truth(index, _whole_numbers(np.asarray(part), layer.name), box)
        for index, part, box in parts
    ]
    annotated = [truth for truth in read if truth.labels.any()]
    if not annotated:
        raise ValueError(f"layer {layer.name!r} holds no object; paint a few first")
    return annotated


def resolve_scope(truth: Truth, predicted: NDArray[np.int32]) -> Scope:
    """Find out whether all objects, those of an area, or only some are annotated.

    Parameters
    ----------
    truth : Truth
        The ground truth.
    predicted : ndarray
        Objects found in its box.

    Returns
    -------
    {"everything", "area", "objects"}
        The first of these in which few predicted objects miss all annotation.
    """
    area = annotated_box(truth.labels)
    for scope, part in (("everything", (...,)), ("area", area)):
        labels, found = truth.labels[part], predicted[part]
        ids = np.unique(found[found > 0])
        hit = np.unique(found[(found > 0) & (labels > 0)])
        if ids.size - hit.size <= STRAY * ids.size:
            return scope  # type: ignore[return-value]
    return "objects"


def annotated_box(labels: NDArray[Any]) -> Slices:
    """Return the smallest box that holds all annotation.

    Parameters
    ----------
    labels : ndarray
        Not all 0.

    Returns
    -------
    tuple of slice

    Examples
    --------
    >>> import numpy as np
    >>> annotated_box(np.array([[0, 0, 0, 0], [0, 3, 0, 7]]))
    (slice(1, 2, None), slice(1, 4, None))
    """
    out = []
    for axis in range(labels.ndim):
        others = tuple(other for other in range(labels.ndim) if other != axis)
        inside = np.flatnonzero((labels != 0).any(axis=others))
        out.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return tuple(out)


def counted(
    labels: NDArray[np.int32], predicted: NDArray[np.int32], scope: Scope
) -> NDArray[np.int32]:
    """Return the predicted objects that are to be held against the annotation.

    Parameters
    ----------
    labels, predicted : ndarray
        True and predicted objects.
    scope : str
        What counts. Of an area, predicted objects count that lie mostly inside it. If
        only objects count, a predicted one does if it lies mostly on annotated ones, or
        covers most of one; what lies elsewhere is neither right nor wrong.

    Returns
    -------
    ndarray
        ``predicted`` without the others.
    """
    if scope == "everything":
        return predicted
    count = int(predicted.max(initial=0)) + 1
    sizes = np.bincount(predicted.ravel(), minlength=count)
    if scope == "area":
        inside = np.bincount(predicted[annotated_box(labels)].ravel(), minlength=count)
        kept = 2 * inside > sizes
    else:
        on = labels > 0
        found = predicted[on]
        kept = 2 * np.bincount(found, minlength=count) > sizes
        names, true = np.unique(labels[on], return_inverse=True)
        pairs, shared = np.unique(
            true.astype(np.int64) * count + found, return_counts=True
        )
        covers = 2 * shared > np.bincount(true, minlength=names.size)[pairs // count]
        kept[pairs[covers] % count] = True
    kept[0] = False
    return np.where(kept[predicted], predicted, 0)


def _whole_numbers(data: NDArray[Any], name: str) -> NDArray[np.int32]:
    if data.dtype.kind not in "iubf":
        raise ValueError(f"layer {name!r} holds {data.dtype} instead of whole numbers")
    if data.dtype.kind == "f":
        odd = ~(data == np.round(data))
        if odd.any():
            raise ValueError(
                f"layer {name!r} holds {float(data[odd][0]):.4g}; ground truth is one "
                "whole number per object and 0 elsewhere"
            )
    if data.size and (data.min() < 0 or data.max() >= 2**31):
        raise ValueError(
            f"layer {name!r} holds {data.min():.0f} to {data.max():.0f}; ground truth "
            "is one number from 1 to 2,147,483,647 per object and 0 elsewhere"
        )
    return np.asarray(data, np.int32)


def _place(layer: Any, shape: tuple[int, ...], source: Source) -> Slices:
    """Return where a layer lies in a frame of the prediction."""
    space = source.shape[source.leading :]
    if tuple(shape) == space:
        return tuple(slice(0, size) for size in space)
    reference = source.parts[0].layer
    axes = list(source.axes[source.leading :])
    scale = np.asarray(reference.scale)[axes]
    shift = np.asarray(layer.translate) - np.asarray(reference.translate)[axes]
    start = np.round(shift / scale).astype(int)
    box = tuple(
        slice(int(a), int(a) + size) for a, size in zip(start, shape, strict=True)
    )
    same = np.allclose(layer.scale, scale) and np.allclose(start * scale, shift)
    inside = all(
        side.start >= 0 and side.stop <= size
        for side, size in zip(box, space, strict=True)
    )
    if not (same and inside):
        raise ValueError(_misfit(layer, shape, source))
    return box


def _misfit(layer: Any, shape: Any, source: Source) -> str:
    return (
        f"layer {layer.name!r} has shape {tuple(shape)} and scale "
        f"{tuple(float(s) for s in layer.scale)}, but the prediction has shape "
        f"{source.shape}; ground truth has the same shape, or is a crop that lies "
        "in place with the same pixel size"
    )
