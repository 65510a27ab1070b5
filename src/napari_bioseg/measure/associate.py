"""Which object went wrong, and how: missed, invented, merged, split."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .match import Match, check_pair, match
from .shared_pixels import shared_pixels

if TYPE_CHECKING:
    import pandas as pd

TRUE_POSITIVE, FALSE_NEGATIVE, FALSE_POSITIVE = 1, 2, 3
"""What the pixels of `Association.picture` mean."""

COLORS = {
    TRUE_POSITIVE: (0, 255, 0),
    FALSE_NEGATIVE: (255, 0, 0),
    FALSE_POSITIVE: (0, 0, 255),
}
"""Red, green and blue of `Association.picture`: found green, missed red, invented
blue."""


@dataclass(frozen=True, eq=False)
class Association:
    """What became of every object, at one overlap.

    Parameters
    ----------
    match : Match
        The figures, and the pairs with their overlap.
    truth : pandas.DataFrame
        One row per true object: ``label``, ``kind`` (``TP`` found or ``FN`` missed),
        ``predicted`` (its partner; if missed, the object that overlaps it most, or 0),
        ``iou`` with that object, ``split`` (whether several predicted objects lie in
        it) and ``parts`` (their numbers).
    predicted : pandas.DataFrame
        One row per predicted object: ``label``, ``kind`` (``TP`` right or ``FP``
        invented), ``truth``, ``iou``, ``merged`` (whether it joins several true
        objects) and ``parts`` (their numbers).
    """

    match: Match
    truth: pd.DataFrame
    predicted: pd.DataFrame

    @property
    def mistakes(self) -> pd.DataFrame:
        """All that went wrong, one row each, for a list to go through.

        Columns: ``kind`` (``missed``, ``invented``, ``merged``, ``split``), ``truth``
        and ``predicted`` (tuples of object numbers), ``iou`` (of the best pair). A
        merged or split object is one mistake, whatever else it or its parts are; the
        parts are not listed again.
        """
        import pandas as pd

        rows: list[tuple[str, tuple[int, ...], tuple[int, ...], float]] = []
        true_parts: set[int] = set()
        predicted_parts: set[int] = set()
        for row in _rows_of(self.predicted[self.predicted["merged"]]):
            rows.append(("merged", row["parts"], (row["label"],), row["iou"]))
            true_parts.update(row["parts"])
            predicted_parts.add(row["label"])
        for row in _rows_of(self.truth[self.truth["split"]]):
            rows.append(("split", (row["label"],), row["parts"], row["iou"]))
            predicted_parts.update(row["parts"])
            true_parts.add(row["label"])
        for row in _rows_of(self.truth[self.truth["kind"] == "FN"]):
            if row["label"] not in true_parts:
                near = (row["predicted"],) if row["predicted"] else ()
                rows.append(("missed", (row["label"],), near, row["iou"]))
        for row in _rows_of(self.predicted[self.predicted["kind"] == "FP"]):
            if row["label"] not in predicted_parts:
                near = (row["truth"],) if row["truth"] else ()
                rows.append(("invented", near, (row["label"],), row["iou"]))
        return pd.DataFrame(rows, columns=["kind", "truth", "predicted", "iou"])

    def picture(
        self, truth: NDArray[Any], predicted: NDArray[Any]
    ) -> NDArray[np.uint8]:
        """Draw what was found, missed and invented.

        Parameters
        ----------
        truth, predicted : ndarray of int
            The labels that were associated.

        Returns
        -------
        ndarray of uint8
            Same shape: 2 in true objects that were missed; elsewhere 1 in predicted
            objects that are right and 3 in those that are wrong. `COLORS` has the
            usual colours.
        """
        right = self.predicted["kind"] == "TP"
        out = np.zeros(truth.shape, np.uint8)
        wrong = self.predicted.loc[~right, "label"].to_numpy()
        missed = self.truth.loc[self.truth["kind"] == "FN", "label"].to_numpy()
        hits = self.predicted.loc[right, "label"].to_numpy()
        out[np.isin(predicted, wrong)] = FALSE_POSITIVE
        out[np.isin(predicted, hits)] = TRUE_POSITIVE
        out[np.isin(truth, missed)] = FALSE_NEGATIVE
        return out


def associate(
    truth: NDArray[Any], predicted: NDArray[Any], iou: float = 0.5
) -> Association:
    """Find out what became of every true and every predicted object.

    Parameters
    ----------
    truth, predicted : ndarray
        Integer labels of one shape; 0 is background.
    iou : float
        Smallest intersection over union of a pair that counts, above 0 up to 1.

    Returns
    -------
    Association

    Raises
    ------
    ValueError
        If the shapes differ, the labels are not integers from 0 up, or the threshold
        is out of range.

    Notes
    -----
    Pairs are those of `match`. A predicted object is *merged* if at least half of each
    of two or more true objects lies in it; a true object is *split* if at least half
    of each of two or more predicted objects lies in it.

    Examples
    --------
    >>> truth, predicted = np.array([1, 1, 2, 2, 0, 3]), np.array([5, 5, 5, 5, 0, 0])
    >>> associate(truth, predicted, 0.6).mistakes["kind"].tolist()
    ['merged', 'missed']
    """
    truth, predicted = check_pair(truth, predicted)
    found = match(truth, predicted, iou)[0]
    ids, others, pixels = shared_pixels(truth, predicted)
    partners = {a: (b, overlap) for a, b, overlap in found.pairs}
    backwards = {b: (a, overlap) for a, b, overlap in found.pairs}
    table = _Overlaps(ids, others, pixels)
    turned = _Overlaps(others, ids, pixels)
    return Association(
        found,
        _rows(table, partners, ("FN", "predicted", "split")),
        _rows(turned, backwards, ("FP", "truth", "merged")),
    )


def _rows_of(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.to_dict("records")


class _Overlaps:
    """Pairs of objects that share pixels, seen from the first of each."""

    def __init__(
        self,
        ids: NDArray[np.int64],
        others: NDArray[np.int64],
        pixels: NDArray[np.int64],
    ) -> None:
        names, index = np.unique(ids, return_inverse=True)
        sizes = np.bincount(index, pixels, len(names))
        other_names, other_index = np.unique(others, return_inverse=True)
        other_sizes = np.bincount(other_index, pixels, len(other_names))
        self.names = names[names > 0]
        both = (ids > 0) & (others > 0)
        common = pixels[both]
        self.ids, self.others = ids[both], others[both]
        whole = other_sizes[other_index[both]]
        self.iou = common / (sizes[index[both]] + whole - common)
        self.inside = common / whole
        """Share of the other object that lies in this one."""


def _rows(
    table: _Overlaps,
    partners: dict[int, tuple[int, float]],
    words: tuple[str, str, str],
) -> pd.DataFrame:
    import pandas as pd

    wrong, partner, several = words
    order = np.lexsort((table.iou, table.ids))
    last = order[np.flatnonzero(np.diff(table.ids[order], append=-1))]
    best = zip(
        table.ids[last].tolist(),
        zip(table.others[last].tolist(), table.iou[last].tolist(), strict=True),
        strict=True,
    )
    nearest = {**dict(best), **partners}
    parts: dict[int, list[int]] = {}
    held = np.flatnonzero(table.inside >= 0.5)
    for name, other in zip(
        table.ids[held].tolist(), table.others[held].tolist(), strict=True
    ):
        parts.setdefault(name, []).append(other)
    names = table.names.tolist()
    pairs = [nearest.get(name, (0, 0.0)) for name in names]
    inner = [tuple(parts.get(name, ())) for name in names]
    inner = [held if len(held) > 1 else () for held in inner]
    return pd.DataFrame(
        {
            "label": table.names,
            "kind": ["TP" if name in partners else wrong for name in names],
            partner: np.array([pair[0] for pair in pairs], np.int64),
            "iou": np.array([pair[1] for pair in pairs], float),
            several: np.array([len(held) > 1 for held in inner], bool),
            "parts": pd.Series(inner, dtype=object),
        }
    )
