"""Editors of settings inside settings: one model, or one out of several kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QVBoxLayout

from napari_bioseg.settings import FieldSpec, Settings, describe

from .editors import Editor
from .list_editor import kind_help, kind_title
from .spin_boxes import guard_wheel

MakeForm = Callable[[Settings], Any]
"""Makes a `SettingsForm`; given, as the form itself draws these editors."""


class ModelEditor(Editor):
    """Nested settings as a form of their own."""

    shows_problem = True

    def __init__(self, spec: FieldSpec, make_form: MakeForm) -> None:
        super().__init__()
        self.form = make_form(spec.default)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 0, 0)
        layout.addWidget(self.form)
        self.form.changed.connect(lambda _: self.changed.emit())
        self.form.error.connect(lambda _: self.changed.emit())

    def value(self) -> Settings:
        """Return the nested settings; raises ValueError while they are wrong."""
        settings: Settings = self.form.settings
        return settings

    def set_value(self, value: Any) -> None:
        """Show nested settings."""
        self.form.blockSignals(True)
        self.form.settings = value
        self.form.blockSignals(False)


class UnionEditor(Editor):
    """The settings of one kind out of several; the form lays out its combo box.

    Attributes
    ----------
    box : QComboBox
        The kinds.
    """

    shows_problem = True

    def __init__(self, spec: FieldSpec, make_form: MakeForm) -> None:
        super().__init__()
        self._kinds = spec.models
        self._make_form = make_form
        self.box = QComboBox()
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setMinimumContentsLength(6)
        guard_wheel(self.box)
        for kind in self._kinds:
            self.box.addItem(kind_title(kind), kind)
            self.box.setItemData(
                self.box.count() - 1, kind_help(kind), Qt.ItemDataRole.ToolTipRole
            )
        self._forms: dict[type[Settings], Any] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(10, 0, 0, 0)
        self.set_value(spec.default)
        self.box.currentIndexChanged.connect(self._chosen)

    @property
    def form(self) -> Any:
        """The form of the kind chosen."""
        return self._form_of(self.box.currentData())

    def value(self) -> Settings:
        """Return the settings of the kind chosen."""
        settings: Settings = self.form.settings
        return settings

    def set_value(self, value: Any) -> None:
        """Choose the kind of some settings and show them."""
        form = self._form_of(type(value), value)
        form.blockSignals(True)
        form.settings = value
        form.blockSignals(False)
        self.box.blockSignals(True)
        self.box.setCurrentIndex(self._kinds.index(type(value)))
        self.box.blockSignals(False)
        self._show(form)

    def _form_of(self, kind: type[Settings], value: Settings | None = None) -> Any:
        if kind not in self._forms:
            form = self._make_form(value or kind())
            form.changed.connect(lambda _: self.changed.emit())
            form.error.connect(lambda _: self.changed.emit())
            self._layout.addWidget(form)
            self._forms[kind] = form
        return self._forms[kind]

    def _chosen(self) -> None:
        self._show(self.form)
        self.changed.emit()

    def _show(self, shown: Any) -> None:
        for kind, form in self._forms.items():
            form.setVisible(form is shown and bool(describe(kind)))
        self.setVisible(bool(describe(self.box.currentData())))
