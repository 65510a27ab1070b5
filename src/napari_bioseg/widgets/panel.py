"""What every panel is: a scrolling column of parts in napari's colours."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QFrame,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .forms.alive import alive
from .forms.look import Palette, palette_of, style
from .tab_title import shorten_tab


class Panel(QScrollArea):
    """A scroll area that follows the viewer's theme.

    napari caps a docked widget at the height it asks for; a scroll area keeps the
    panel usable at any height, and at a width of 350 px.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer the panel belongs to.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(300)
        self._content = QWidget()
        self.column = QVBoxLayout(self._content)
        self.column.setContentsMargins(8, 2, 8, 8)
        self.column.setSpacing(5)
        self.column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(self._content)
        self.palette_changed(palette_of(viewer))
        viewer.events.theme.connect(self._theme_changed)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show the panel, with its own name alone on its tab."""
        super().showEvent(event)
        shorten_tab(self)

    def sizeHint(self) -> QSize:
        """Ask for the room of a usual dock."""
        return QSize(370, 720)

    def add(self, *parts: QWidget | QLayout) -> None:
        """Add parts at the bottom of the column.

        Parameters
        ----------
        *parts : QWidget or QLayout
            From top to bottom.
        """
        for part in parts:
            if isinstance(part, QLayout):
                self.column.addLayout(part)
            else:
                self.column.addWidget(part)

    def palette_changed(self, palette: Palette) -> None:
        """Take on the colours of the theme.

        Parameters
        ----------
        palette : Palette
            The new colours.
        """
        self._content.setStyleSheet(style(palette))

    def _theme_changed(self, _: object = None) -> None:
        if not alive(self):
            return
        self.palette_changed(palette_of(self.viewer))
