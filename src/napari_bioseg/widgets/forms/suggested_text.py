"""A text that may be chosen from suggestions or typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit

from napari_bioseg.settings import FieldSpec

from .editors import Editor
from .spin_boxes import guard_wheel


class SuggestedTextEditor(Editor):
    """A combo box that takes other texts too.

    Parameters
    ----------
    spec : FieldSpec
        With ``suggestions``.
    """

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.box = QComboBox()
        line = QLineEdit()
        self.box.setLineEdit(line)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setMinimumContentsLength(6)
        guard_wheel(self.box)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        self.setFocusProxy(self.box)
        self._value = str(spec.default)
        self.offer(spec.suggestions)
        line.editingFinished.connect(self._edited)
        self.box.textActivated.connect(lambda _: self._edited())

    def offer(self, suggestions: Sequence[str]) -> None:
        """Suggest other texts; what is shown stays.

        Parameters
        ----------
        suggestions : sequence of str
            From top to bottom.
        """
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItems(list(suggestions))
        self.box.setEditText(self._value)
        self.box.blockSignals(False)

    def value(self) -> str:
        """Return the text."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show a text."""
        self._value = str(value)
        self.box.setEditText(self._value)

    def _edited(self) -> None:
        text = self.box.currentText().strip()
        if text != self._value:
            self._value = text
            self.changed.emit()
