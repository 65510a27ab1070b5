"""How well predicted classes overlap the true ones, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Overlap:
    """Agreement of two label images, class by class.

    Parameters
    ----------
    iou, dice : dict
        Intersection over union and Dice coefficient by class; NaN for a class that is
        in neither image.
    pixel_accuracy : float
        Share of the pixels with the right class.
    confusion : ndarray
        Pixels by true class (rows) and predicted class (columns).
    values : tuple of int
        The classes that rows and columns of ``confusion`` stand for.
    """

    iou: dict[int, float]
    dice: dict[int, float]
    pixel_accuracy: float
    confusion: NDArray[np.int64]
    values: tuple[int, ...]

    @property
    def mean_iou(self) -> float:
        """Mean of the classes that are in one of the images; 1 if none is."""
        return _mean(self.iou)

    @property
    def mean_dice(self) -> float:
        """Mean of the classes that are in one of the images; 1 if none is."""
        return _mean(self.dice)


def overlap(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    classes: int | Sequence[int] | None = None,
    ignore: int | None = None,
) -> Overlap:
    """Compare two images of classes.

    Parameters
    ----------
    truth, predicted : ndarray
        Integers of one shape.
    classes : int or sequence of int, optional
        How many classes there are, from 0 up, or which of them to score: ``[1, 2]``
        leaves the background out of the means. By default all that occur, background
        included.
    ignore : int, optional
        True value of pixels that do not count.

    Returns
    -------
    Overlap

    Raises
    ------
    ValueError
        If the shapes differ or a value is no integer.

    Examples
    --------
    >>> import numpy as np
    >>> found = overlap(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    >>> found.iou[0], round(found.dice[1], 3), found.pixel_accuracy
    (0.5, 0.8, 0.75)
    """
    a, b = _check(truth, predicted)
    if ignore is not None:
        kept = a != ignore
        a, b = a[kept], b[kept]
    scored = range(classes) if isinstance(classes, int) else classes
    if a.size and min(a.min(), b.min()) >= 0 and max(a.max(), b.max()) < 256:
        # few classes: counting beats sorting
        codes = np.bincount(a.astype(np.int64) * 256 + b, minlength=65_536)
        table = codes.reshape(256, 256)
        found = np.flatnonzero(table.any(0) | table.any(1))
        counts = table[np.ix_(found, found)]
    else:
        found, index = np.unique(np.concatenate([a, b]), return_inverse=True)
        flat = index[: a.size] * len(found) + index[a.size :]
        counts = np.bincount(flat, minlength=len(found) ** 2)
        counts = counts.reshape(len(found), len(found))
    return _scored(found.tolist(), counts, None if scored is None else list(scored))


def pool_overlaps(overlaps: Iterable[Overlap]) -> Overlap:
    """Add up what was counted in several images or patches, as if they were one.

    Parameters
    ----------
    overlaps : iterable of Overlap
        What `overlap` returned for each, with the same classes.

    Returns
    -------
    Overlap
        Large images count for more than small ones; average the scores of the single
        images for the other convention.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> import numpy as np
    >>> one = overlap(np.array([1, 1]), np.array([1, 0]))
    >>> other = overlap(np.array([1, 1]), np.array([1, 1]))
    >>> pool_overlaps([one, other]).iou[1]
    0.75
    """
    given = list(overlaps)
    if not given:
        raise ValueError("there is nothing to pool: give the overlap of an image")
    values = sorted({value for one in given for value in one.values})
    counts = np.zeros((len(values), len(values)), np.int64)
    for one in given:
        place = np.searchsorted(values, one.values)
        counts[np.ix_(place, place)] += one.confusion
    wanted = sorted({value for one in given for value in one.iou})
    return _scored(values, counts, wanted)


def _scored(
    found: Sequence[int], counts: NDArray[Any], scored: list[int] | None
) -> Overlap:
    """Return the scores of a table of pixels by true and predicted class."""
    values = sorted({*found, *(scored or ())})
    confusion = np.zeros((len(values), len(values)), np.int64)
    place = np.searchsorted(values, found)
    confusion[np.ix_(place, place)] = counts
    correct = np.diag(confusion)
    total = confusion.sum(0) + confusion.sum(1)
    iou, dice = {}, {}
    for value in values if scored is None else scored:
        i = values.index(value)
        iou[value] = _ratio(correct[i], total[i] - correct[i])
        dice[value] = _ratio(2 * correct[i], total[i])
    pixels = confusion.sum()
    accuracy = float(correct.sum() / pixels) if pixels else 1.0
    return Overlap(iou, dice, accuracy, confusion, tuple(values))


def _check(truth: object, predicted: object) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = np.asarray(truth), np.asarray(predicted)
    if a.shape != b.shape:
        raise ValueError(
            f"predicted classes (shape {b.shape}) must have the shape of the true "
            f"classes (shape {a.shape})"
        )
    for name, array in (("true", a), ("predicted", b)):
        if array.dtype.kind not in "iub":
            raise ValueError(
                f"{name} classes are {array.dtype}, they must be integers; convert "
                "them, e.g. with labels.astype('int32')"
            )
    return a.ravel(), b.ravel()


def _ratio(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else float("nan")


def _mean(scores: dict[int, float]) -> float:
    present = [score for score in scores.values() if not np.isnan(score)]
    return float(np.mean(present)) if present else 1.0
