"""Combo boxes that stay narrow: long names end in …, explanations are in the list."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt
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


class NarrowCombo(QComboBox):
    """Combo box that takes the width it gets, and shortens a text that is too long.

    Parameters
    ----------
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(5)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        guard_wheel(self)

    def shown_text(self) -> str:
        """Return what the line shows if there is room."""
        return str(self.currentText() or self.placeholderText())

    def showPopup(self) -> None:
        """Open the list as wide as its longest line."""
        view = self.view()
        widths = [
            self.fontMetrics().horizontalAdvance(self.itemText(index))
            for index in range(self.count())
        ]
        if view is not None:
            view.setMinimumWidth(min(max(widths, default=0) + 40, 420))
        super().showPopup()

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the text, shortened to the room there is."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        text = self.shown_text()
        if style is not None:
            room = style.subControlRect(
                QStyle.ComplexControl.CC_ComboBox,
                option,
                QStyle.SubControl.SC_ComboBoxEditField,
                self,
            ).width()
            text = self.fontMetrics().elidedText(
                text, Qt.TextElideMode.ElideRight, room - 4
            )
        option.currentText = text
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class ShortCombo(NarrowCombo):
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

    def shown_text(self) -> str:
        """Return the value alone."""
        return str(self.currentData() or self.currentText())
