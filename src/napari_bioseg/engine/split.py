"""Which images are learned from and which judge: by share, by choice, in folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.counted import counted
from napari_bioseg.settings import Workflow

from .labelled import Region
from .pair import Pair
from .survey import Survey, survey

MIN_STRIP = 16
"""A validation strip of a single image is at least this wide, in pixels."""

Part = tuple[int, Region]
"""Number of a pair, and which part of it."""


def split_pairs(
    pairs: Sequence[Pair],
    surveys: Sequence[Survey],
    workflow: Workflow,
    rng: np.random.Generator,
) -> tuple[list[Part], list[Part], list[str]]:
    """Decide which images, or parts of one image, are for training and validation.

    Parameters
    ----------
    pairs : sequence of Pair
        Where one says what it is for, that counts.
    surveys : sequence of Survey
        What their labels hold.
    workflow : Workflow
        ``data.validation`` is the share kept where no pair is for validation.
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : list of (int, tuple of slice)
    notes : list of str
        What the user may want to know.

    Raises
    ------
    ValueError
        If all pairs are for validation.
    """
    everything = range(len(pairs))
    chosen = [n for n in everything if pairs[n].role == "validation"]
    free = [n for n in everything if pairs[n].role == "auto"]
    share = workflow.data.validation
    if chosen:
        rest = [n for n in everything if n not in chosen]
        if not rest:
            some = f"all {len(pairs)} images are"
            raise ValueError(
                f"{some if len(pairs) > 1 else 'the only image is'} for validation, so "
                "none is left to learn from; give more images, or leave some out of "
                "the validation images"
            )
        return _wholes(pairs, rest), _wholes(pairs, chosen), []
    if share == 0 or not free:
        why = "no validation" if share == 0 else "no image is kept for validation"
        return _wholes(pairs, everything), [], [f"{why}: the last weights are kept"]
    if len(pairs) > 1:
        count = min(max(1, round(share * len(free))), len(pairs) - 1)
        kept = _validation_images(free, surveys, count, len(pairs) > len(free), rng)
        rest = [n for n in everything if n not in kept]
        return _wholes(pairs, rest), _wholes(pairs, sorted(kept)), []
    parts = _strips(pairs[0], share, workflow)
    if len(parts) == 1:
        note = "the image is too small to keep a part for validation"
        return [(0, parts[0])], [], [f"{note}: the last weights are kept"]
    return (
        [(0, parts[0])],
        [(0, parts[1])],
        ["a strip of the image is kept for validation"],
    )


def split_by_share(pairs: Sequence[Pair], workflow: Workflow) -> list[Pair]:
    """Choose whole images for validation, as training by itself would.

    Parameters
    ----------
    pairs : sequence of Pair
    workflow : Workflow
        ``data.validation`` is the share, ``train.seed`` decides.

    Returns
    -------
    list of Pair
        All of them, with what they are for.

    Raises
    ------
    ValueError
        If there is one image only, or the share is 0.
    """
    if len(pairs) < 2 or workflow.data.validation == 0:
        raise ValueError(
            f"{counted(len(pairs), 'image')} "
            f"and a share of {workflow.data.validation:g} for "
            "validation leave nothing to split; give 2 images at least and a share "
            "above 0"
        )
    surveys = [survey(pair, workflow) for pair in pairs]
    rng = np.random.default_rng([workflow.train.seed, 1])
    _, judged, _ = split_pairs(pairs, surveys, workflow, rng)
    chosen = {number for number, _ in judged}
    return [
        replace(pair, role="validation" if number in chosen else "training")
        for number, pair in enumerate(pairs)
    ]


def make_folds(
    pairs: Sequence[Pair], folds: int, workflow: Workflow
) -> list[list[Pair]]:
    """Split images so that each is for validation once.

    Parameters
    ----------
    pairs : sequence of Pair
    folds : int
        How many trainings there will be, at least 2.
    workflow : Workflow
        Its seed decides; its task says what images are balanced by.

    Returns
    -------
    list of list of Pair
        For each fold all pairs, with what they are for.

    Raises
    ------
    ValueError
        If there are fewer images than folds, or fewer than 2 folds.

    Notes
    -----
    Stratified: images are ordered by their number of objects (classes: of pixels that
    are not background), most first, and each run of as many images as folds is dealt
    out at random, one to every fold.
    """
    if folds < 2:
        raise ValueError(f"there must be 2 folds at least, not {folds}")
    if len(pairs) < folds:
        raise ValueError(
            f"{folds} folds need as many images, but there are {len(pairs)}; use fewer "
            "folds, or cut the images into several"
        )
    rng = np.random.default_rng([workflow.train.seed, 6])
    amounts = []
    for pair in pairs:
        found = survey(pair, workflow)
        whole = found.pixels.sum() if workflow.is_semantic else len(found.values)
        amounts.append(int(whole))
    order = np.lexsort((rng.random(len(pairs)), -np.array(amounts)))
    fold: NDArray[np.int64] = np.empty(len(pairs), np.int64)
    for first in range(0, len(order), folds):
        run = order[first : first + folds]
        fold[run] = rng.permutation(folds)[: len(run)]
    return [
        [
            replace(pair, role="validation" if fold[n] == number else "training")
            for n, pair in enumerate(pairs)
        ]
        for number in range(folds)
    ]


def _wholes(pairs: Sequence[Pair], numbers: Sequence[int]) -> list[Part]:
    return [(number, whole(pairs[number])) for number in numbers]


def whole(pair: Pair) -> Region:
    """Return the region that is all of an image."""
    return tuple(slice(0, length) for length in pair.size)


def _validation_images(
    free: Sequence[int],
    surveys: Sequence[Survey],
    count: int,
    others_train: bool,
    rng: np.random.Generator,
) -> set[int]:
    """Choose images at random, but leave one with objects to learn from.

    The first one chosen shows objects too, if a second image does.
    """
    shuffled = [free[int(index)] for index in rng.permutation(len(free))]
    empty = {index for index in shuffled if not len(surveys[index].values)}
    order = sorted(shuffled, key=empty.__contains__)
    if others_train:
        return set(order[:count])
    others = [index for index in shuffled if index not in order[:2]]
    return {order[1], *others[: count - 1]}


def _strips(pair: Pair, share: float, workflow: Workflow) -> tuple[Region, ...]:
    """Cut one image in two along its longest axis, if both parts get objects.

    The validation strip lies at the end that shows more objects, unless nothing is
    left to learn from then.
    """
    axis = int(np.argmax(pair.size))
    length = pair.size[axis]
    width = max(round(share * length), MIN_STRIP)
    if 2 * width > length:
        return (whole(pair),)

    def part(start: int, stop: int) -> Region:
        region = list(whole(pair))
        region[axis] = slice(start, stop)
        return tuple(region)

    cuts = [(part(0, width), part(width, length))]
    cuts.append((part(length - width, length), part(0, length - width)))
    shown = [int(survey(pair, workflow, strip).pixels.sum()) for strip, _ in cuts]
    for number in sorted((0, 1), key=lambda n: -shown[n]):
        strip, rest = cuts[number]
        if _shows_objects(pair, rest, workflow):
            return rest, strip
    return (whole(pair),)


def _shows_objects(pair: Pair, region: Region, workflow: Workflow) -> bool:
    return bool(survey(pair, workflow, region).pixels.sum())
