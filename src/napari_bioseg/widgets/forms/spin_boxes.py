"""Spin boxes that suit the numbers of settings, and the wheel that leaves them be."""

from __future__ import annotations

import math
import re

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from napari_bioseg.settings import FieldSpec

LARGEST_INT = 2**31 - 1
LARGEST_FLOAT = 1e12
DECIMALS = 12


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
