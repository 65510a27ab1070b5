"""Conditions on measurements, one row each, joined by *and* or *or*."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_bioseg.settings import Condition, RemoveByProperties
from napari_bioseg.settings.measure import SIGNS, conditions
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.forms.segmented import Segmented
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.forms.spin_boxes import FloatSpinBox, guard_wheel

JOINTS = {
    "and": ("and", "This and the condition above must hold together"),
    "or": ("or", "Objects go too of which this, and what is joined to it, holds"),
}
LEFT_OUT = ("label", "axis-", "bbox-", "time", "class")
"""Beginnings of columns that nobody filters by."""


class _Row(QWidget):
    """One condition, and how it is joined to the one above."""

    changed = Signal()

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__()
        self.column, self.sign = NarrowCombo(), NarrowCombo()
        self.column.addItems(list(columns))
        self.sign.addItems(list(SIGNS.values()))
        self.sign.setMinimumContentsLength(2)
        self.value = FloatSpinBox()
        guard_wheel(self.value)
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip("Take this condition out")
        self.joined = Segmented(JOINTS)
        self.joined.setMaximumWidth(110)
        self.sign.setFixedWidth(58)
        self.value.setFixedWidth(96)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.joined)
        layout.addLayout(
            row_of(self.column, self.sign, self.value, self.remove, stretch=0)
        )
        self.joined.changed.connect(lambda _: self.changed.emit())
        self.column.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.sign.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.value.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def condition(self) -> Condition:
        """The condition."""
        text = f"{self.column.currentText()} {self.sign.currentText()} "
        found = conditions(f"{text}{self.value.value()!r}")[0]
        return found.replace(joined=self.joined.value)

    @condition.setter
    def condition(self, condition: Condition) -> None:
        name = condition.property
        numbered = self.column.findText(f"{name}-{condition.channel}")
        place = numbered if numbered >= 0 else self.column.findText(name)
        self.column.setCurrentIndex(place)
        self.sign.setCurrentText(SIGNS[condition.comparison])
        self.value.setValue(condition.value)
        self.joined.value = condition.joined


class FilterBox(QWidget):
    """Conditions in groups: all of one group must hold.

    Attributes
    ----------
    changed : Signal()
        Emitted when a condition changed, came or went.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._columns: list[str] = []
        self.rows: list[_Row] = []
        self.add = QPushButton("Add condition")
        self.add.setToolTip("Objects go that meet it too, or instead: and, or")
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._list)
        layout.addWidget(self.add)
        self.add.clicked.connect(self._add_usual)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions, in order; `groups_of` divides them."""
        return RemoveByProperties(
            conditions=tuple(row.condition for row in self.rows)
        ).conditions

    @conditions.setter
    def conditions(self, wanted: Sequence[Condition]) -> None:
        while self.rows:
            self._drop(self.rows[-1])
        for condition in wanted:
            self._append(condition)
        self._join()
        self.changed.emit()

    def offer(self, columns: Sequence[str]) -> None:
        """Offer the columns of a table; conditions on others go.

        Parameters
        ----------
        columns : sequence of str
            What was measured.
        """
        columns = [name for name in columns if not name.startswith(LEFT_OUT)]
        if columns == self._columns:
            return
        kept = [
            row.condition for row in self.rows if row.column.currentText() in columns
        ]
        self._columns = columns
        self.conditions = kept

    def _add_usual(self) -> None:
        self._append(Condition())
        self._join()
        self.changed.emit()

    def _join(self) -> None:
        """Let every row but the first say how it is joined."""
        for place, row in enumerate(self.rows):
            row.joined.setVisible(place > 0)

    def _append(self, condition: Condition) -> None:
        row = _Row(self._columns)
        row.condition = condition
        row.changed.connect(self.changed)
        row.remove.clicked.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._list.addWidget(row)

    def _remove(self, row: _Row) -> None:
        self._drop(row)
        self._join()
        self.changed.emit()

    def _drop(self, row: _Row) -> None:
        self.rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
