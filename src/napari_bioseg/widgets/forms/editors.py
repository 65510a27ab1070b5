"""One small widget for each kind of plain setting; they know no settings model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from napari_bioseg.settings import FieldSpec

from .spin_boxes import guard_wheel, number_box
from .wording import in_words

__all__ = [
    "PLAIN_EDITORS",
    "BoolEditor",
    "ChoiceEditor",
    "Editor",
    "NumberEditor",
    "NumberOrWordEditor",
    "NumbersEditor",
    "SizesEditor",
    "TextEditor",
    "guard_wheel",
    "word_toggles",
]


class Editor(QWidget):
    """Base of all editors: a widget that holds one value of a setting."""

    changed = Signal()
    shows_problem = False
    """Whether the editor itself shows what is wrong with its value."""

    def value(self) -> Any:
        """Return the value shown; raises ValueError if there is none."""
        raise ValueError("this editor holds no value")

    def set_value(self, value: Any) -> None:
        """Show a value without emitting ``changed``."""


class BoolEditor(Editor):
    """A check box."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self._box = QCheckBox()
        _fill(self, self._box)
        self.set_value(spec.default)
        self._box.toggled.connect(lambda _: self.changed.emit())

    def value(self) -> bool:
        """Return whether the box is checked."""
        return bool(self._box.isChecked())

    def set_value(self, value: Any) -> None:
        """Check the box or not."""
        self._box.blockSignals(True)
        self._box.setChecked(bool(value))
        self._box.blockSignals(False)


class ChoiceEditor(Editor):
    """A combo box of words."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self._kind = type(spec.default)
        self._box = QComboBox()
        guard_wheel(self._box)
        for word in spec.choices:
            self._box.addItem(in_words(word), word)
        self._box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._box.setMinimumContentsLength(6)
        _fill(self, self._box)
        self.set_value(spec.default)
        self._box.currentIndexChanged.connect(lambda _: self.changed.emit())

    def value(self) -> Any:
        """Return the word chosen (a number where the choices are numbers)."""
        return self._kind(self._box.currentData())

    def set_value(self, value: Any) -> None:
        """Choose a word."""
        self._box.blockSignals(True)
        self._box.setCurrentIndex(self._box.findData(str(value)))
        self._box.blockSignals(False)


class TextEditor(Editor):
    """A line of text."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self._line = QLineEdit()
        _fill(self, self._line)
        self.set_value(spec.default)
        self._line.editingFinished.connect(self.changed)

    def value(self) -> str:
        """Return the text."""
        return str(self._line.text())

    def set_value(self, value: Any) -> None:
        """Show a text."""
        self._line.setText(str(value))


class NumberEditor(Editor):
    """A spin box for whole or real numbers, with the limits and step of a setting."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.box: Any = number_box(spec)
        _fill(self, self.box)
        self._value = spec.default
        self.set_value(spec.default)
        self.box.valueChanged.connect(self._edited)

    def value(self) -> Any:
        """Return the number, exactly as it was set if it was not edited."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show a number."""
        self._value = value
        self.box.blockSignals(True)
        self.box.setValue(value)
        self.box.blockSignals(False)

    def _edited(self, value: float) -> None:
        self._value = value
        self.changed.emit()


class NumberOrWordEditor(Editor):
    """A spin box with a toggle for each word that may stand instead of a number."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.box: Any = number_box(spec)
        start = spec.default if isinstance(spec.default, int | float) else None
        self._number: Any = spec.minimum or 0 if start is None else start
        self._word = ""
        self._toggles = word_toggles(spec.choices)
        _fill(self, self.box, *self._toggles.values())
        self.set_value(self._number)
        self.set_value(spec.default)
        self.box.valueChanged.connect(self._edited)
        for word, toggle in self._toggles.items():
            toggle.clicked.connect(lambda on, word=word: self._clicked(word, on))

    def value(self) -> Any:
        """Return the number, or the word that is switched on."""
        return self._word or self._number

    def set_value(self, value: Any) -> None:
        """Show a number or a word."""
        self._word = value if isinstance(value, str) else ""
        if not self._word:
            self._number = value
            self.box.blockSignals(True)
            self.box.setValue(value)
            self.box.blockSignals(False)
        self._show()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the number when it is clicked while a word is on."""
        if event is not None and self.box.geometry().contains(event.pos()):
            if self._word:
                self._clicked("", False)
            self.box.setFocus()

    def _edited(self, value: float) -> None:
        self._word, self._number = "", value
        self._show()
        self.changed.emit()

    def _clicked(self, word: str, on: bool) -> None:
        self._word = word if on else ""
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        for word, toggle in self._toggles.items():
            toggle.setChecked(word == self._word)
        self.box.setEnabled(not self._word)


