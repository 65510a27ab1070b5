"""A few choices side by side, one of them taken."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget


class Segmented(QWidget):
    """Buttons of which exactly one is down.

    Parameters
    ----------
    options : mapping of str to (str, str)
        Value -> (text on the button, sentence of help).
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal(str)

    def __init__(
        self, options: Mapping[str, tuple[str, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        for value, (text, tip) in options.items():
            button = QPushButton(text)
            button.setObjectName("segment")
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._group.addButton(button)
            row.addWidget(button)
            self.buttons[value] = button
        next(iter(self.buttons.values())).setChecked(True)
        self._group.buttonClicked.connect(self._clicked)

    @property
    def value(self) -> str:
        """The value of the button that is down."""
        return next(v for v, button in self.buttons.items() if button.isChecked())

    @value.setter
    def value(self, value: str) -> None:
        if value != self.value:
            self.buttons[value].setChecked(True)
            self.changed.emit(value)

    def _clicked(self, _: object) -> None:
        self.changed.emit(self.value)
