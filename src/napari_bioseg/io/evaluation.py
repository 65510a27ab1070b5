"""Figures of a comparison with the truth as files: tables, pictures, charts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_bioseg.measure import (
    MEAN,
    POOLED,
    SCORES,
    Association,
    Scored,
    average_precision,
    pool,
    pool_overlaps,
    table_of_all,
    table_per_image,
)
from napari_bioseg.measure.scores import IOU_RANGE

from .charts import write_lines
from .tables import write_table
from .write import replacing, write_labels

if TYPE_CHECKING:
    import pandas as pd

METRICS = "metrics.csv"
PER_IMAGE = "metrics_per_image.csv"
AS_JSON = "metrics.json"
CONFUSION = "confusion.csv"
CHART = "charts/scores.png"
ASSOCIATIONS = "associations"

_DRAWN = ("precision", "recall", "f1", "accuracy", "panoptic_quality")


def score_files(folder: str | Path, *, semantic: bool, thresholds: int) -> list[Path]:
    """Return the files that `write_scores` writes.

    Parameters
    ----------
    folder : str or Path
        Folder of results.
    semantic : bool
        Whether classes are compared instead of objects.
    thresholds : int
        At how many overlaps objects are matched.

    Returns
    -------
    list of Path
    """
    names = [METRICS, PER_IMAGE, AS_JSON]
    if semantic:
        names.append(CONFUSION)
    elif thresholds > 1:
        names.append(CHART)
    return [Path(folder) / name for name in names]


def write_scores(folder: str | Path, images: Sequence[Scored]) -> list[Path]:
    """Write the figures of all images.

    Parameters
    ----------
    folder : str or Path
        Folder of results; created if needed, and files of the same name replaced.
    images : sequence of Scored
        From `napari_bioseg.measure.score`.

    Returns
    -------
    list of Path
        ``metrics.csv`` with the figures over all images, joined in both ways;
        ``metrics_per_image.csv``; ``metrics.json`` with both; ``confusion.csv`` of
        classes; ``charts/scores.png`` of objects matched at several overlaps.

    Raises
    ------
    ValueError
        If there are no images.
    """
    folder = Path(folder)
    over, each = table_of_all(images), table_per_image(images)
    write_table(folder / METRICS, over)
    write_table(folder / PER_IMAGE, each)
    summary: dict[str, Any] = {"over": _records(over), "images": _records(each)}
    if images[0].matches:
        precision = _average_precision(images)
        if precision is not None:
            summary["average_precision"] = precision
    with replacing(folder / AS_JSON) as part:
        part.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    thresholds = len(images[0].matches)
    if not thresholds:
        write_table(folder / CONFUSION, _confusion(images))
    elif thresholds > 1:
        _chart(folder / CHART, over)
    return score_files(folder, semantic=not thresholds, thresholds=thresholds)


def write_association(
    folder: str | Path,
    name: str,
    truth: NDArray[Any],
    predicted: NDArray[Any],
    association: Association,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
) -> list[Path]:
    """Write what became of every object of one image.

    Parameters
    ----------
    folder : str or Path
        Folder of results.
    name : str
        Name of the image.
    truth, predicted : ndarray of int
        The labels.
    association : Association
        From `napari_bioseg.measure.associate`.
    spacing : tuple of float, optional
        Size of a pixel per axis.
    unit : str
        Unit of the spacing.

    Returns
    -------
    list of Path
        In ``associations``: ``<name>.tif`` with 1 found, 2 missed, 3 invented, and the
        tables ``<name>_truth.csv``, ``<name>_predicted.csv``, ``<name>_mistakes.csv``.
    """
    paths = association_files(folder, [name])
    picture = association.picture(truth, predicted)
    write_labels(paths[0], picture, spacing=spacing, unit=unit)
    tables = (association.truth, association.predicted, association.mistakes)
    for path, table in zip(paths[1:], tables, strict=True):
        write_table(path, table)
    return paths


def association_files(folder: str | Path, names: Iterable[str]) -> list[Path]:
    """Return the files that `write_association` writes.

    Parameters
    ----------
    folder : str or Path
        Folder of results.
    names : iterable of str
        Names of the images.

    Returns
    -------
    list of Path
    """
    ends = (".tif", "_truth.csv", "_predicted.csv", "_mistakes.csv")
    place = Path(folder) / ASSOCIATIONS
    return [place / f"{name}{end}" for name in names for end in ends]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON holds them: no number is null, not NaN."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return rows


def _average_precision(images: Sequence[Scored]) -> dict[str, float] | None:
    """Average over 0.5…0.95 in both ways, if objects were matched there."""
    chosen = [
        [one for one in image.matches if round(one.threshold, 6) in IOU_RANGE]
        for image in images
    ]
    if any(len(matches) != len(IOU_RANGE) for matches in chosen):
        return None
    each = [average_precision(matches) for matches in chosen]
    return {POOLED: average_precision(pool(chosen)), MEAN: sum(each) / len(each)}


def _confusion(images: Sequence[Scored]) -> pd.DataFrame:
    import pandas as pd

    total = pool_overlaps([image.overlap for image in images])
    names = [f"predicted {value}" for value in total.values]
    table = pd.DataFrame(total.confusion, columns=names)
    table.insert(0, "true class", list(total.values))
    return table


def _chart(path: Path, over: pd.DataFrame) -> None:
    pooled = over[over["over"] == POOLED].sort_values("threshold")
    curves = {
        name.replace("_", " "): pooled[name].tolist()
        for name in SCORES
        if name in _DRAWN
    }
    write_lines(
        path,
        pooled["threshold"].tolist(),
        curves,
        title=f"Scores by overlap, {POOLED}",
        x_name="intersection over union that counts",
    )
