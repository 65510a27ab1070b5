"""Going through objects one by one, the most doubtful first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.tables.frame_model import write
from napari_bioseg.widgets.tables.object_table import ObjectTable

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "id": ("Object", "Number of the object in the labels layer"),
    "doubt": (
        "Doubt",
        "How likely the object is wrong: unusual size or shape, or a network that was "
        "not sure of it",
    ),
    "why": ("Why", "The strongest reason"),
    "pixels": ("Pixels", "Size of the object in pixels"),
    "seen": ("Seen", "Whether the object was looked at, or locked as correct"),
}


class Review(QWidget):
    """A table of objects with buttons to step through it.

    Attributes
    ----------
    wanted : Signal()
        The table is to be made.
    shown : Signal(int, object)
        An object to look at, and its middle in pixels of the frame.
    """

    wanted = Signal()
    shown = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.listing = QPushButton("Find doubtful objects")
        self.listing.setToolTip(
            "List all objects, those first that differ most in size or shape, or that "
            "the network was not sure of"
        )
        self.table = ObjectTable(COLUMNS, _text, height=170)
        self.previous = QPushButton("◀ Previous")
        self.following = QPushButton("Next ▶")
        self.following.setObjectName("main")
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.listing)
        layout.addWidget(self.note)
        layout.addWidget(self.table)
        layout.addLayout(row_of(self.previous, self.following))
        self.listing.clicked.connect(self.wanted)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.following.clicked.connect(lambda: self.step(1))
        self.table.chosen.connect(self._chosen)
        self.show_table(None)

    @property
    def frame(self) -> pd.DataFrame | None:
        """The table, or None."""
        return self.table.frame

    def show_table(self, frame: pd.DataFrame | None) -> None:
        """Show the objects to go through.

        Parameters
        ----------
        frame : pandas.DataFrame or None
            As `edit.doubt` returns it.
        """
        if frame is not None:
            frame = frame.assign(seen="")
        self.table.frame = frame
        there = frame is not None
        for part in (self.table, self.previous, self.following):
            part.setVisible(there)
        self.listing.setText("List them again" if there else "Find doubtful objects")
        self.note.clear()
        if frame is not None and frame.empty:
            self.note.say("There is no object in these labels.")

    def step(self, way: int) -> None:
        """Look at the next object, or at the one before.

        Parameters
        ----------
        way : int
            1 or -1.
        """
        if self.frame is None:
            self.wanted.emit()
        elif self.table.step(way) < 0:
            self.note.say("There is no object in these labels.")

    def mark(self, number: int, word: str) -> None:
        """Write into the table what became of an object.

        Parameters
        ----------
        number : int
            Id of the object.
        word : str
            For example ``"✓"``.
        """
        frame = self.frame
        if frame is None:
            return
        rows = np.flatnonzero(frame["id"].to_numpy() == number)
        if len(rows) and frame["seen"].iloc[int(rows[0])] != word:
            place = int(rows[0])
            frame.loc[place, "seen"] = word
            chosen = self.table.place
            self.table.frame = frame
            self.table.choose(chosen)

    def choose(self, number: int) -> None:
        """Choose the row of an object without showing it.

        Parameters
        ----------
        number : int
            Id of the object.
        """
        if self.frame is not None:
            rows = np.flatnonzero(self.frame["id"].to_numpy() == number)
            self.table.choose(int(rows[0]) if len(rows) else -1)

    def _chosen(self, place: int) -> None:
        frame = self.frame
        if frame is None:
            return
        row = frame.iloc[place]
        axes = [name for name in frame.columns if name.startswith("axis-")]
        number = int(row["id"])
        if not row["seen"]:
            self.mark(number, "·")
        self.shown.emit(number, np.array([float(row[name]) for name in axes]))


def _text(column: str, value: Any) -> str:
    return f"{value:.0%}" if column == "doubt" else write(column, value)
