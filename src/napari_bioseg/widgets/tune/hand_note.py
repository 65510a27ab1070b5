"""What was changed by hand in the instances, and a button that lets it go."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_bioseg.counted import counted
from napari_bioseg.widgets.bridge.hand_edits import hands_changed, watched_hands
from napari_bioseg.widgets.bridge.locks import locked_ids
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.forms.note import Note


class HandNote(QWidget):
    """A line about the objects changed by hand.

    Attributes
    ----------
    wanted : Signal()
        Emitted when the instances should be made anew.
    """

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._layer: Any = None
        self._refused = False
        self.note = Note()
        self.release = QPushButton("Let Tune change them too")
        self.release.setToolTip(
            "Forget what was changed or locked by hand in these instances; the "
            "thresholds decide again"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.note)
        column.addWidget(self.release)
        self.release.clicked.connect(self._release)
        hands_changed.connect(self._hands_changed)
        self.follow(None)

    def follow(self, layer: Any) -> None:
        """Speak about another layer.

        Parameters
        ----------
        layer : napari.layers.Labels or None
            The instances.
        """
        self._layer = layer
        hands = None if layer is None else watched_hands(layer)
        there = hands is not None and hands.anything
        self.setVisible(there)
        if there:
            count = len(locked_ids(layer))
            words = "stays as it is" if count == 1 else "stay as they are"
            self.note.say(
                f"{counted(count, 'object')} changed or locked by hand {words} "
                "(locked in Proofread); Ctrl+Z on the layer undoes change and lock."
                if count
                else "Objects were deleted by hand; their place stays empty."
            )

    def refused(self) -> None:
        """Note that an answer came too late: somebody changed the labels meanwhile."""
        hands = None if self._layer is None else watched_hands(self._layer)
        self._refused = hands is not None and hands.painting
        if not self._refused:
            QTimer.singleShot(0, self._ask)

    def _hands_changed(self, layer: Any) -> None:
        if not alive(self) or layer is not self._layer:
            return
        self.follow(layer)
        if self._refused:
            self._refused = False
            QTimer.singleShot(0, self._ask)

    def _ask(self) -> None:
        if alive(self):
            self.wanted.emit()

    def _release(self) -> None:
        hands = None if self._layer is None else watched_hands(self._layer)
        if hands is not None:
            hands.let_go()
            self.wanted.emit()
