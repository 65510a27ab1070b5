"""What the Evaluate panel computes in its thread."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.counted import counted
from napari_bioseg.edit import Boxes, find_boxes
from napari_bioseg.measure import Match, Overlap, associate, match, overlap, pool
from napari_bioseg.widgets.tables.plot import load_plots

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["objects", "classes"]
CURVE = tuple(round(0.1 + 0.05 * step, 2) for step in range(18))
"""Overlaps of the curve: 0.1, 0.15 … 0.95."""
ROWS = (0.3, 0.5, 0.75)
"""Overlaps that always have a row in the table, beside the one that is chosen."""
MEAN = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Overlaps whose accuracy is averaged, as StarDist and DSB2018 do."""
COLUMNS = (
    "threshold",
    "tp",
    "fp",
    "fn",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "panoptic_quality",
    "mean_matched_score",
    "mean_true_score",
)


@dataclass(frozen=True, eq=False)
class Question:
    """What to compare.

    Attributes
    ----------
    truth, predicted : array
        Labels of one shape, numpy or lazy.
    leading : int
        Axes before the spatial ones, each of whose steps is an image of its own.
    iou : float
        Overlap at which objects count as found.
    kind : {"objects", "classes"}
        What the labels are.
    picture : bool
        Whether to draw found, missed and invented objects.
    known : tuple
        What `Answer.known` was for the answer shown now; if nothing changed since,
        there is no new answer.
    """

    truth: Any
    predicted: Any
    leading: int
    iou: float
    kind: Kind = "objects"
    picture: bool = False
    known: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of the comparison.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per overlap threshold, or per class.
    curve : list of Match
        At the overlaps of `CURVE`; empty for classes.
    mistakes : pandas.DataFrame
        ``kind``, ``truth``, ``predicted``, ``iou``, ``frame``, ``at`` and ``size``.
    picture : ndarray or None
        As `measure.Association.picture`.
    images : int
        How many images were pooled.
    text : str
        The result in a sentence.
    known : tuple
        Stands for the pixels and settings.
    """

    table: pd.DataFrame
    curve: list[Match]
    mistakes: pd.DataFrame
    picture: NDArray[np.uint8] | None
    images: int
    text: str
    known: tuple[Any, ...]


def evaluate(question: Question, *, cancelled: Callable[[], bool]) -> Iterator[Answer]:
    """Compare two layers; says nothing if they are what they were.

    Parameters
    ----------
    question : Question
        What to compare.
    cancelled : callable
        Says whether to give up.

    Yields
    ------
    Answer
        At most one.

    Raises
    ------
    ValueError
        If the labels do not fit together or are no labels.
    """
    load_plots()
    if tuple(question.truth.shape) != tuple(question.predicted.shape):
        raise ValueError(
            f"the truth has shape {tuple(question.truth.shape)}, the prediction "
            f"{tuple(question.predicted.shape)}: they must be equal"
        )
    truth = np.asarray(question.truth)
    predicted = np.asarray(question.predicted)
    if cancelled():
        return
    settings = (question.iou, question.kind, question.picture)
    known = (_print_of(truth), _print_of(predicted), *settings)
    if known == question.known or cancelled():
        return
    if question.kind == "classes":
        yield _classes(truth, predicted, known)
    else:
        answer = _objects(truth, predicted, question, known, cancelled)
        if answer is not None:
            yield answer


def _objects(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    question: Question,
    known: tuple[Any, ...],
    cancelled: Callable[[], bool],
) -> Answer | None:
    import pandas as pd

    frames = list(np.ndindex(truth.shape[: question.leading]))
    thresholds = sorted({*CURVE, *ROWS, question.iou})
    picture = np.zeros(truth.shape, np.uint8) if question.picture else None
    found, lists = [], []
    for frame in frames:
        if cancelled():
            return None
        found.append(match(truth[frame], predicted[frame], thresholds))
        association = associate(truth[frame], predicted[frame], question.iou)
        places = _places(truth[frame], predicted[frame], association.mistakes)
        lists.append(
            places.assign(frame=pd.Series([frame] * len(places), dtype=object))
        )
        if picture is not None:
            picture[frame] = association.picture(truth[frame], predicted[frame])
    total = pool(found) if len(found) > 1 else found[0]
    mistakes = pd.concat(lists, ignore_index=True)
    return Answer(
        table=table_of(total, question.iou),
        curve=[one for one in total if one.threshold in CURVE],
        mistakes=mistakes,
        picture=picture,
        images=len(frames),
        text=summary(total, mistakes, question.iou),
        known=known,
    )


def _classes(
    truth: NDArray[Any], predicted: NDArray[Any], known: tuple[Any, ...]
) -> Answer:
    import pandas as pd

    found = overlap(truth, predicted)
    if len(found.values) > 256:
        raise ValueError(
            f"these labels hold {len(found.values)} different values, too many to be "
            "classes: compare them as objects"
        )
    text = (
        f"Mean IoU {found.mean_iou:.3f}, mean Dice {found.mean_dice:.3f}, "
        f"{found.pixel_accuracy:.1%} of the pixels right"
    )
    empty = pd.DataFrame(
        columns=["kind", "truth", "predicted", "iou", "at", "size", "frame"]
    )
    return Answer(class_table(found), [], empty, None, 1, text, known)


def class_table(found: Overlap) -> pd.DataFrame:
    """Return a row per class.

    Parameters
    ----------
    found : Overlap
        The comparison.

    Returns
    -------
    pandas.DataFrame
        ``class``, ``iou``, ``dice``, ``true_pixels`` and ``predicted_pixels``; the
        background is class 0.
    """
    import pandas as pd

    values = [value for value in found.values if value in found.iou]
    index = [found.values.index(value) for value in values]
    return pd.DataFrame(
        {
            "class": values,
            "iou": [found.iou[value] for value in values],
            "dice": [found.dice[value] for value in values],
            "true_pixels": found.confusion.sum(1)[index],
            "predicted_pixels": found.confusion.sum(0)[index],
        }
    )


def table_of(matches: Sequence[Match], iou: float) -> pd.DataFrame:
    """Return the rows that are shown of matches at many overlaps.

    Parameters
    ----------
    matches : sequence of Match
        At `CURVE`, `ROWS` and the chosen overlap.
    iou : float
        The chosen one.

    Returns
    -------
    pandas.DataFrame
    """
    import pandas as pd

    wanted = {*ROWS, iou}
    rows = [one.as_dict() for one in matches if one.threshold in wanted]
    return pd.DataFrame(rows)[list(COLUMNS)]


def summary(matches: Sequence[Match], mistakes: pd.DataFrame, iou: float) -> str:
    """Say in a sentence how good the objects are.

    Parameters
    ----------
    matches : sequence of Match
        At many overlaps.
    mistakes : pandas.DataFrame
        What went wrong.
    iou : float
        The overlap that counts.

    Returns
    -------
    str
    """
    here = next(one for one in matches if one.threshold == iou)
    if not here.n_true and not here.n_predicted:
        return "No object in either layer: they agree"
    if not here.n_true:
        return f"The truth holds no object; all {here.n_predicted} are invented"
    if not here.n_predicted:
        return f"The prediction holds no object; all {here.n_true} are missed"
    counts = mistakes["kind"].value_counts()
    parts = [f"{here.tp} of {here.n_true} found"]
    for kind in ("missed", "invented", "merged", "split"):
        number = int(counts.get(kind, 0))
        if number:
            parts.append(f"{number} {kind}")
    mean = [one.accuracy for one in matches if one.threshold in MEAN]
    parts.append(f"mean AP {np.mean(mean):.3f}")
    return " · ".join(parts)


def _places(
    truth: NDArray[Any], predicted: NDArray[Any], mistakes: pd.DataFrame
) -> pd.DataFrame:
    """Add where each mistake is and how large."""
    import pandas as pd

    boxes = {"truth": find_boxes(truth), "predicted": find_boxes(predicted)}
    at: list[tuple[float, ...]] = []
    sizes: list[tuple[float, ...]] = []
    for row in mistakes.to_dict("records"):
        side = "truth" if row["kind"] in ("missed", "split") else "predicted"
        box = _box(boxes[side], row[side][0])
        at.append(tuple((a + b - 1) / 2 for a, b in box))
        sizes.append(tuple(float(b - a) for a, b in box))
    return mistakes.assign(
        at=pd.Series(at, dtype=object), size=pd.Series(sizes, dtype=object)
    )


def _box(boxes: Boxes, number: int) -> list[tuple[int, int]]:
    return [(side.start, side.stop) for side in boxes[int(number)]]


def _print_of(labels: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(labels).data)


@dataclass(frozen=True, eq=False)
class FolderAnswer:
    """Two folders compared: a row per image and threshold, and all images pooled.

    Attributes
    ----------
    table : pandas.DataFrame
        Pooled over all images.
    images : pandas.DataFrame
        The same columns per image, named in ``image``.
    curve : list of Match
        Pooled, at the overlaps of `CURVE`.
    text : str
        The result in a sentence.
    """

    table: pd.DataFrame
    images: pd.DataFrame
    curve: list[Match]
    text: str


def evaluate_folders(
    truth: Path, predicted: Path, iou: float, *, cancelled: Callable[[], bool]
) -> Iterator[FolderAnswer | str]:
    """Compare the label images of two folders, matched by their names.

    Parameters
    ----------
    truth, predicted : Path
        The folders.
    iou : float
        Overlap at which objects count as found.
    cancelled : callable
        Says whether to give up.

    Yields
    ------
    str
        How far it is.
    FolderAnswer
        In the end.

    Raises
    ------
    ValueError
        If files have no partner, cannot be read, or differ in size.
    """
    import pandas as pd

    from napari_bioseg.io import find_pairs, read_labels

    load_plots()
    pairs = find_pairs(predicted, truth)
    thresholds = sorted({*CURVE, *ROWS, iou})
    found, rows = [], []
    for number, (guess, right) in enumerate(pairs, start=1):
        if cancelled():
            return
        yield f"Image {number} of {len(pairs)} …"
        try:
            one = match(
                np.asarray(read_labels(right)),
                np.asarray(read_labels(guess)),
                thresholds,
            )
        except ValueError as error:
            raise ValueError(f"{Path(str(guess)).name}: {error}") from error
        found.append(one)
        rows.append(table_of(one, iou).assign(image=Path(str(guess)).stem))
    total = pool(found)
    images = pd.concat(rows, ignore_index=True)
    here = next(one for one in total if one.threshold == iou)
    text = (
        f"{counted(len(pairs), 'image')} "
        f"pooled: {here.tp} of {here.n_true} objects found, "
        f"{here.fp} invented · F1 {here.f1:.3f}"
    )
    curve = [one for one in total if one.threshold in CURVE]
    yield FolderAnswer(table_of(total, iou), images[["image", *COLUMNS]], curve, text)
