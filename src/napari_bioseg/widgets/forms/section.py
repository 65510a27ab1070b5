"""A part of a panel that folds away."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)


class _Title(QToolButton):
    """A button that shortens its text to the room there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.full_text = text
        self.setText(text)

    def minimumSizeHint(self) -> QSize:
        """Ask for the arrow and a few letters only."""
        return QSize(48, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the text to the new width."""
        super().resizeEvent(event)
        room = self.width() - self.iconSize().width() - 12
        elided = self.fontMetrics().elidedText(
            self.full_text, Qt.TextElideMode.ElideRight, room
        )
        self.setText(elided)


class Section(QWidget):
    """A title with an arrow, and a body that the title shows and hides.

    Parameters
    ----------
    title : str
        Text beside the arrow.
    body : QWidget, optional
        What folds away; `set_body` gives it later.
    expanded : bool
        Whether the body is shown at first.
    bold : bool
        Whether the title stands out.
    corner : sequence of QWidget
        What stands at the right of the title.
    """

    toggled = Signal(bool)

    def __init__(
        self,
        title: str,
        body: QWidget | None = None,
        *,
        expanded: bool = False,
        bold: bool = True,
        corner: Sequence[QWidget] = (),
    ) -> None:
        super().__init__()
        self._button = _Title(title)
        self._button.setObjectName("bioseg_section")
        self._button.setCheckable(True)
        self._button.setAutoRaise(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
        )
        self._button.setStyleSheet(
            "QToolButton#bioseg_section {background: transparent; border: none;"
            " text-align: left; padding: 2px 0px;"
            f" font-weight: {'bold' if bold else 'normal'};}}"
        )
        self._body: QWidget | None = None
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(2)
        for part in (self._button, *corner):
            head.addWidget(part)
        self._rows.addLayout(head)
        if body is not None:
            self.set_body(body)
        self._button.setChecked(expanded)
        self._show(expanded)
        self._button.toggled.connect(self._show)
        self._button.toggled.connect(self.toggled)

    @property
    def title(self) -> str:
        """Text beside the arrow."""
        return self._button.full_text

    @title.setter
    def title(self, text: str) -> None:
        self._button.full_text = text
        self._button.setText(text)

    @property
    def expanded(self) -> bool:
        """Whether the body is shown."""
        return bool(self._button.isChecked())

    @expanded.setter
    def expanded(self, value: bool) -> None:
        self._button.setChecked(value)

    def set_body(self, body: QWidget) -> None:
        """Put a widget under the title, instead of the one there.

        Parameters
        ----------
        body : QWidget
            The new body.
        """
        if self._body is not None:
            self._rows.removeWidget(self._body)
            self._body.deleteLater()
        self._body = body
        self._rows.addWidget(body)
        body.setVisible(self.expanded)

    def _show(self, expanded: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if expanded else Qt.ArrowType.RightArrow
        self._button.setArrowType(arrow)
        if self._body is not None:
            self._body.setVisible(expanded)
