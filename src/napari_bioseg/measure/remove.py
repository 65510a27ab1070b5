"""Take objects out by what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Condition

from .properties import properties

if TYPE_CHECKING:
    import pandas as pd

_COMPARE = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def remove_by_properties(
    labels: NDArray[Any],
    groups: Iterable[Sequence[Condition]],
    *,
    spacing: Sequence[float] | None = None,
    table: pd.DataFrame | None = None,
    image: NDArray[Any] | None = None,
    classes: NDArray[Any] | None = None,
) -> tuple[NDArray[Any], pd.DataFrame]:
    """Remove the objects that meet all conditions of any group.

    Parameters
    ----------
    labels : ndarray of int, shape ([Z,] Y, X)
        Object numbers, 0 for background; not changed.
    groups : iterable of sequence of Condition
        Within a group all conditions must hold. An empty group removes nothing.
    spacing : sequence of float, optional
        Size of a pixel per axis; 1 by default.
    table : pandas.DataFrame, optional
        From `properties`, if measured already.
    image, classes : ndarray, optional
        As for `properties`, if conditions are about them.

    Returns
    -------
    labels : ndarray
        A copy; objects keep their numbers.
    table : pandas.DataFrame
        The measurements, with ``comment`` (``Removed`` or ``Correct``) and
        ``conditions`` (the numbers of the groups that hold, from 1 up).

    Raises
    ------
    ValueError
        If a condition is about something that was not measured, or the table is not
        about these labels.

    Notes
    -----
    A measurement that is not defined (NaN) meets no condition.

    Examples
    --------
    >>> from napari_bioseg.settings import Condition
    >>> few = Condition(property="npixels", comparison="lt", value=2)
    >>> kept, table = remove_by_properties(np.array([[1, 1, 0, 2]]), [[few]])
    >>> kept.tolist(), table["comment"].tolist()
    ([[1, 1, 0, 0]], ['Correct', 'Removed'])
    """
    if table is None:
        table = properties(labels, spacing=spacing, image=image, classes=classes)
    else:
        check_table(labels, table)
    table = commented(table, groups)
    gone = table["label"].to_numpy()[(table["comment"] == "Removed").to_numpy()]
    if not len(gone):
        return labels.copy(), table
    return np.where(_among(labels, gone), labels.dtype.type(0), labels), table


def commented(
    table: pd.DataFrame,
    groups: Iterable[Sequence[Condition]],
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Write into a table which objects go, and why.

    Parameters
    ----------
    table : pandas.DataFrame
        From `properties`; not changed.
    groups : iterable of sequence of Condition
        The conditions.
    names : sequence of str, optional
        What to write for each group that holds, several joined by *or*; by default its
        number from 1 up, several with a space between.

    Returns
    -------
    pandas.DataFrame
        With ``comment`` (``Removed`` or ``Correct``) and ``conditions`` (the groups
        that hold).

    Raises
    ------
    ValueError
        If a condition is about something that was not measured.
    """
    held = meets(table, groups)
    joint = " " if names is None else " or "
    if names is None:
        names = [str(number + 1) for number in range(held.shape[1])]
    met = [
        joint.join(names[group] for group in np.flatnonzero(row).tolist())
        for row in held
    ]
    comment = np.where(held.any(axis=1), "Removed", "Correct")
    return table.assign(comment=comment, conditions=met)


def meets(
    table: pd.DataFrame, groups: Iterable[Sequence[Condition]]
) -> NDArray[np.bool_]:
    """Say which objects meet all conditions of which group.

    Parameters
    ----------
    table : pandas.DataFrame
        From `properties`.
    groups : iterable of sequence of Condition
        The conditions.

    Returns
    -------
    ndarray of bool, shape (objects, groups)

    Raises
    ------
    ValueError
        If a condition is about something that was not measured.
    """
    columns = []
    for group in groups:
        held = np.full(len(table), bool(group))
        for condition in group:
            values = table[_column(table, condition)].to_numpy(float)
            held &= _COMPARE[condition.comparison](values, condition.value)
        columns.append(held)
    return np.column_stack(columns) if columns else np.zeros((len(table), 0), bool)


def check_table(labels: NDArray[Any], table: pd.DataFrame) -> None:
    """Refuse a table that is about other labels.

    Parameters
    ----------
    labels : ndarray of int
        Object numbers.
    table : pandas.DataFrame
        From `properties`.

    Raises
    ------
    ValueError
        Naming an object that only one of the two has, or whose size differs.
    """
    from .numbering import dense_labels

    if not {"label", "npixels"} <= set(table.columns):
        raise ValueError(
            "the table has no columns 'label' and 'npixels'; measure the labels first"
        )
    dense, numbers = dense_labels(labels)
    counts = np.bincount(dense.ravel())
    objects = np.flatnonzero(counts[1:]) + 1
    names = objects if numbers is None else numbers[objects]
    now = dict(zip(names.tolist(), counts[objects].tolist(), strict=True))
    then = dict(zip(table["label"].tolist(), table["npixels"].tolist(), strict=True))
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name):
            raise ValueError(
                f"the table does not fit the labels any more: object {name} has "
                f"{then.get(name, 0)} pixels in the table and {now.get(name, 0)} in "
                "the labels; measure again"
            )


def _column(table: pd.DataFrame, condition: Condition) -> str:
    name = condition.property
    numbered = f"{name}-{condition.channel}"
    if numbered in table.columns:
        return numbered
    if name in table.columns and condition.channel == 0:
        return name
    if name in table.columns:
        raise ValueError(f"there is one channel only, so nothing is {numbered}")
    twins = {
        "area": "volume",
        "perimeter": "surface_area",
        "circularity": "sphericity",
    }
    twins |= {there: here for here, there in twins.items()}
    if twins.get(name) in table.columns:
        axes = "2-D" if name in ("area", "perimeter", "circularity") else "3-D"
        raise ValueError(
            f"{name} is measured of {axes} labels only; here there is {twins[name]}"
        )
    if name.endswith("_intensity"):
        raise ValueError(f"{name} needs an image; give the one that was segmented")
    known = [c for c in table.columns if not c.startswith(("label", "bbox", "axis"))]
    raise ValueError(f"{name} was not measured; there are {', '.join(known)}")


def _among(labels: NDArray[Any], names: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which pixels have one of some numbers."""
    top = int(labels.max())
    if top > 2 * labels.size:
        return np.isin(labels, names)
    chosen = np.zeros(top + 1, bool)
    chosen[names] = True
    return np.asarray(chosen[labels])
