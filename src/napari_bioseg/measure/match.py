"""Which predicted instances are right: one-to-one matching by overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shared_pixels import shared_pixels


@dataclass(frozen=True)
class Match:
    """How well two sets of instances agree at one threshold.

    Parameters
    ----------
    threshold : float
        Smallest intersection over union of a pair that counts.
    tp, fp, fn : int
        Instances found, invented and missed.
    score : float
        Sum of the intersections over union of the pairs found.
    pairs : tuple
        One ``(true id, predicted id, intersection over union)`` per instance found;
        empty when pooled.
    """

    threshold: float
    tp: int
    fp: int
    fn: int
    score: float
    pairs: tuple[tuple[int, int, float], ...] = field(default=(), repr=False)

    @property
    def n_true(self) -> int:
        """Number of true instances."""
        return self.tp + self.fn

    @property
    def n_predicted(self) -> int:
        """Number of predicted instances."""
        return self.tp + self.fp

    @property
    def precision(self) -> float:
        """Share of the predicted instances that are right."""
        return self._share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the true instances that were found."""
        return self._share(self.tp, self.tp + self.fn)

    @property
    def accuracy(self) -> float:
        """``tp / (tp + fp + fn)``, which others call average precision."""
        return self._share(self.tp, self.tp + self.fp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return self._share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def panoptic_quality(self) -> float:
        """F1 times the mean overlap of the pairs."""
        return self._share(self.score, self.tp + self.fp / 2 + self.fn / 2)

    @property
    def mean_matched_score(self) -> float:
        """Mean overlap of the pairs."""
        return self._share(self.score, self.tp)

    @property
    def mean_true_score(self) -> float:
        """Mean overlap of the true instances; 0 for those missed."""
        return self._share(self.score, self.tp + self.fn)

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name, one row of a table.

        Returns
        -------
        dict
        """
        names = (
            "threshold",
            "tp",
            "fp",
            "fn",
            "precision",
            "recall",
            "accuracy",
            "f1",
            "panoptic_quality",
            "mean_matched_score",
            "mean_true_score",
        )
        return {name: getattr(self, name) for name in names}

    def _share(self, part: float, whole: float) -> float:
        if whole:
            return part / whole
        return float(not (self.tp or self.fp or self.fn))


def match(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    iou: float | Sequence[float] = (0.3, 0.5, 0.75),
) -> list[Match]:
    """Match predicted to true instances at several overlaps.

    Parameters
    ----------
    truth, predicted : ndarray
        Integer labels of one shape; 0 is background.
    iou : float or sequence of float
        Thresholds of the intersection over union, above 0 up to 1.

    Returns
    -------
    list of Match
        One per threshold. Two images without instances agree fully: all scores are 1.

    Raises
    ------
    ValueError
        If the shapes differ, the labels are not integers from 0 up, or a threshold is
        out of range.

    Notes
    -----
    At each threshold the pairs that overlap enough are matched one to one so that as
    many as possible are found and, among these, the summed overlap is largest [1]_.
    Only objects that overlap are ever compared, so 100,000 objects need no table of
    10¹⁰ entries.

    References
    ----------
    .. [1] H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research
       Logistics 2 (1955) 83-97, :doi:`10.1002/nav.3800020109`

    Examples
    --------
    >>> import numpy as np
    >>> found = match(np.array([[1, 1, 0, 2]]), np.array([[7, 0, 0, 9]]), iou=0.6)
    >>> found[0].tp, found[0].fp, found[0].fn, found[0].f1
    (1, 1, 1, 0.5)
    """
    truth, predicted = check_pair(truth, predicted)
    thresholds = np.atleast_1d(np.asarray(iou, float))
    for threshold in thresholds:
        if not 0 < threshold <= 1:
            raise ValueError(
                f"an overlap threshold is above 0 up to 1, not {threshold}"
            )
    true_ids, predicted_ids, shared = shared_pixels(truth, predicted)
    true_names, true_index, true_sizes = _sizes(true_ids, shared)
    names, index, sizes = _sizes(predicted_ids, shared)
    both = (true_ids > 0) & (predicted_ids > 0)
    rows, columns, common = true_index[both], index[both], shared[both]
    overlap = common / (true_sizes[rows] + sizes[columns] - common)
    n_true, n_predicted = (int((ids > 0).sum()) for ids in (true_names, names))
    found = []
    for threshold in thresholds:
        enough = overlap >= threshold
        chosen = np.flatnonzero(enough)[
            _assign(rows[enough], columns[enough], overlap[enough])
        ]
        pairs = tuple(
            zip(
                true_names[rows[chosen]].tolist(),
                names[columns[chosen]].tolist(),
                overlap[chosen].tolist(),
                strict=True,
            )
        )
        tp = len(pairs)
        found.append(
            Match(
                float(threshold),
                tp,
                n_predicted - tp,
                n_true - tp,
                float(overlap[chosen].sum()),
                pairs,
            )
        )
    return found


def pool(matches: Iterable[Sequence[Match]]) -> list[Match]:
    """Add up the matches of several images, as if they were one.

    Parameters
    ----------
    matches : iterable of sequence of Match
        What `match` returned for each image, with the same thresholds.

    Returns
    -------
    list of Match
        One per threshold. Large images count for more than small ones; average the
        scores of the single images for the other convention.

    Raises
    ------
    ValueError
        If there are no images or their thresholds differ.

    Examples
    --------
    >>> pool([[Match(0.5, 3, 0, 1, 2.5)], [Match(0.5, 1, 1, 0, 0.7)]])[0]
    Match(threshold=0.5, tp=4, fp=1, fn=1, score=3.2)
    """
    images = [list(image) for image in matches]
    if not images:
        raise ValueError("there is nothing to pool: give the matches of an image")
    wanted = [found.threshold for found in images[0]]
    for image in images[1:]:
        thresholds = [found.threshold for found in image]
        if thresholds != wanted:
            raise ValueError(
                f"images matched at {thresholds} and at {wanted} cannot be pooled; "
                "match all with the same thresholds"
            )
    return [
        Match(
            column[0].threshold,
            sum(found.tp for found in column),
            sum(found.fp for found in column),
            sum(found.fn for found in column),
            sum(found.score for found in column),
        )
        for column in zip(*images, strict=True)
    ]


def check_pair(truth: object, predicted: object) -> tuple[NDArray[Any], NDArray[Any]]:
    """Refuse two label images that cannot be compared.

    Parameters
    ----------
    truth, predicted : array
        Integer labels of one shape.

    Returns
    -------
    truth, predicted : ndarray

    Raises
    ------
    ValueError
        If the shapes differ or the labels are not integers from 0 up.
    """
    arrays = []
    for name, given in (("true", truth), ("predicted", predicted)):
        array = np.asarray(given)
        if array.dtype.kind not in "iu":
            raise ValueError(
                f"{name} labels are {array.dtype}, they must be integers; "
                "convert them, e.g. with labels.astype('int32')"
            )
        if array.min(initial=0) < 0:
            raise ValueError(f"{name} labels go down to {array.min()}, below 0")
        arrays.append(array)
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(
            f"predicted labels (shape {arrays[1].shape}) must have the shape of the "
            f"true labels (shape {arrays[0].shape})"
        )
    return arrays[0], arrays[1]


def _sizes(
    ids: NDArray[np.int64], shared: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the different ids, each entry's place among them, and their pixels."""
    names, index = np.unique(ids, return_inverse=True)
    sizes = np.bincount(index, shared, len(names)).astype(np.int64)
    return names, index, sizes


def _assign(
    rows: NDArray[np.int64], columns: NDArray[np.int64], overlap: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Choose entries, one per row and column: as many, and as large, as possible."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if rows.size == 0:
        return np.zeros(0, np.int64)
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    chosen = [np.flatnonzero(alone)]
    rest = np.flatnonzero(~alone)
    if rest.size:
        offset = int(rows.max()) + 1
        size = offset + int(columns.max()) + 1
        ends = (rows[rest], columns[rest] + offset)
        graph = coo_array((np.ones(rest.size), ends), (size, size))
        group = connected_components(graph, directed=False)[1][rows[rest]]
        order = np.argsort(group, kind="stable")
        cuts = np.flatnonzero(np.diff(group[order])) + 1
        chosen += [
            entries[_assign_dense(rows[entries], columns[entries], overlap[entries])]
            for entries in np.split(rest[order], cuts)
        ]
    return np.sort(np.concatenate(chosen))


def _assign_dense(
    rows: NDArray[np.int64], columns: NDArray[np.int64], overlap: NDArray[np.float64]
) -> NDArray[np.int64]:
    from scipy.optimize import linear_sum_assignment

    _, row = np.unique(rows, return_inverse=True)
    _, column = np.unique(columns, return_inverse=True)
    shape = (row.max() + 1, column.max() + 1)
    entry = np.full(shape, -1, np.int64)
    entry[row, column] = np.arange(row.size)
    gain = np.zeros(shape)
    # one more pair outweighs any gain of overlap
    gain[row, column] = 1 + overlap / (2 * min(shape))
    taken: NDArray[np.int64] = entry[linear_sum_assignment(gain, maximize=True)]
    return taken[taken >= 0]
