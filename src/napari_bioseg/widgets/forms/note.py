"""A line of help, result or error beside the control it is about."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

Kind = Literal["hint", "good", "warning", "error"]
_MARKS = {"hint": "", "good": "✓ ", "warning": "⚠ ", "error": "⚠ "}


class Note(QLabel):
    """Wrapped text that takes no room while it has nothing to say.

    Parameters
    ----------
    text : str
        What to say at first.
    kind : {"hint", "good", "warning", "error"}
        How it is coloured.
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(
        self, text: str = "", kind: Kind = "hint", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.kind: Kind = kind
        self.message = ""
        self.say(text, kind)

    def say(self, text: str, kind: Kind = "hint") -> None:
        """Show a message instead of the one before.

        Parameters
        ----------
        text : str
            The message; nothing hides the line.
        kind : {"hint", "good", "warning", "error"}
            What sort of message it is.
        """
        if (text, kind) == (self.message, self.kind) and self.text():
            return
        self.message, self.kind = text, kind
        self.setText(_MARKS[kind] + text if text else "")
        self.setVisible(bool(text))
        self.setProperty("note", kind)
        style = self.style()
        if style is not None:  # the style sheet looks at the property anew
            style.unpolish(self)
            style.polish(self)

    def error(self, text: str) -> None:
        """Show an error.

        Parameters
        ----------
        text : str
            What is wrong and how to put it right.
        """
        self.say(text, "error")

    def clear(self) -> None:
        """Say nothing."""
        self.say("")
