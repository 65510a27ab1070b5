"""A sortable table with one object a row, of which one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QItemSelectionModel, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView

from .frame_model import FrameModel

if TYPE_CHECKING:
    import pandas as pd


class ObjectTable(QTableView):
    """Table over a data frame; emits which row the user chose.

    Parameters
    ----------
    columns : mapping of str to (str, str)
        See `FrameModel`.
    text : callable, optional
        See `FrameModel`.
    height : int
        Height in pixels.

    Attributes
    ----------
    chosen : Signal(int)
        Emits the row of the data frame; not when `choose` was called.
    """

    chosen = Signal(int)

    def __init__(
        self,
        columns: Mapping[str, tuple[str, str]],
        text: Callable[[str, Any], str] | None = None,
        height: int = 190,
    ) -> None:
        super().__init__()
        self.rows = FrameModel(columns, text)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        side = self.verticalHeader()
        if side is not None:
            side.setVisible(False)
            side.setDefaultSectionSize(20)
        top = self.horizontalHeader()
        if top is not None:
            top.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
            top.setSortIndicatorShown(True)
            top.setStretchLastSection(True)
            top.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            top.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
            top.sortIndicatorChanged.connect(self.rows.sort)
            top.setSectionsClickable(True)
        self._told = True
        self._listen()

    @property
    def frame(self) -> pd.DataFrame | None:
        """The data frame that is shown."""
        return self.rows.frame

    @frame.setter
    def frame(self, frame: pd.DataFrame | None) -> None:
        fresh = self.rows.columnCount() == 0
        self._told = False
        self.rows.set_frame(frame)
        self._told = True
        if fresh:
            self._fit_columns()

    @property
    def place(self) -> int:
        """The row of the data frame that is chosen; -1 if none is."""
        row = self.currentIndex().row()
        return self.rows.place(row) if 0 <= row < self.rows.rowCount() else -1

    def choose(self, place: int, *, tell: bool = False) -> None:
        """Choose a row and bring it into view.

        Parameters
        ----------
        place : int
            Row of the data frame; -1 chooses none.
        tell : bool
            Whether to emit `chosen`.
        """
        row = self.rows.row_of(place) if place >= 0 else -1
        self._told = tell
        selection = self.selectionModel()
        if row < 0 and selection is not None:
            selection.clear()
        elif selection is not None:
            index = self.rows.index(row, 0)
            flags = QItemSelectionModel.SelectionFlag
            way = flags.ClearAndSelect | flags.Rows | flags.Current
            selection.setCurrentIndex(index, way)
            self.scrollTo(index)
        self._told = True

    def step(self, way: int) -> int:
        """Choose the row after or before the one that is chosen.

        Parameters
        ----------
        way : int
            1 or -1, in the order that is shown.

        Returns
        -------
        int
            The row of the data frame; -1 if the table is empty.
        """
        count = self.rows.rowCount()
        if count == 0:
            return -1
        now = self.currentIndex().row()
        row = 0 if now < 0 else min(max(now + way, 0), count - 1)
        self.choose(self.rows.place(row), tell=True)
        return self.place

    def _listen(self) -> None:
        selection = self.selectionModel()
        if selection is not None:
            selection.currentRowChanged.connect(self._row_changed)

    def _row_changed(self, *_: object) -> None:
        if self._told and self.place >= 0:
            self.chosen.emit(self.place)

    def _fit_columns(self) -> None:
        metrics = self.fontMetrics()
        for column in range(self.rows.columnCount()):
            heading = str(self.rows.headerData(column, Qt.Orientation.Horizontal) or "")
            cells = [
                str(self.rows.data(self.rows.index(row, column)) or "")
                for row in range(min(self.rows.rowCount(), 30))
            ]
            widest = max(
                [
                    metrics.horizontalAdvance(heading) + 26,
                    *(metrics.horizontalAdvance(cell) + 14 for cell in cells),
                ]
            )
            self.setColumnWidth(column, min(max(widest, 40), 160))
