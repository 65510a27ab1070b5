"""The classes of objects that lie in several blocks: every pixel votes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def class_numbers(names: Sequence[str]) -> tuple[int, ...]:
    """Return the classes that objects may have, by the channels that tell them.

    Parameters
    ----------
    names : sequence of str
        Of all channels; ``class 0`` is background, which no object can be.

    Returns
    -------
    tuple of int
        In order; empty if objects have no classes.
    """
    found = (re.fullmatch(r"class (\d+)", name) for name in names)
    return tuple(sorted(int(match[1]) for match in found if match and match[1] != "0"))


def votes_in(
    labels: NDArray[np.int32],
    highest: int,
    data: Mapping[str, NDArray[np.float32]],
    classes: Sequence[int],
) -> NDArray[np.int64]:
    """Count which class the pixels of each object are likeliest to be.

    Parameters
    ----------
    labels : ndarray
        int32, ``(Z, Y, X)``.
    highest : int
        The largest label that may occur.
    data : mapping
        Channels by name, each of the same shape.
    classes : sequence of int
        From `class_numbers`.

    Returns
    -------
    ndarray
        int64, ``(highest + 1, classes)``; equal probabilities count for the lower
        class, as in `napari_bioseg.channels.object_classes`.
    """
    places = np.flatnonzero(labels)
    best = data[f"class {classes[0]}"].ravel()[places]
    vote = np.zeros(len(places), np.int64)
    for index, number in enumerate(classes[1:], start=1):
        here = data[f"class {number}"].ravel()[places]
        better = here > best
        vote[better] = index
        best[better] = here[better]
    owner = labels.ravel()[places].astype(np.int64)
    size = (highest + 1) * len(classes)
    votes = np.bincount(owner * len(classes) + vote, minlength=size)
    return votes.reshape(highest + 1, len(classes))


def winners(votes: NDArray[np.int64], classes: Sequence[int]) -> NDArray[np.int64]:
    """Return the class with most votes, the lower one of two with as many.

    Parameters
    ----------
    votes : ndarray
        int64, ``(objects, classes)``, of all blocks together.
    classes : sequence of int
        Their numbers.

    Returns
    -------
    ndarray
        int64, one per object.
    """
    found: NDArray[np.int64] = np.asarray(classes, np.int64)[votes.argmax(axis=1)]
    return found
