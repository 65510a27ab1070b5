"""Give the whole predicted foreground to the nearest objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .labels import check_labels, dense_labels, restored

if TYPE_CHECKING:
    from napari_bioseg.channels import Prediction

Mask = Literal["auto", "M", "BC", "B"]

_known: WeakKeyDictionary[Prediction, dict[tuple[str, ...], float]] = (
    WeakKeyDictionary()
)
"""Otsu's thresholds, which do not change while sliders move."""


def voronoi(
    labels: NDArray[Any],
    mask: Mask = "auto",
    threshold: float | Literal["auto"] = "auto",
    *,
    prediction: Prediction | None = None,
    view: tuple[slice, ...] | None = None,
) -> NDArray[Any]:
    """Give every pixel of the predicted foreground to the nearest object.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    mask : {"auto", "M", "BC", "B"}
        Channels that make the foreground: the mask M; B (or F) and the contours C,
        added; or B (or F) alone. auto takes the first that there is.
    threshold : float or "auto"
        The foreground is where their sum is above it; auto is Otsu's threshold of the
        whole prediction.
    prediction : Prediction
        The channels.
    view : tuple of slice, optional
        The part of the prediction that the labels are of.

    Returns
    -------
    ndarray
        Same shape and type; objects keep their numbers. Pixels outside of the
        foreground become background, also where there was an object.

    Raises
    ------
    ValueError
        If there is no prediction, it lacks the channels or has another shape.

    Notes
    -----
    The cells of a Voronoi diagram of the objects, within the foreground. Distances are
    in pixels. Without any object there is nothing to give and the result is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.channels import Prediction
    >>> prediction = Prediction([[[0.1, 0.9, 0.9, 0.8, 0.9]]], "M")
    >>> voronoi(np.array([[0, 1, 0, 0, 2]]), threshold=0.5, prediction=prediction)
    array([[0, 1, 1, 2, 2]])
    """
    from .nearest import nearest_object

    check_labels(labels)
    if prediction is None:
        raise ValueError(
            "the step 'voronoi' needs the predicted channels, which these labels came "
            "without; run it where the labels are made, or remove the step"
        )
    names = _names(prediction, mask)
    if threshold == "auto":
        threshold = _otsu(prediction, names)
    total = _sum(prediction, names, view)
    if total.shape != labels.shape:
        raise ValueError(
            f"the prediction has shape {total.shape}, the labels have {labels.shape}; "
            "they must be of one image"
        )
    dense, numbers = dense_labels(labels)
    if not dense.size:
        return labels.copy()
    nearest, _ = nearest_object(dense)
    nearest[~(total > np.float32(threshold)).reshape(dense.shape)] = 0
    return restored(nearest, numbers, labels)


def _names(prediction: Prediction, mask: Mask) -> tuple[str, ...]:
    there = prediction.channels
    base = next((name for name in ("B", "F") if name in there), "B")
    sets = {"M": ("M",), "BC": (base, "C"), "B": (base,)}
    if mask != "auto":
        missing = [name for name in sets[mask] if name not in there]
        if missing:
            raise ValueError(
                f"the foreground {mask} needs the channel {missing[0]}, but there are "
                f"{', '.join(there)}"
            )
        return sets[mask]
    for names in sets.values():
        if set(names) <= set(there):
            return names
    raise ValueError(
        f"the step 'voronoi' needs one of the channels M, B and F, but there are "
        f"{', '.join(there)}"
    )


def _sum(
    prediction: Prediction, names: tuple[str, ...], view: tuple[slice, ...] | None
) -> NDArray[np.float32]:
    part = () if view is None else view
    total = prediction.channel(names[0])[part]
    for name in names[1:]:
        total = total + prediction.channel(name)[part]
    return total


def _otsu(prediction: Prediction, names: tuple[str, ...]) -> float:
    from napari_bioseg.channels.histogram import histogram
    from napari_bioseg.channels.otsu import otsu

    known = _known.setdefault(prediction, {})
    if names not in known:
        total = np.ascontiguousarray(_sum(prediction, names, None))
        low, high = float(total.min(initial=0)), float(total.max(initial=0))
        known[names] = otsu(*histogram(total, low, high)) if low < high else low
    return known[names]
