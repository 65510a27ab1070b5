"""The classes of objects that come with a pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow
from napari_bioseg.settings.task import IGNORE

from .pair import Pair


def check_object_classes(pair: Pair, title: str, workflow: Workflow) -> None:
    """Raise a clear error if a pair lacks the classes that a task needs.

    Parameters
    ----------
    pair : Pair
    title : str
        What to call it.
    workflow : Workflow

    Raises
    ------
    ValueError
        If classes are missing, of another size or type than the labels, beyond the
        task's classes, or 0 at every object.
    """
    task = workflow.task
    if not task.has_classes:
        return
    if pair.classes is None:
        raise ValueError(
            f"{title}: the classes of its objects are missing, but the task has "
            f"{task.classes} classes; give them beside the labels, as a second label "
            "image of the same size (a folder with --classes) or, in napari, as the "
            "columns index and class of the labels layer's features; or set "
            "task.classes to 1, or task.kind to 'semantic' if labels are classes"
        )
    if tuple(pair.classes.shape) != pair.size:
        raise ValueError(
            f"{title}: the classes have shape {tuple(pair.classes.shape)}, but the "
            f"labels {pair.size}; they must be equal"
        )
    if np.dtype(pair.classes.dtype).kind not in "iub":
        raise ValueError(
            f"{title}: the classes are {np.dtype(pair.classes.dtype)}, but must be "
            "whole numbers; convert them with classes.astype('int32')"
        )
    used = np.unique(np.asarray(pair.classes)[np.asarray(pair.labels) > 0])
    if used.size and (used[0] < 0 or used[-1] >= task.classes):
        raise ValueError(
            f"{title}: the classes of objects go from {used[0]} to {used[-1]}, but the "
            f"task has {task.classes} classes, 1 to {task.classes - 1} for objects; "
            f"set task.classes to {used[-1] + 1}, or correct the classes"
        )
    if used.size and used[-1] == 0:
        raise ValueError(
            f"{title}: all of its objects have class 0, which stands for unknown; "
            f"give objects a class from 1 to {task.classes - 1}"
        )


def object_class_notes(
    pairs: Sequence[Pair],
    training: Sequence[int],
    validation: Sequence[int],
    workflow: Workflow,
) -> list[str]:
    """Say which classes of objects cannot be learned, or are never seen.

    Parameters
    ----------
    pairs : sequence of Pair
    training, validation : sequence of int
        Which of them are learned from and which judge.
    workflow : Workflow

    Returns
    -------
    list of str
    """
    task = workflow.task
    if not task.has_classes:
        return []
    learned = _classes_in([pairs[number] for number in sorted(set(training))])
    judged = _classes_in([pairs[number] for number in sorted(set(validation))])
    notes = []
    only = sorted(judged - learned)
    if only:
        notes.append(
            f"class {_listed(only)} of objects is in the validation images only, so it "
            "cannot be learned; move an image with it to the training images"
        )
    never = sorted(set(range(1, task.classes)) - learned - judged)
    if never:
        notes.append(f"class {_listed(never)} of objects is in no training image")
    return notes


def _classes_in(pairs: Sequence[Pair]) -> set[int]:
    found: set[int] = set()
    for pair in pairs:
        classes = np.asarray(pair.classes)[np.asarray(pair.labels) > 0]
        found |= {int(value) for value in np.unique(classes) if value > 0}
    return found


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def class_targets(labels: NDArray[Any], classes: Any) -> NDArray[np.uint8]:
    """Return what the network's class outputs shall say.

    Parameters
    ----------
    labels : ndarray, ([Z,] Y, X), integer
        Instances.
    classes : array of the same shape, integer
        Their classes.

    Returns
    -------
    ndarray, ([Z,] Y, X), uint8
        0 on background; the class on objects, or `IGNORE` where that is 0, unknown.

    Examples
    --------
    >>> class_targets(np.array([[0, 1, 2]]), np.array([[7, 2, 0]]))
    array([[  0,   2, 255]], dtype=uint8)
    """
    objects = labels > 0
    values = np.asarray(classes).astype(np.uint8)
    values[~objects] = 0
    values[objects & (values == 0)] = IGNORE
    return values
