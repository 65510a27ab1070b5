"""Several images compared with the truth: tables per image and over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .match import Match, match, pool
from .overlap import Overlap, overlap, pool_overlaps
from .patches import patch_pairs
from .scores import mean_scores

if TYPE_CHECKING:
    import pandas as pd

POOLED, MEAN = "all images together", "mean of the images"
"""How figures of several images are joined; always said beside them."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One image, or one patch of it, compared with the truth.

    Parameters
    ----------
    name : str
        Of the image.
    matches : tuple of Match
        Objects, at each overlap; empty for classes.
    overlap : Overlap
        Pixels: of the classes, or of foreground (1) and background (0) of objects.
    """

    name: str
    matches: tuple[Match, ...]
    overlap: Overlap


def score(
    name: str,
    truth: NDArray[Any],
    predicted: NDArray[Any],
    *,
    iou: Sequence[float] = (0.3, 0.5, 0.75),
    semantic: bool = False,
    classes: int | Sequence[int] | None = None,
    ignore: int | None = None,
    patch: Sequence[int] | None = None,
) -> list[Scored]:
    """Compare one image with the truth.

    Parameters
    ----------
    name : str
        Of the image.
    truth, predicted : ndarray of int
        Labels of one shape.
    iou : sequence of float
        Overlaps at which objects are matched.
    semantic : bool
        Whether the numbers are classes instead of objects.
    classes : int or sequence of int, optional
        As for `overlap`; of objects, foreground and background are compared.
    ignore : int, optional
        True value of pixels that do not count.
    patch : sequence of int, optional
        Compare patches of this size, each on its own, instead of the image.

    Returns
    -------
    list of Scored
        One; several with patches.

    Raises
    ------
    ValueError
        As for `match` and `overlap`, naming the image.

    Examples
    --------
    >>> (found,) = score("a", np.array([[1, 1, 0]]), np.array([[4, 4, 0]]), iou=[0.5])
    >>> found.matches[0].f1, found.overlap.iou[1]
    (1.0, 1.0)
    """
    pairs = [(truth, predicted)]
    try:
        if patch is not None:
            pairs = list(patch_pairs(truth, predicted, patch))
        return [
            _one(
                f"{name} [{place}]" if patch else name,
                *pair,
                iou=iou,
                semantic=semantic,
                classes=classes,
                ignore=ignore,
            )
            for place, pair in enumerate(pairs)
        ]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _one(
    name: str,
    truth: NDArray[Any],
    predicted: NDArray[Any],
    *,
    iou: Sequence[float],
    semantic: bool,
    classes: int | Sequence[int] | None,
    ignore: int | None,
) -> Scored:
    if semantic:
        return Scored(name, (), overlap(truth, predicted, classes, ignore))
    if ignore is not None and truth.shape == predicted.shape:
        inside = truth != ignore
        truth = np.where(inside, truth, 0)
        predicted = np.where(inside, predicted, 0)
    matches = tuple(match(truth, predicted, iou))
    a, b = (np.asarray(image > 0, np.uint8) for image in (truth, predicted))
    return Scored(name, matches, overlap(a, b, 2))


def table_per_image(images: Sequence[Scored]) -> pd.DataFrame:
    """Return the figures of every image.

    Parameters
    ----------
    images : sequence of Scored
        From `score`.

    Returns
    -------
    pandas.DataFrame
        Of objects, a row per image and overlap: ``image``, ``threshold``, ``tp``,
        ``fp``, ``fn`` and the scores, then ``foreground_iou`` and
        ``foreground_dice``. Of classes, a row per image and class: ``image``,
        ``class``, ``iou``, ``dice``, then ``mean_iou``, ``mean_dice`` and
        ``pixel_accuracy`` of the image.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for image in images:
        rows += [{"image": image.name, **row} for row in _rows(image)]
    return pd.DataFrame(rows)


def table_of_all(images: Sequence[Scored]) -> pd.DataFrame:
    """Return the figures of all images, joined in both ways.

    Parameters
    ----------
    images : sequence of Scored
        From `score`, with the same overlaps or classes.

    Returns
    -------
    pandas.DataFrame
        As `table_per_image`, with ``over`` instead of ``image``: `POOLED`, where large
        images count more, and `MEAN`, where each counts the same.

    Raises
    ------
    ValueError
        If there are no images or they were matched at different overlaps.
    """
    import pandas as pd

    total = pool_overlaps([image.overlap for image in images])
    if not images[0].matches:
        each = table_per_image(images)
        pooled = pd.DataFrame(_rows(Scored("", (), total)))
        names = [name for name in pooled.columns if name != "class"]
        mean = each.groupby("class", as_index=False)[names].mean()
        for name in ("mean_iou", "mean_dice", "pixel_accuracy"):
            mean[name] = each.groupby("image")[name].first().mean()
        return pd.concat([pooled.assign(over=POOLED), mean.assign(over=MEAN)])[
            ["over", *pooled.columns]
        ].reset_index(drop=True)
    matches = [list(image.matches) for image in images]
    joined = Scored("", tuple(pool(matches)), total)
    rows: list[dict[str, Any]] = [{"over": POOLED, **row} for row in _rows(joined)]
    foreground = {
        f"foreground_{what}": float(
            np.mean([_of_foreground(image.overlap, what) for image in images])
        )
        for what in ("iou", "dice")
    }
    rows += [{"over": MEAN, **row, **foreground} for row in mean_scores(matches)]
    return pd.DataFrame(rows)


def _rows(image: Scored) -> list[dict[str, Any]]:
    found = image.overlap
    if image.matches:
        foreground = {
            "foreground_iou": _of_foreground(found, "iou"),
            "foreground_dice": _of_foreground(found, "dice"),
        }
        return [{**one.as_dict(), **foreground} for one in image.matches]
    whole = {
        "mean_iou": found.mean_iou,
        "mean_dice": found.mean_dice,
        "pixel_accuracy": found.pixel_accuracy,
    }
    return [
        {"class": value, "iou": found.iou[value], "dice": found.dice[value], **whole}
        for value in found.iou
    ]


def _of_foreground(found: Overlap, what: str) -> float:
    value: float = getattr(found, what)[1]
    return 1.0 if np.isnan(value) else value  # no object in either of the two
