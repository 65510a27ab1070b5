"""One row of a form: label, editor, help and error."""

from __future__ import annotations

import html
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_bioseg.settings import FieldSpec

from .editors import Editor

ERROR_STYLE = "color: #e5534b;"
"""Readable on napari's dark and light themes."""


@dataclass
class FormRow:
    """One setting in a form: its editor, and where its error is shown."""

    spec: FieldSpec
    editor: Editor
    error: QLabel
    parts: tuple[QWidget, ...]

    def say(self, text: str) -> None:
        """Show what is wrong, or nothing.

        Parameters
        ----------
        text : str
            What is wrong.
        """
        self.error.setText(text)
        self.error.setVisible(bool(text))

    def show(self, visible: bool) -> None:
        """Show or hide the row.

        Parameters
        ----------
        visible : bool
            Whether to show it.
        """
        for part in self.parts:
            part.setVisible(visible)
        self.error.setVisible(visible and bool(self.error.text()))


def tooltip(spec: FieldSpec) -> str:
    """Return a setting's help, allowed values and default as rich text.

    Parameters
    ----------
    spec : FieldSpec
        The setting.

    Returns
    -------
    str
        HTML, so that Qt wraps long lines.
    """
    parts = [html.escape(spec.help)]
    if spec.allowed and spec.kind != "bool":
        unit = f" {spec.unit}" if spec.unit else ""
        parts.append(f"<i>Allowed: {html.escape(spec.allowed + unit)}</i>")
    if isinstance(spec.default, str | int | float):
        parts.append(f"<i>Default: {html.escape(str(spec.default))}</i>")
    return f"<p>{'<br>'.join(part for part in parts if part)}</p>"


def capitalised(text: str) -> str:
    """Return a text with its first letter in upper case and the rest as it is.

    Parameters
    ----------
    text : str
        For example ``"seed B"``.

    Returns
    -------
    str
    """
    return text[:1].upper() + text[1:]


def error_label() -> QLabel:
    """Make the hidden line in which a row says what is wrong.

    Returns
    -------
    QLabel
    """
    label = QLabel()
    label.setWordWrap(True)
    label.setStyleSheet(ERROR_STYLE)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.hide()
    return label


def heading(text: str) -> QLabel:
    """Make the line above the rows of one group.

    Parameters
    ----------
    text : str
        What the group is about.

    Returns
    -------
    QLabel
    """
    label = QLabel(text)
    label.setStyleSheet("font-style: italic; padding-top: 4px;")
    return label
