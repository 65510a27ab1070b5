"""The class of every object, by what the network says about its pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .prediction import Prediction

_CLASS = re.compile(r"class (\d+)")


def object_classes(
    labels: NDArray[Any],
    prediction: Prediction,
    region: tuple[slice, ...] | None = None,
) -> dict[int, int]:
    """Return the class of every object by majority vote.

    Parameters
    ----------
    labels : ndarray, ([Z,] Y, X), integer
        Objects; 0 is background.
    prediction : Prediction
        With channels ``class 0``, ``class 1``… beside the others; without them no
        object has a class.
    region : tuple of slice, optional
        Which part of the prediction the labels show.

    Returns
    -------
    dict of int to int
        Class by the object's number.

    Raises
    ------
    ValueError
        If labels and prediction differ in size.

    Notes
    -----
    Each pixel votes for its likeliest class; class 0, background, cannot be an
    object's. Where two classes have as many votes the lower number wins.

    Examples
    --------
    >>> from napari_bioseg.channels import Prediction
    >>> labels = np.array([[0, 4, 4, 4]])
    >>> inside, first, second = [0, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1]
    >>> values = np.array([[inside], [first], [second]])
    >>> object_classes(labels, Prediction(values, ["B", "class 1", "class 2"]))
    {4: 2}
    """
    matches = [_CLASS.fullmatch(name) for name in prediction.channels]
    numbers = sorted(int(found[1]) for found in matches if found and found[1] != "0")
    if not numbers:
        return {}
    values = [prediction.channel(f"class {number}") for number in numbers]
    if region is not None:
        values = [channel[region] for channel in values]
    if values[0].shape != labels.shape:
        raise ValueError(
            f"the labels have shape {labels.shape}, but the prediction "
            f"{values[0].shape}; they must be equal"
        )
    places = np.flatnonzero(labels)
    ids, owner = _distinct(labels.ravel()[places])
    best = values[0].ravel()[places]
    vote = np.zeros(len(places), dtype=np.int64)
    for index, channel in enumerate(values[1:], start=1):
        here = channel.ravel()[places]
        better = here > best
        vote[better] = index
        np.maximum(best, here, out=best)
    count = len(values)
    votes = np.bincount(owner * count + vote, minlength=len(ids) * count)
    winners = votes.reshape(len(ids), count).argmax(axis=1)
    classes = np.array(numbers)[winners]
    return dict(zip(ids.tolist(), classes.tolist(), strict=True))


def class_labels(labels: NDArray[Any], classes: Mapping[int, int]) -> NDArray[np.int32]:
    """Return the class of every pixel's object.

    Parameters
    ----------
    labels : ndarray, ([Z,] Y, X), integer
        Objects; 0 is background.
    classes : mapping of int to int
        Class by the object's number; objects without one get 0.

    Returns
    -------
    ndarray, ([Z,] Y, X), int32

    Examples
    --------
    >>> class_labels(np.array([[0, 4, 7]]), {4: 2, 7: 1})
    array([[0, 2, 1]], dtype=int32)
    """
    ids, index = _distinct(labels.ravel())
    of_id = np.array([classes.get(number, 0) for number in ids.tolist()], np.int32)
    out: NDArray[np.int32] = of_id[index].reshape(labels.shape)
    return out


def _distinct(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the numbers that occur, in order, and where in them each one is."""
    highest = int(numbers.max(initial=0))
    if highest > 4 * numbers.size:
        ids, index = np.unique(numbers, return_inverse=True)
        return ids, index
    present = np.bincount(numbers) > 0  # far quicker than sorting
    return np.flatnonzero(present), (np.cumsum(present) - 1)[numbers]
