"""What the network is to learn: instances through channels, or classes."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_bioseg.settings import (
    CONFIGURATIONS,
    InstanceTask,
    SemanticTask,
    describe,
)
from napari_bioseg.widgets.bridge.proposal import Proposal
from napari_bioseg.widgets.forms.rows import field, row_of
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.short_combo import ShortCombo
from napari_bioseg.widgets.forms.spin_boxes import guard_wheel

MEANINGS = {
    "BC": "inside and contour: the usual choice",
    "BCD": "with distances: objects of many sizes, crowded",
    "BCM": "with a full mask: keeps exact outlines",
    "BP": "with centre points: round, well separated cells",
    "BD": "inside and distances",
    "BCDv2": "with distances inside and outside",
    "BDv2": "inside, distances inside and outside",
    "Dv2": "distances inside and outside alone",
    "FC": "foreground and contour",
    "FCD": "foreground, contour and distances",
    "FP": "foreground and centre points",
}
USUAL = ("BC", "BCD", "BCM", "BP")


class Goal(QWidget):
    """Choice of the task.

    Parameters
    ----------
    label_width : int
        Width of the labels in front of the controls.
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, label_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._touched = False
        self._instance = InstanceTask()
        self._semantic = SemanticTask()
        self.kind = Segmented(
            {
                "instance": (
                    "Instances",
                    "Objects: touching ones get numbers of their own.",
                ),
                "semantic": ("Semantic", "Classes: every pixel gets one."),
            }
        )
        tip = describe(InstanceTask)[0].help
        order = (*USUAL, *(n for n in CONFIGURATIONS if n not in USUAL))
        self.channels = ShortCombo({name: MEANINGS[name] for name in order})
        self.channels.setToolTip(tip)
        self.targets = QPushButton("Show targets")
        self.targets.setToolTip(
            "Add the channels made from the labels as layers: "
            "what the network will learn to draw."
        )
        classes = next(s for s in describe(SemanticTask) if s.name == "classes")
        self.classes = QSpinBox()
        self.classes.setRange(int(classes.minimum or 2), int(classes.maximum or 255))
        self.classes.setToolTip(classes.help)
        kinds = next(s for s in describe(InstanceTask) if s.name == "classes")
        self.kinds = QSpinBox()
        self.kinds.setRange(int(kinds.minimum or 1), int(kinds.maximum or 255))
        self.kinds.setSpecialValueText("not told apart")
        self.kinds.setToolTip(kinds.help)
        guard_wheel(self.kinds)
        self.kinds_row = QWidget()
        self.kinds_row.setLayout(
            row_of(field("Classes of objects", kinds.help), self.kinds, stretch=1)
        )
        self.channels_row = QWidget()
        self.channels_row.setLayout(
            row_of(
                field("Channels", tip, label_width),
                self.channels,
                self.targets,
                stretch=1,
            )
        )
        self.classes_row = QWidget()
        self.classes_row.setLayout(
            row_of(field("Classes", classes.help, label_width), self.classes, stretch=1)
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (
            self.kind,
            self.channels_row,
            self.kinds_row,
            self.classes_row,
        ):
            layout.addWidget(part)
        self._show()
        self.kind.changed.connect(lambda _: self._edited())
        self.channels.activated.connect(lambda _: self._edited())
        self.classes.valueChanged.connect(lambda _: self._edited())
        self.kinds.valueChanged.connect(lambda _: self._edited())

    @property
    def task(self) -> InstanceTask | SemanticTask:
        """The task chosen."""
        return self._semantic if self.kind.value == "semantic" else self._instance

    @task.setter
    def task(self, task: InstanceTask | SemanticTask) -> None:
        if task == self.task:
            return
        self._take(task)
        self._touched = True
        self.changed.emit()

    def propose(self, proposal: Proposal) -> None:
        """Take over what the labels look like, unless the user has chosen.

        Parameters
        ----------
        proposal : Proposal
            Facts about the labels.
        """
        if self._touched:
            return
        task: InstanceTask | SemanticTask = InstanceTask(
            channels=proposal.configuration
        )
        if proposal.looks_semantic:
            task = SemanticTask(classes=min(proposal.classes, 255))
        if task != self.task:
            self._take(task)
            self.changed.emit()

    def _take(self, task: InstanceTask | SemanticTask) -> None:
        if isinstance(task, SemanticTask):
            self._semantic = task
        else:
            self._instance = task
        self.kind.blockSignals(True)
        self.kind.value = task.kind
        self.kind.blockSignals(False)
        self._show()

    def _edited(self) -> None:
        self._touched = True
        name = self.channels.currentData()
        if name is not None and name != self._instance.configuration:
            self._instance = self._instance.replace(channels=name)
        if self.kinds.value() != self._instance.classes:
            self._instance = self._instance.replace(classes=self.kinds.value())
        if self.classes.value() != self._semantic.classes:
            self._semantic = self._semantic.replace(classes=self.classes.value())
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        """Show the task in the controls without asking it back."""
        name = self._instance.configuration
        index = self.channels.findData(name)
        custom = self.channels.findText("custom: ", Qt.MatchFlag.MatchStartsWith)
        if index < 0:
            if custom < 0:
                self.channels.addItem("")
                custom = self.channels.count() - 1
            self.channels.setItemText(custom, f"custom: {name}")
            index = custom
        self.channels.setCurrentIndex(index)
        self.classes.blockSignals(True)
        self.classes.setValue(self._semantic.classes)
        self.classes.blockSignals(False)
        self.kinds.blockSignals(True)
        self.kinds.setValue(self._instance.classes)
        self.kinds.blockSignals(False)
        semantic = self.kind.value == "semantic"
        self.channels_row.setVisible(not semantic)
        self.kinds_row.setVisible(not semantic)
        self.classes_row.setVisible(semantic)
