"""What was changed in the seeds by hand, and a button that forgets it."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.note import Note

from .seed_editing import SeedEditing
from .tuning import Answer

HOW = (
    "To change seeds, paint or erase in the layer of the seeds; what you change stays "
    "while sliders move."
)


class SeedNote(QWidget):
    """A line about the seeds changed by hand.

    Parameters
    ----------
    editing : SeedEditing
        Knows the changes.
    """

    def __init__(self, editing: SeedEditing) -> None:
        super().__init__()
        self._editing = editing
        self.note = Note()
        self.forget = QPushButton("Forget changed seeds")
        self.forget.setToolTip("Take the seeds that the thresholds give again")
        self.forget.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.note)
        column.addWidget(self.forget)
        self.forget.clicked.connect(self._forget)

    def show_edits(self, answer: Answer, *, seeds: bool) -> None:
        """Say what an answer was made with.

        Parameters
        ----------
        answer : Answer
            The newest.
        seeds : bool
            Whether seeds are shown.
        """
        self.forget.setVisible(bool(self._editing.edits))
        if not self._editing.edits:
            self.note.say(HOW if seeds else "")
            return
        text = "Seeds were changed by hand."
        if answer.stage != "view" and answer.outside:
            one = answer.outside == 1
            what = "One of them lies" if one else f"{answer.outside} of them lie"
            text += (
                f" {what} outside of the foreground and so find nothing: lower its "
                "threshold."
            )
        self.note.say(text, "warning" if answer.outside else "hint")

    def _forget(self) -> None:
        self._editing.forget()
        self._editing.changed.emit()
