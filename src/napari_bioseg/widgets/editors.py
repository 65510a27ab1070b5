"""One small widget for each kind of plain setting; they know no settings model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QMouseEvent, QValidator
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from napari_bioseg.settings import FieldSpec

LARGEST_INT = 2**31 - 1
LARGEST_FLOAT = 1e12
DECIMALS = 12


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


class _WheelGuard(QObject):
    """Keep the wheel for scrolling the panel until a widget is clicked."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass a wheel event on to the panel unless the widget has the focus."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QWidget) and watched.hasFocus():
            return False
        event.ignore()
        return True


def guard_wheel(widget: QWidget) -> None:
    """Let a widget take wheel events only while it has the focus.

    Parameters
    ----------
    widget : QWidget
        Spin box, combo box or slider inside a scrolling panel.
    """
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelGuard(widget))


class FloatSpinBox(QDoubleSpinBox):
    """Spin box for numbers of any size: 0.0001 and 1e-7 stay what they are."""

    _PARTIAL = re.compile(r"[+-]?\d*\.?\d*(e[+-]?\d*)?", re.IGNORECASE)

    def __init__(self) -> None:
        super().__init__()
        self.setDecimals(DECIMALS)
        self.setKeyboardTracking(False)
        self.setRange(-LARGEST_FLOAT, LARGEST_FLOAT)

    def textFromValue(self, value: float) -> str:
        """Return the shortest text that says the number."""
        return f"{value:.6g}"

    def valueFromText(self, text: str | None) -> float:
        """Return the number that a text says."""
        return float(self._bare(text))

    def validate(
        self, text: str | None, position: int
    ) -> tuple[QValidator.State, str, int]:
        """Accept numbers, and let their beginnings be typed."""
        text = text or ""
        bare = self._bare(text)
        try:
            number = float(bare)
        except ValueError:
            partial = self._PARTIAL.fullmatch(bare) is not None
            state = QValidator.State
            return (state.Intermediate if partial else state.Invalid), text, position
        inside = math.isfinite(number) and self.minimum() <= number <= self.maximum()
        good, unsure = QValidator.State.Acceptable, QValidator.State.Intermediate
        return (good if inside else unsure), text, position

    def fixup(self, text: str | None) -> str:
        """Bring a number outside the range back to the nearest limit."""
        try:
            number = float(self._bare(text))
        except ValueError:
            return self.textFromValue(self.value())
        return self.textFromValue(min(max(number, self.minimum()), self.maximum()))

    def _bare(self, text: str | None) -> str:
        text = (text or "").removesuffix(self.suffix()).removeprefix(self.prefix())
        return text.strip().replace(",", ".")


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
            self._box.addItem(word.replace("_", " "), word)
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
        self.box.setValue(self._number)
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


def number_box(spec: FieldSpec) -> QSpinBox | FloatSpinBox:
    """Make the spin box of a number setting.

    Parameters
    ----------
    spec : FieldSpec
        Its limits, step and unit are taken over.

    Returns
    -------
    QSpinBox or FloatSpinBox
    """
    whole = spec.kind == "int" or (
        spec.kind == "number or word" and isinstance(spec.minimum, int)
    )
    box = _whole_box(spec) if whole else _real_box(spec)
    if spec.unit:
        box.setSuffix(f" {spec.unit}")
    box.setKeyboardTracking(False)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.setMinimumWidth(84)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    guard_wheel(box)
    return box


def _whole_box(spec: FieldSpec) -> QSpinBox:
    box = QSpinBox()
    low = -LARGEST_INT if spec.minimum is None else int(spec.minimum)
    high = LARGEST_INT if spec.maximum is None else int(spec.maximum)
    box.setRange(low, high)
    box.setSingleStep(int(spec.step or 1))
    return box


def _real_box(spec: FieldSpec) -> FloatSpinBox:
    box = FloatSpinBox()
    low = -LARGEST_FLOAT if spec.minimum is None else spec.minimum
    high = LARGEST_FLOAT if spec.maximum is None else spec.maximum
    box.setRange(low, high)
    box.setSingleStep(spec.step or 0.1)
    if spec.step is not None and spec.step <= 1e-3:
        box.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    return box


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
}
"""The editor of each kind of setting that holds no other settings."""
