"""Measurements of objects as files: tables per image and of all, charts of sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.measure import properties, remove_by_properties
from napari_bioseg.settings import Condition

from .charts import write_histogram
from .tables import write_table

if TYPE_CHECKING:
    import pandas as pd

MEASUREMENTS = "measurements"
ALL = "measurements.csv"
CHARTS = "charts"


def measurement_files(folder: str | Path, names: Iterable[str]) -> list[Path]:
    """Return the files that `write_measurements` writes.

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
    place = Path(folder)
    each = [place / MEASUREMENTS / f"{name}.csv" for name in names]
    return [*each, place / ALL, place / CHARTS / "sizes.png"]


def measured(
    labels: NDArray[Any],
    *,
    spacing: Sequence[float] | None = None,
    image: NDArray[Any] | None = None,
    classes: NDArray[Any] | Mapping[int, int] | None = None,
    groups: Sequence[Sequence[Condition]] = (),
    frames: bool = False,
) -> tuple[NDArray[Any], pd.DataFrame]:
    """Measure labels, and take objects out by conditions.

    Parameters
    ----------
    labels : ndarray of int, shape ([T,] [Z,] Y, X)
        Object numbers.
    spacing : sequence of float, optional
        Size of a pixel per axis of space.
    image : ndarray, shape ([C,] [T,] [Z,] Y, X), optional
        Brightness.
    classes : ndarray of int or mapping, optional
        As for `napari_bioseg.measure.properties`.
    groups : sequence of sequence of Condition
        As for `napari_bioseg.measure.remove_by_properties`.
    frames : bool
        Whether the first axis is time: each time point is then measured on its own.

    Returns
    -------
    labels : ndarray
        Without the objects removed.
    table : pandas.DataFrame
        The measurements; with ``frame`` first if there is time, and with ``comment``
        and ``conditions`` if there are conditions.

    Raises
    ------
    ValueError
        As for the two functions.
    """
    import pandas as pd

    if frames:
        parts = []
        kept = np.empty_like(labels)
        for frame, plane in enumerate(labels):
            under = None if image is None else _frame(image, labels.ndim, frame)
            of_frame = classes[frame] if isinstance(classes, np.ndarray) else classes
            kept[frame], table = measured(
                plane, spacing=spacing, image=under, classes=of_frame, groups=groups
            )
            table.insert(0, "frame", frame)
            parts.append(table)
        return kept, pd.concat(parts, ignore_index=True)
    table = properties(labels, spacing=spacing, image=image, classes=classes)
    if not groups:
        return labels, table
    return remove_by_properties(labels, groups, table=table)


def write_measurements(
    folder: str | Path, tables: Mapping[str, pd.DataFrame], *, unit: str = ""
) -> list[Path]:
    """Write the measurements of all images.

    Parameters
    ----------
    folder : str or Path
        Folder of results; created if needed, and files of the same name replaced.
    tables : mapping of str to pandas.DataFrame
        From `measured`, by name of the image.
    unit : str
        Unit of the pixel size, for the chart.

    Returns
    -------
    list of Path
        ``measurements/<name>.csv`` of each image, ``measurements.csv`` of all with the
        column ``image`` first, ``charts/sizes.png`` with the sizes of the objects that
        stay.
    """
    import pandas as pd

    paths = measurement_files(folder, tables)
    for path, table in zip(paths, tables.values(), strict=False):
        write_table(path, table)
    named = [table.assign(image=name) for name, table in tables.items()]
    everything = pd.concat(named, ignore_index=True) if named else pd.DataFrame()
    first = ["image", *(name for name in everything.columns if name != "image")]
    write_table(paths[-2], everything.reindex(columns=first))
    stays = everything
    if "comment" in everything:
        stays = everything[everything["comment"] == "Correct"]
    volumes = "volume" in everything
    size = stays["volume" if volumes else "area"] if len(everything.columns) else ()
    write_histogram(
        paths[-1],
        list(size),
        title="Volumes of the objects" if volumes else "Areas of the objects",
        x_name=f"{unit or 'px'}{'^3' if volumes else '^2'}",
    )
    return paths


def _frame(image: NDArray[Any], axes: int, frame: int) -> NDArray[Any]:
    """Return one time point of an image with or without channels."""
    picked: NDArray[Any] = image[frame] if image.ndim == axes else image[:, frame]
    return picked
