"""What labels lack, in words: classes, objects, background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_bioseg.channels.connected import components
from napari_bioseg.settings import Workflow

from .labelled import read_ids, slabs
from .pair import Pair
from .split import Part
from .survey import Survey

SMALL = 0.1
"""Pieces of an object smaller than this share of its largest one are left out."""


def label_notes(
    pairs: Sequence[Pair],
    surveys: Sequence[Survey],
    training: Sequence[Part],
    validation: Sequence[Part],
    workflow: Workflow,
) -> list[str]:
    """Say what may make the training worse than expected.

    Parameters
    ----------
    pairs : sequence of Pair
    surveys : sequence of Survey
        What the labels of each pair hold.
    training, validation : sequence of (int, tuple of slice)
        Which of them are learned from and which judge.
    workflow : Workflow

    Returns
    -------
    list of str
    """
    learned = [surveys[number] for number in {number for number, _ in training}]
    judged = [surveys[number] for number in {number for number, _ in validation}]
    if workflow.is_semantic:
        return _class_notes(learned, judged, workflow)
    if judged and not any(len(found.values) for found in judged):
        return [
            "no validation image has an object, so nothing tells how well objects are "
            "found; choose other validation images, or label some objects in them"
        ]
    values = {int(value) for found in surveys for value in found.values}
    if len(values) == 1 and (len(pairs) > 1 or _in_pieces(pairs[0], workflow)):
        return [
            f"all objects have the number {values.pop()}, as in a mask: "
            "objects that touch are learned as one; number them to tell them apart, "
            "for example with skimage.measure.label"
        ]
    return []


def _in_pieces(pair: Pair, workflow: Workflow) -> bool:
    """Whether what is labelled falls into several pieces of similar size."""
    for slab in slabs(pair.labels):
        labelled = read_ids(pair, slab, workflow.data) > 0
        volume = labelled if labelled.ndim == 3 else labelled[np.newaxis]
        sizes = components(volume).sizes()
        if np.count_nonzero(sizes > SMALL * sizes.max()) > 1:
            return True
    return False


def _class_notes(
    learned: Sequence[Survey], judged: Sequence[Survey], workflow: Workflow
) -> list[str]:
    classes = workflow.task.classes
    seen = _classes(learned)
    notes = []
    if classes == 2:
        odd = sorted(seen - {0, 1})
        if odd:
            notes.append(f"the labels hold {_listed(odd)}, learned as class 1")
        seen = {min(value, 1) for value in seen}
    missing = sorted(set(range(classes)) - seen)
    only = sorted(_classes(judged) - seen) if classes > 2 else []
    if only:
        notes.append(
            f"class {_listed(only)} is in the validation images only, so it cannot be "
            "learned; move an image with it to the training images"
        )
    never = [value for value in missing if value not in only]
    if never:
        notes.append(
            f"class {_listed(never)} is in no training image"
            + (": is background labelled?" if never == [0] else "")
        )
    return notes


def _classes(surveys: Sequence[Survey]) -> set[int]:
    found = {int(value) for each in surveys for value in np.asarray(each.values)}
    return found | ({0} if any(each.background for each in surveys) else set())


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
