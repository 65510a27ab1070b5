"""A combo box with explanations in its list and a short name in its line."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from .spin_boxes import guard_wheel


class ShortCombo(QComboBox):
    """Combo box whose line shows the value, and whose list says what it means.

    Parameters
    ----------
    meanings : mapping of str to str
        Value -> a few words about it.
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(
        self, meanings: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        for value, meaning in meanings.items():
            self.addItem(f"{value}   {meaning}", value)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        guard_wheel(self)

    def showPopup(self) -> None:
        """Open the list as wide as its longest line."""
        view = self.view()
        widest = max(
            self.fontMetrics().horizontalAdvance(self.itemText(index))
            for index in range(self.count())
        )
        if view is not None:
            view.setMinimumWidth(min(widest + 40, 420))
        super().showPopup()

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the value alone."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = str(self.currentData() or self.currentText())
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
