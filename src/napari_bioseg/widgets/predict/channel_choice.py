"""Which channels of an image a model gets, where the image has more than it takes."""

from __future__ import annotations

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_bioseg.counted import counted
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, put_below, row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo

MOST = 4
"""Channels that are chosen one by one at most."""


class ChannelChoice(QWidget):
    """One combo box per channel of the model; hidden where nothing is to choose.

    Parameters
    ----------
    label_width : int
        Width of the label in front.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.note = Note()
        self.combos: list[NarrowCombo] = []
        self._offered = (0, 0)
        self._row = row_of(field("Channel", "", label_width))
        put_below(self, self._row, self.note)
        self.hide()

    @property
    def value(self) -> tuple[int, ...] | None:
        """The channels chosen, from 0; None where nothing is to choose."""
        if not self.combos:
            return None
        return tuple(combo.currentIndex() for combo in self.combos)

    def offer(self, there: int, wanted: int) -> None:
        """Let channels be chosen, or hide.

        Parameters
        ----------
        there : int
            Channels of the image; 0 if it does not suit the model otherwise either.
        wanted : int
            Channels that the model takes.
        """
        if self._offered == (there, wanted):
            return
        self._offered = (there, wanted)
        for combo in self.combos:
            self._row.removeWidget(combo)
            combo.deleteLater()
        self.combos = []
        if there > wanted and wanted <= MOST:
            for number in range(wanted):
                self._add(number, there)
            self.note.say(
                f"the image has {counted(there, 'channel')}, the model takes "
                f"{wanted}: choose which"
            )
        self.setVisible(bool(self.combos))

    def _add(self, number: int, there: int) -> None:
        combo = NarrowCombo()
        combo.addItems([str(channel) for channel in range(there)])
        combo.setCurrentIndex(number)
        combo.setToolTip(
            f"Channel of the image, counted from 0, that the model gets as channel "
            f"{number}."
        )
        combo.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._row.addWidget(combo, stretch=1)
        self.combos.append(combo)
