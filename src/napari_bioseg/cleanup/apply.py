"""Run a list of clean-up steps over labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import CleanupStep

from .clear_border import clear_border
from .closing import closing
from .dense_crf import dense_crf
from .dilate import dilate
from .erode import erode
from .fill_holes import fill_holes
from .join_slices import join_slices
from .keep_largest import keep_largest
from .labels import check_labels, pieces_of
from .opening import opening
from .remove_by_properties import remove_by_properties
from .remove_close import remove_close
from .remove_large import remove_large
from .remove_small import remove_small
from .repair_large import repair_large
from .roi import roi
from .smooth import smooth
from .voronoi import voronoi

if TYPE_CHECKING:
    from napari_bioseg.channels import Prediction

STEPS: dict[str, Callable[..., NDArray[Any]]] = {
    "remove_small": remove_small,
    "remove_large": remove_large,
    "fill_holes": fill_holes,
    "clear_border": clear_border,
    "keep_largest": keep_largest,
    "dilate": dilate,
    "erode": erode,
    "opening": opening,
    "closing": closing,
    "smooth": smooth,
    "remove_by_properties": remove_by_properties,
    "remove_close": remove_close,
    "repair_large": repair_large,
    "voronoi": voronoi,
    "join_slices": join_slices,
    "roi": roi,
    "dense_crf": dense_crf,
}
"""The function of each step; its arguments carry the names of the step's settings."""

NEEDS: dict[str, tuple[str, ...]] = {
    "remove_by_properties": ("spacing", "image"),
    "remove_close": ("spacing",),
    "voronoi": ("prediction", "view"),
    "roi": ("region",),
    "dense_crf": ("prediction", "view", "image", "spacing"),
}
"""What steps use besides the labels, by the names of their arguments."""

_REMOVE_PIECES = (
    "remove_small",
    "remove_large",
    "clear_border",
    "remove_by_properties",
    "remove_close",
)
_OBJECTS_ONLY = ("repair_large", "voronoi", "join_slices")
_CLASSES_ONLY = ("dense_crf",)


def apply(
    labels: NDArray[Any],
    steps: Iterable[CleanupStep],
    *,
    classes: bool = False,
    spacing: Sequence[float] | None = None,
    prediction: Prediction | None = None,
    view: tuple[slice, ...] | None = None,
    image: NDArray[Any] | None = None,
    region: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Run clean-up steps over labels, in the order given.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    steps : iterable of CleanupStep
        Settings of the steps, for example ``workflow.cleanup.steps``; those that are
        switched off are passed over.
    classes : bool
        Whether the numbers are classes instead of objects. Sizes, borders, distances
        and measurements then concern every connected piece of a class on its own.
    spacing : sequence of float, optional
        Size of a pixel per axis; that of the prediction, or 1, by default.
    prediction : Prediction, optional
        The channels that the labels came from, for steps that look at them.
    view : tuple of slice, optional
        The part of the prediction that the labels are of.
    image : ndarray, shape ([C,] [Z,] Y, X), optional
        Brightness, for conditions about it.
    region : ndarray, shape ([Z,] Y, X) or (Y, X), optional
        Region of interest: anything but 0 is inside.

    Returns
    -------
    ndarray
        A cleaned copy of the same shape and type. Objects keep their numbers, unless
        slices are joined.

    Raises
    ------
    ValueError
        If the labels are not whole numbers of 0 and more with 2 or 3 axes, or a step
        lacks what it needs.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import FillHoles, RemoveSmall
    >>> labels = np.array([[7, 7, 7, 0, 4], [7, 0, 7, 0, 0], [7, 7, 7, 0, 0]])
    >>> apply(labels, [FillHoles(), RemoveSmall(size=2)])
    array([[7, 7, 7, 0, 0],
           [7, 7, 7, 0, 0],
           [7, 7, 7, 0, 0]])
    """
    check_labels(labels)
    if spacing is None and prediction is not None:
        spacing = prediction.spacing
    given = {
        "spacing": spacing,
        "prediction": prediction,
        "view": view,
        "image": image,
        "region": region,
    }
    out = labels.copy()
    for step in steps:
        if not step.enabled:
            continue
        name, values = step.step, step.values
        values |= {need: given[need] for need in NEEDS.get(name, ())}
        if classes and name in _OBJECTS_ONLY:
            raise ValueError(
                f"the step {name!r} is about objects, but these labels are classes; "
                "remove it from the clean-up"
            )
        if not classes and name in _CLASSES_ONLY:
            raise ValueError(
                f"the step {name!r} is about classes, but these labels are objects; "
                "remove it from the clean-up"
            )
        if classes and name in _REMOVE_PIECES:
            stays = STEPS[name](pieces_of(out), **values) > 0
            out = np.where(stays, out, out.dtype.type(0))
        else:
            out = STEPS[name](out, **values)
    return out
