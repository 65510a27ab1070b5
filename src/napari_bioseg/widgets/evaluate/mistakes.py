"""The list of mistakes: choose one to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.tables.object_table import ObjectTable

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "kind": (
        "Mistake",
        "missed: in the truth only; invented: in the prediction only; merged: one "
        "predicted object over several true ones; split: the other way round",
    ),
    "truth": ("True", "Numbers of the true objects"),
    "predicted": ("Predicted", "Numbers of the predicted objects"),
    "iou": ("IoU", "Overlap of the best pair"),
}
KINDS = ("missed", "invented", "merged", "split")


class Mistakes(QWidget):
    """A table of mistakes, of one kind or all.

    Attributes
    ----------
    chosen : Signal(object)
        Emits the row of a mistake as a dict.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._all: pd.DataFrame | None = None
        self.kind = NarrowCombo()
        self.kind.setToolTip("Which mistakes to list")
        self.table = ObjectTable(COLUMNS, height=150)
        self.previous = QPushButton("◀ Previous")
        self.following = QPushButton("Next ▶")
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row_of(field("List"), self.kind, stretch=1))
        layout.addWidget(self.note)
        layout.addWidget(self.table)
        layout.addLayout(row_of(self.previous, self.following))
        self.kind.currentIndexChanged.connect(lambda _: self._filter())
        self.previous.clicked.connect(lambda: self.table.step(-1))
        self.following.clicked.connect(lambda: self.table.step(1))
        self.table.chosen.connect(self._row_chosen)
        self.show_mistakes(None)

    @property
    def frame(self) -> pd.DataFrame | None:
        """The mistakes that are listed."""
        return self.table.frame

    def show_mistakes(self, frame: pd.DataFrame | None) -> None:
        """List other mistakes, of the kind that is chosen.

        Parameters
        ----------
        frame : pandas.DataFrame or None
            All of them.
        """
        self._all = frame
        self.setVisible(frame is not None)
        wanted = self.kind.currentData()
        self.kind.blockSignals(True)
        self.kind.clear()
        counts = {} if frame is None else frame["kind"].value_counts().to_dict()
        self.kind.addItem(f"all {sum(counts.values())} mistakes", "")
        for kind in KINDS:
            self.kind.addItem(f"{counts.get(kind, 0)} {kind}", kind)
        self.kind.setCurrentIndex(max(self.kind.findData(wanted), 0))
        self.kind.blockSignals(False)
        self._filter()

    def _filter(self) -> None:
        frame = self._all
        kind = self.kind.currentData()
        if frame is not None and kind:
            frame = frame[frame["kind"] == kind].reset_index(drop=True)
        self.table.frame = frame
        empty = frame is None or frame.empty
        for part in (self.table, self.previous, self.following):
            part.setVisible(not empty)
        what = f"Nothing is {kind}." if kind else "There are no mistakes."
        self.note.say(what if empty and frame is not None else "", "good")

    def _row_chosen(self, place: int) -> None:
        if self.frame is not None:
            row: dict[Any, Any] = self.frame.iloc[place].to_dict()
            self.chosen.emit(row)
