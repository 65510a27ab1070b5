"""Classes of objects on disk: beside the labels they belong to."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels import class_labels
from napari_bioseg.counted import counted

from .images import read_image, read_labels
from .results import Format, check_free, class_paths
from .write import replacing, write_labels


def read_two_channel_mask(
    path: str | Path, *, axes: str | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Read a mask whose first channel holds objects and whose second their classes.

    Parameters
    ----------
    path : str or Path
        The file.
    axes : str, optional
        One letter per stored axis.

    Returns
    -------
    labels, classes : ndarray of int32, ([Z,] Y, X)

    Raises
    ------
    ValueError
        If it cannot be read, has other than two channels, or holds fractions or
        negative numbers.
    """
    array = np.asarray(read_image(path, axes=axes))
    if array.shape[0] != 2:
        raise ValueError(
            f"{path} has {counted(array.shape[0], 'channel')} "
            f"(shape {array.shape}, channel axis "
            "first); a mask with classes has two: objects, then their classes"
        )
    if (array != np.rint(array)).any() or array.min() < 0:
        raise ValueError(
            f"{path} holds fractions or negative numbers; objects and classes are "
            "whole numbers, 0 for background"
        )
    labels, classes = array.astype(np.int32)
    return labels, classes


def read_classes(
    path: str | Path, labels: NDArray[Any], *, axes: str | None = None
) -> NDArray[np.int32]:
    """Read the classes that belong to labels.

    Parameters
    ----------
    path : str or Path
        A label image of classes; or a table (.csv) with the columns ``id`` and
        ``class``.
    labels : ndarray, ([Z,] Y, X)
        The objects.
    axes : str, optional
        One letter per stored axis.

    Returns
    -------
    ndarray of int32, ([Z,] Y, X)

    Raises
    ------
    ValueError
        If the file cannot be read, or a table lacks its columns.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        return read_labels(path, axes=axes)
    return class_labels(labels, read_class_table(path))


def read_class_table(path: str | Path) -> dict[int, int]:
    """Read the class of every object from a table.

    Parameters
    ----------
    path : str or Path
        CSV with the columns ``id`` and ``class``; others are left aside.

    Returns
    -------
    dict of int to int

    Raises
    ------
    ValueError
        If the file is missing, lacks the columns or holds anything but whole numbers.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = list(rows.fieldnames or [])
            if not {"id", "class"} <= set(columns):
                raise ValueError(f"its columns are {', '.join(columns) or 'none'}")
            return {int(row["id"]): int(row["class"]) for row in rows}
    except (OSError, UnicodeDecodeError, TypeError, ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} is no table of classes ({error}); it needs the columns id and "
            "class, whole numbers, one row per object"
        ) from error


def write_object_classes(
    folder: str | Path,
    name: str,
    labels: NDArray[Any],
    classes: Mapping[int, int],
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    format: Format = "tif",
    overwrite: bool = False,
) -> Sequence[Path]:
    """Write the class of every object, as a label image and as a table.

    Parameters
    ----------
    folder : str or Path
        Folder of results.
    name : str
        Name of the image, without its ending.
    labels : ndarray of int, ([Z,] Y, X)
        The objects.
    classes : mapping of int to int
        Class by the object's number.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing.
    format : {"tif", "zarr"}
        Kind of the label image.
    overwrite : bool
        Whether earlier results may be replaced.

    Returns
    -------
    sequence of Path
        ``classes/<name>.tif``, where every object's pixels hold its class, and
        ``classes/<name>.csv`` with the columns ``id`` and ``class``.

    Raises
    ------
    ValueError
        If one of them is there already and ``overwrite`` is off.
    """
    picture, table = paths = class_paths(folder, name, format)
    if not overwrite:
        check_free(paths)
    picture.parent.mkdir(parents=True, exist_ok=True)
    notes = {"version": 1, "role": "classes", "source": name}
    drawn = class_labels(labels, classes)
    write_labels(picture, drawn, spacing=spacing, unit=unit, notes=notes)
    write_class_table(table, classes)
    return paths


def write_class_table(path: Path, classes: Mapping[int, int]) -> None:
    """Write the class of every object as a table alone.

    Parameters
    ----------
    path : Path
        CSV; replaced if it exists. `read_class_table` reads it.
    classes : mapping of int to int
        Class by the object's number.
    """
    with (
        replacing(path) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        rows = csv.writer(file)
        rows.writerow(("id", "class"))
        rows.writerows(sorted(classes.items()))
