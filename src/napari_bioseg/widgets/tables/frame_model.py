"""A data frame as a Qt model: nothing is copied, sorting is one argsort."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

if TYPE_CHECKING:
    import pandas as pd

_NONE = QModelIndex()


class FrameModel(QAbstractTableModel):
    """Shows columns of a data frame in any order of its rows.

    Parameters
    ----------
    columns : mapping of str to (str, str)
        Column of the frame -> (heading, sentence of help); others are not shown. All
        are where it is empty.
    text : callable, optional
        Writes a value, given its column and itself.
    """

    def __init__(
        self,
        columns: Mapping[str, tuple[str, str]],
        text: Callable[[str, Any], str] | None = None,
    ) -> None:
        super().__init__()
        self._all = dict(columns)
        self._text = text or write
        self._frame: pd.DataFrame | None = None
        self._names: list[str] = []
        self._values: list[Any] = []
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sorted: tuple[str, bool] | None = None

    @property
    def frame(self) -> pd.DataFrame | None:
        """The data frame."""
        return self._frame

    def set_frame(self, frame: pd.DataFrame | None) -> None:
        """Show another data frame, sorted as the one before.

        Parameters
        ----------
        frame : pandas.DataFrame or None
            What to show.
        """
        self.beginResetModel()
        self._frame = frame
        held: Sequence[str] = [] if frame is None else list(frame.columns)
        self._names = [name for name in (self._all or held) if name in held]
        self._values = [] if frame is None else [frame[n].array for n in self._names]
        self._order = np.arange(0 if frame is None else len(frame))
        if self._sorted is not None and self._sorted[0] in self._names:
            self._order = self._order_by(*self._sorted)
        self.endResetModel()

    def place(self, row: int) -> int:
        """Return which row of the data frame a row of the table is.

        Parameters
        ----------
        row : int
            Row as shown.

        Returns
        -------
        int
        """
        return int(self._order[row])

    def row_of(self, place: int) -> int:
        """Return where a row of the data frame is shown.

        Parameters
        ----------
        place : int
            Row of the data frame.

        Returns
        -------
        int
            -1 if it is nowhere.
        """
        found = np.flatnonzero(self._order == place)
        return int(found[0]) if len(found) else -1

    # ---- Qt ----

    def rowCount(self, parent: QModelIndex = _NONE) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex = _NONE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._names)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            value = self._values[index.column()][self._order[index.row()]]
            return self._text(self._names[index.column()], value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            number = getattr(self._values[index.column()].dtype, "kind", "O") in "iuf"
            side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the heading of a column, or its help."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._names):
            return None
        name = self._names[section]
        heading, tip = self._all.get(name, (name, name))
        if role == Qt.ItemDataRole.DisplayRole:
            return heading
        return tip if role == Qt.ItemDataRole.ToolTipRole else None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort by a column; values that are missing come last."""
        if not 0 <= column < len(self._names):
            return
        self.layoutAboutToBeChanged.emit()
        self._sorted = (self._names[column], order == Qt.SortOrder.DescendingOrder)
        before = self._order
        self._order = self._order_by(*self._sorted)
        rows = np.empty_like(self._order)
        rows[self._order] = np.arange(len(rows))
        old = self.persistentIndexList()
        new = [self.index(int(rows[before[i.row()]]), i.column()) for i in old]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _order_by(self, name: str, falling: bool) -> NDArray[np.int64]:
        values = np.asarray(self._values[self._names.index(name)])
        if values.dtype.kind not in "iufb":
            values = np.array([str(value) for value in values])
            _, values = np.unique(values, return_inverse=True)
        values = values.astype(float)
        missing = np.isnan(values)
        keyed = np.where(missing, np.inf, -values if falling else values)
        return np.asarray(np.argsort(keyed, kind="stable"), np.int64)


def write(_: str, value: Any) -> str:
    """Write a value in few characters.

    Parameters
    ----------
    value
        A number or a text; numbers that are missing are not written.

    Returns
    -------
    str

    Examples
    --------
    >>> write("", 3.14159), write("", 12_500.0), write("", float("nan")), write("", 7)
    ('3.142', '12,500', '–', '7')
    """
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return "–"
        whole = 1000 <= abs(number) < 1e9
        return f"{number:,.0f}" if whole else f"{number:.4g}"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}" if abs(int(value)) >= 10_000 else str(value)
    if isinstance(value, tuple | list):
        return ", ".join(str(v) for v in value)
    return str(value)