class SizesEditor(Editor):
    """Whole numbers, one per axis, in a line, or a word."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self._line = QLineEdit()
        self._line.setPlaceholderText("Y, X or Z, Y, X")
        self._line.setMinimumWidth(60)
        self._word = ""
        self._toggles = word_toggles(spec.choices)
        _fill(self, self._line, *self._toggles.values())
        self.set_value(spec.default)
        self._line.editingFinished.connect(self.changed)
        for word, toggle in self._toggles.items():
            toggle.clicked.connect(lambda on, word=word: self._clicked(word, on))

    def value(self) -> Any:
        """Return the sizes, or the word that is switched on."""
        if self._word:
            return self._word
        parts = [p for p in re.split(r"[\s,;x×()]+", self._line.text()) if p]
        try:
            return tuple(int(part) for part in parts)
        except ValueError as error:
            raise ValueError(
                f"{self._line.text()!r} is no list of whole numbers such as 256, 256"
            ) from error

    def set_value(self, value: Any) -> None:
        """Show sizes or a word."""
        self._word = value if isinstance(value, str) else ""
        if not self._word:
            self._line.setText(", ".join(str(size) for size in value))
        self._show()

    def _clicked(self, word: str, on: bool) -> None:
        self._word = word if on else ""
        if not on and not self._line.text():
            self._line.setText("256, 256")
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        for word, toggle in self._toggles.items():
            toggle.setChecked(word == self._word)
        self._line.setEnabled(not self._word)


class NumbersEditor(Editor):
    """Numbers in a line, any of which may be a word instead."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self._words = spec.choices
        self._line = QLineEdit()
        self._line.setPlaceholderText(", ".join(["0.5", *spec.choices, "…"]))
        self._line.setMinimumWidth(60)
        _fill(self, self._line)
        self.set_value(spec.default)
        self._line.editingFinished.connect(self.changed)

    def value(self) -> tuple[float | str, ...]:
        """Return the numbers and words; raises ValueError for anything else."""
        parts = [part for part in re.split(r"[\s,;]+", self._line.text()) if part]
        try:
            return tuple(p if p in self._words else float(p) for p in parts)
        except ValueError as error:
            raise ValueError(
                f"{self._line.text()!r} is no list of numbers such as 0.5, 0.3"
            ) from error

    def set_value(self, value: Any) -> None:
        """Show numbers and words."""
        self._line.setText(", ".join(str(part) for part in value))


def word_toggles(words: tuple[str, ...]) -> dict[str, QPushButton]:
    """Make one small checkable button a word.

    Parameters
    ----------
    words : tuple of str
        Such as ``("auto", "off")``.

    Returns
    -------
    dict of str to QPushButton
    """
    toggles = {}
    for word in words:
        toggle = QPushButton(word)
        toggle.setObjectName("segment")  # as panels style it
        toggle.setCheckable(True)
        toggle.setFixedWidth(40)
        toggles[word] = toggle
    return toggles


def _fill(editor: QWidget, *widgets: QWidget) -> None:
    layout = QHBoxLayout(editor)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(3)
    for widget in widgets:
        layout.addWidget(widget)
    editor.setFocusProxy(widgets[0])


PLAIN_EDITORS: dict[str, Callable[[FieldSpec], Editor]] = {
    "bool": BoolEditor,
    "int": NumberEditor,
    "float": NumberEditor,
    "text": TextEditor,
    "choice": ChoiceEditor,
    "number or word": NumberOrWordEditor,
    "sizes": SizesEditor,
    "numbers": NumbersEditor,
}
"""The editor of each kind of setting that holds no other settings."""
