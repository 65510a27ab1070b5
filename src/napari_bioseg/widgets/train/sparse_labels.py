"""Offer to ignore what is not labelled, where labels are few."""

from __future__ import annotations

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_bioseg.settings import DataSettings
from napari_bioseg.widgets.bridge.proposal import Proposal
from napari_bioseg.widgets.forms.note import Note
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.spin_boxes import guard_wheel

HELP = (
    "Learn from labelled pixels alone: what has no label counts neither as object nor "
    "as background. Some background must then be painted with a label of its own."
)


class SparseLabels(QWidget):
    """One click between "no label means background" and "no label means unknown".

    Parameters
    ----------
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal(object)
    """The `DataSettings` that the user chose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = DataSettings()
        self._proposal: Proposal | None = None
        self.note = Note()
        self.button = QPushButton("Ignore unlabelled pixels")
        self.button.setCheckable(True)
        self.button.setToolTip(HELP)
        self.label = QSpinBox()
        self.label.setRange(1, 2**31 - 1)
        self.label.setToolTip("Label that is painted on background.")
        guard_wheel(self.label)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.note)
        layout.addWidget(self.button)
        label = field("Background label", self.label.toolTip())
        layout.addLayout(row_of(label, self.label, stretch=1))
        self.button.clicked.connect(self._edited)
        self.label.valueChanged.connect(self._renumbered)
        self.hide()

    def follow(self, proposal: Proposal | None, data: DataSettings) -> None:
        """Say what holds for the labels now, or hide where nothing has to be said.

        Parameters
        ----------
        proposal : Proposal or None
            Facts about the labels.
        data : DataSettings
            What is set.
        """
        self._proposal, self._data = proposal, data
        ignored = data.unlabelled == "ignored"
        self.button.setChecked(ignored)
        number = data.background_label
        if isinstance(number, str) and proposal is not None:
            number = proposal.background or proposal.largest + 1
        self.label.blockSignals(True)
        if isinstance(number, int):
            self.label.setValue(number)
        self.label.blockSignals(False)
        sparse = proposal is not None and proposal.looks_sparse
        if proposal is None or not (sparse or ignored):
            self.hide()
            return
        self._say(proposal, ignored=ignored)
        self.show()

    def _say(self, proposal: Proposal, *, ignored: bool) -> None:
        share = f"{proposal.labelled:.1%} of the pixels are labelled"
        number = self.label.value()
        if not ignored:
            self.note.say(
                f"{share}. If there is more to find than is labelled, ignore the rest; "
                "now it counts as background",
                "warning",
            )
        elif number > proposal.largest:
            self.note.say(
                f"{share}, the others are ignored. Paint some background with label "
                f"{number}: without it nothing tells objects from background",
                "warning",
            )
        else:
            self.note.say(
                f"{share}, the others are ignored; label {number} is background"
            )

    def _edited(self) -> None:
        if self.button.isChecked():
            number: int | str = self.label.value()
            self._choose(unlabelled="ignored", background_label=number)
        else:
            self._choose(unlabelled="background", background_label="off")

    def _renumbered(self, number: int) -> None:
        if self.button.isChecked():
            self._choose(background_label=number)

    def _choose(self, **changes: object) -> None:
        if self._data.ignore_label == changes.get("background_label"):
            changes["ignore_label"] = "off"  # one number cannot mean both
        self._data = self._data.replace(**changes)
        self.changed.emit(self._data)
