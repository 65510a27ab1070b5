"""A form for any settings model, made from its declaration alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_bioseg.settings import FieldSpec, Settings, describe, explain

from .editors import PLAIN_EDITORS, Editor
from .form_row import FormRow, capitalised, error_label, heading, tooltip
from .list_editor import ListEditor
from .nested_editors import ModelEditor, UnionEditor
from .section import Section
from .suggested_text import SuggestedTextEditor

NESTED_EDITORS: dict[str, Callable[[FieldSpec, Callable[[Settings], Any]], Editor]] = {
    "model": ModelEditor,
    "union": UnionEditor,
    "list": ListEditor,
}
"""The editor of each kind of setting that holds other settings."""
LABEL_WIDTH = 108
"""Pixels kept for labels, so that the controls of all parts of a form line up."""


class SettingsForm(QWidget):
    """Rows that show and change one settings value.

    Every row, its limits, step, unit and tooltip come from `describe`. Settings
    declared as advanced are folded away. Fields that are not shown keep their values.

    Parameters
    ----------
    settings : Settings
        The value shown at first.
    include : sequence of str, optional
        Fields to show, in this order; all of them by default.
    exclude : sequence of str
        Fields not to show.
    fold : bool
        Whether advanced settings are folded away.

    Notes
    -----
    ``changed`` emits the new settings, ``error`` the text that is also shown beside
    the row at fault, and ``""`` once all is well again.
    """

    changed = Signal(object)
    error = Signal(str)

    def __init__(
        self,
        settings: Settings,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        fold: bool = True,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._error = ""
        self._rows: dict[str, FormRow] = {}
        specs = _chosen(describe(type(settings)), include, exclude)
        plain = [spec for spec in specs if not (spec.advanced and fold)]
        folded = [spec for spec in specs if spec not in plain] if plain else []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._grid(plain or specs))
        self.advanced: Section | None = None
        if folded:
            self.advanced = Section("More", self._grid(_grouped(folded)), bold=False)
            layout.addWidget(self.advanced)
        self._general = error_label()
        layout.addWidget(self._general)
        self._show(settings)

    @property
    def native(self) -> QWidget:
        """The Qt widget, under the name that magicgui gives it."""
        return self

    @property
    def settings(self) -> Any:
        """The value shown, of the class the form was made with.

        Raises
        ------
        ValueError
            If what is shown is not allowed; the message is the one on the form.
        """
        if self._error:
            raise ValueError(self._error)
        return self._settings

    @settings.setter
    def settings(self, settings: Any) -> None:
        if type(settings) is not type(self._settings):
            raise ValueError(
                f"this form shows {type(self._settings).__name__}, "
                f"not {type(settings).__name__}"
            )
        differs = settings != self._settings
        was_wrong = bool(self._error)
        self._show(settings)
        if was_wrong:
            self._tell({})
        if differs:
            self._settings = settings
            self.changed.emit(settings)

    @property
    def error_text(self) -> str:
        """What is wrong with the values shown, or ``""``."""
        return self._error

    def editor(self, name: str) -> Editor:
        """Return the editor of one field.

        Parameters
        ----------
        name : str
            The field's name.

        Returns
        -------
        Editor

        Raises
        ------
        ValueError
            If the form has no such row.
        """
        if name not in self._rows:
            shown = ", ".join(self._rows)
            raise ValueError(f"this form has no row {name!r}; it has {shown}")
        return self._rows[name].editor

    def set_row_visible(self, name: str, visible: bool) -> None:
        """Show or hide one row; a hidden row keeps its value.

        Parameters
        ----------
        name : str
            The field's name.
        visible : bool
            Whether to show it.
        """
        self.editor(name)
        self._rows[name].show(visible)

    def _grid(self, specs: Sequence[FieldSpec]) -> QWidget:
        """Draw rows under the headings of their groups."""
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        group = ""
        for spec in specs:
            if spec.group != group:
                group = spec.group
                grid.addWidget(heading(group), grid.rowCount(), 0, 1, 2)
            self._add_row(grid, spec, alone=len(specs) == 1)
        return box

    def _add_row(self, grid: QGridLayout, spec: FieldSpec, *, alone: bool) -> None:
        """Draw label and editor side by side, large editors below a title."""
        current = getattr(self._settings, spec.name)
        editor = editor_for(replace(spec, default=current))
        editor.setToolTip(tooltip(spec))
        error = error_label()
        line = grid.rowCount()
        parts: tuple[QWidget, ...]
        if spec.kind == "list" and alone:
            grid.addWidget(editor, line, 0, 1, 2)
            parts = (editor,)
        elif spec.kind in ("model", "list"):
            section = Section(
                capitalised(spec.title), editor, expanded=spec.kind == "list"
            )
            section.setToolTip(tooltip(spec))
            grid.addWidget(section, line, 0, 1, 2)
            parts = (section,)
        else:
            label = QLabel(capitalised(spec.title))
            label.setToolTip(tooltip(spec))
            grid.addWidget(label, line, 0)
            if isinstance(editor, UnionEditor):
                grid.addWidget(editor.box, line, 1)
                grid.addWidget(editor, line + 1, 0, 1, 2)
                parts = (label, editor.box, editor)
            else:
                grid.addWidget(editor, line, 1)
                parts = (label, editor)
        grid.addWidget(error, line + 2, 0, 1, 2)
        editor.changed.connect(self._edited)
        self._rows[spec.name] = FormRow(spec, editor, error, parts)

    def _show(self, settings: Settings) -> None:
        for name, row in self._rows.items():
            row.editor.set_value(getattr(settings, name))

    def _edited(self) -> None:
        """Validate what is shown, then say what is wrong or what is new."""
        values = {
            name: getattr(self._settings, name)
            for name in type(self._settings).model_fields
        }
        problems: dict[str, str] = {}
        for name, row in self._rows.items():
            try:
                values[name] = row.editor.value()
            except ValueError as error:
                problems[name] = str(error)
        if not problems:
            try:
                settings = type(self._settings)(**values)
            except ValidationError as error:
                problems = self._blame(error)
            else:
                self._tell({})
                if settings != self._settings:
                    self._settings = settings
                    self.changed.emit(settings)
                return
        self._tell(problems)

    def _blame(self, error: ValidationError) -> dict[str, str]:
        """Sort the lines of `explain` by the row that they are about."""
        problems: dict[str, str] = {}
        for line in explain(error, type(self._settings)).splitlines():
            name = next(
                (n for n in self._rows if line.split(":")[0].split(" =")[0] == n),
                line.split(":")[0].split(".")[0],
            )
            key = name if name in self._rows else ""
            problems[key] = "\n".join(filter(None, [problems.get(key), line]))
        return problems

    def _tell(self, problems: dict[str, str]) -> None:
        for name, row in self._rows.items():
            text = problems.get(name, "")
            row.say("" if row.editor.shows_problem else text)
        self._general.setText(problems.get("", ""))
        self._general.setVisible("" in problems)
        text = "\n".join(problems.values())
        if text != self._error:
            self._error = text
            self.error.emit(text)


def editor_for(spec: FieldSpec) -> Editor:
    """Make the editor that suits a setting.

    Parameters
    ----------
    spec : FieldSpec
        As `describe` gives it.

    Returns
    -------
    Editor
    """
    make: Callable[[Settings], Any] = SettingsForm
    if spec.kind in NESTED_EDITORS:
        return NESTED_EDITORS[spec.kind](spec, make)
    if spec.kind == "text" and spec.suggestions:
        return SuggestedTextEditor(spec)
    return PLAIN_EDITORS[spec.kind](spec)


def _chosen(
    specs: Sequence[FieldSpec], include: Sequence[str] | None, exclude: Sequence[str]
) -> list[FieldSpec]:
    drawable = {spec.name: spec for spec in specs if spec.kind != "list" or spec.models}
    unknown = [n for n in (*(include or ()), *exclude) if n not in drawable]
    if unknown:
        raise ValueError(
            f"no row can be made for {', '.join(unknown)}; "
            f"there are {', '.join(drawable)}"
        )
    names = drawable if include is None else include
    return [drawable[name] for name in names if name not in exclude]


def _grouped(specs: Sequence[FieldSpec]) -> list[FieldSpec]:
    """Bring settings of one group together, those without a group first."""
    groups = list(dict.fromkeys(["", *(spec.group for spec in specs)]))
    return sorted(specs, key=lambda spec: groups.index(spec.group))
