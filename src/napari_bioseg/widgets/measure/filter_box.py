"""Conditions on measurements, one row each."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_bioseg.settings import Condition
from napari_bioseg.settings.measure import SIGNS, conditions
from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo
from napari_bioseg.widgets.forms.spin_boxes import FloatSpinBox, guard_wheel

LEFT_OUT = ("label", "axis-", "bbox-", "time", "class")
"""Beginnings of columns that nobody filters by."""


class _Row(QWidget):
    """One condition: a measurement, a sign and a number."""

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
        layout = row_of(self.column, self.sign, self.value, self.remove, stretch=0)
        self.sign.setFixedWidth(58)
        self.value.setFixedWidth(96)
        self.setLayout(layout)
        self.column.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.sign.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.value.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def condition(self) -> Condition:
        """The condition."""
        text = f"{self.column.currentText()} {self.sign.currentText()} "
        return conditions(f"{text}{self.value.value()!r}")[0]

    @condition.setter
    def condition(self, condition: Condition) -> None:
        name = condition.property
        numbered = self.column.findText(f"{name}-{condition.channel}")
        place = numbered if numbered >= 0 else self.column.findText(name)
        self.column.setCurrentIndex(place)
        self.sign.setCurrentText(SIGNS[condition.comparison])
        self.value.setValue(condition.value)


class FilterBox(QWidget):
    """Conditions that must all hold.

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
        self.add.setToolTip("Only objects that meet all conditions go")
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
        """The conditions, in order."""
        return tuple(row.condition for row in self.rows)

    @conditions.setter
    def conditions(self, wanted: Sequence[Condition]) -> None:
        while self.rows:
            self._drop(self.rows[-1])
        for condition in wanted:
            self._append(condition)
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
        self.changed.emit()

    def _append(self, condition: Condition) -> None:
        row = _Row(self._columns)
        row.condition = condition
        row.changed.connect(self.changed)
        row.remove.clicked.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._list.addWidget(row)

    def _remove(self, row: _Row) -> None:
        self._drop(row)
        self.changed.emit()

    def _drop(self, row: _Row) -> None:
        self.rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
