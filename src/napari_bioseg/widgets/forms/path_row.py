"""A folder or file, typed or picked."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)


class PathRow(QWidget):
    """A line for a folder or file with a button that opens the dialog for it.

    Parameters
    ----------
    caption : str
        Title of the dialog.
    placeholder : str
        Shown while the line is empty.
    tip : str
        Sentence of help shown on hover.
    files : str, optional
        Which files are chosen from, such as ``"Tables (*.csv)"``; a folder is chosen
        if not given.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(
        self,
        caption: str,
        placeholder: str,
        tip: str = "",
        files: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._caption = caption
        self._files = files
        self.line = QLineEdit()
        self.line.setPlaceholderText(placeholder)
        self.line.setToolTip(tip)
        self.line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip(caption)
        self.browse.clicked.connect(self._pick)
        self.line.editingFinished.connect(self._edited)
        self._last = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.line, 1)
        row.addWidget(self.browse)

    @property
    def path(self) -> Path | None:
        """The folder or file, or None while the line is empty."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    @path.setter
    def path(self, path: Path | None) -> None:
        self.line.setText("" if path is None else str(path))
        self.line.setCursorPosition(0)
        self._edited()

    def _edited(self) -> None:
        if self.line.text() != self._last:
            self._last = self.line.text()
            self.changed.emit()

    def _pick(self) -> None:
        start = self.path
        while start is not None and not start.exists() and start != start.parent:
            start = start.parent
        place = str(start or Path.home())
        if self._files:
            chosen, _ = QFileDialog.getOpenFileName(
                self, self._caption, place, self._files
            )
        else:
            chosen = QFileDialog.getExistingDirectory(self, self._caption, place)
        if chosen:
            self.path = Path(chosen)
