"""Further models whose mean is taken with the first one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget

from napari_bioseg.widgets.forms.rows import row_of
from napari_bioseg.widgets.forms.short_combo import NarrowCombo

from .known_models import name_of


class MoreModels(QWidget):
    """A combo box per further model, each with a button that takes it away.

    Parameters
    ----------
    parent : QWidget, optional
        Parent widget.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ModelRow] = []
        self._offered: list[Any] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self.hide()

    @property
    def models(self) -> list[Any]:
        """The models chosen, from top to bottom."""
        return [row.model for row in self.rows if row.model is not None]

    def offer(self, models: Sequence[Any]) -> None:
        """Offer other models, keeping what is chosen.

        Parameters
        ----------
        models : sequence of Path or engine.Model
            What can be chosen.
        """
        self._offered = list(models)
        for row in self.rows:
            row.offer(self._offered)

    def add(self, model: Any) -> None:
        """Add a row.

        Parameters
        ----------
        model : Path or engine.Model
            Chosen in it at first, one of those that are offered.
        """
        row = ModelRow()
        row.offer(self._offered)
        row.model = model
        row.combo.activated.connect(lambda _: self.changed.emit())
        row.remove.clicked.connect(lambda: self._remove(row))
        self._column.addWidget(row)
        self.rows.append(row)
        self.show()
        self.changed.emit()

    def _remove(self, row: ModelRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.setVisible(bool(self.rows))
        self.changed.emit()


class ModelRow(QWidget):
    """One further model."""

    def __init__(self) -> None:
        super().__init__()
        self.combo = NarrowCombo()
        self.combo.setToolTip("Model whose prediction is averaged with the others.")
        self.remove = QToolButton()
        self.remove.setText("×")
        self.remove.setToolTip("Do without this model.")
        self._models: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row_of(self.combo, self.remove, stretch=0))

    @property
    def model(self) -> Any:
        """The model chosen, or None."""
        index = self.combo.currentIndex()
        return self._models[index] if 0 <= index < len(self._models) else None

    @model.setter
    def model(self, model: Any) -> None:
        found = self._models.index(model) if model in self._models else -1
        self.combo.setCurrentIndex(found)

    def offer(self, models: Sequence[Any]) -> None:
        """Offer models, keeping the choice.

        Parameters
        ----------
        models : sequence of Path or engine.Model
            What can be chosen.
        """
        kept = self.model
        self._models = list(models)
        fill(self.combo, self._models)
        self.model = kept


def fill(combo: NarrowCombo, models: Sequence[Any]) -> None:
    """List models in a combo box, without telling anybody.

    Parameters
    ----------
    combo : NarrowCombo
        The combo box.
    models : sequence of Path or engine.Model
        What to list.
    """
    combo.blockSignals(True)
    combo.clear()
    for number, model in enumerate(models):
        combo.addItem(name_of(model))
        combo.setItemData(number, str(model), Qt.ItemDataRole.ToolTipRole)
    combo.setCurrentIndex(-1)
    combo.blockSignals(False)
