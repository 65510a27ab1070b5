"""How panels lay out their parts: headings, labels, controls side by side."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QVBoxLayout,
    QWidget,
)


def title(text: str) -> QWidget:
    """Return a heading with a fine rule beside it.

    Parameters
    ----------
    text : str
        The heading.

    Returns
    -------
    QWidget
    """
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 6, 0, 0)
    row.setSpacing(6)
    label = QLabel(text)
    label.setObjectName("title")
    rule = QFrame()
    rule.setObjectName("rule")
    row.addWidget(label)
    row.addWidget(rule, 1)
    return widget


def field(text: str, tip: str = "", width: int = 0) -> QLabel:
    """Return the label in front of a control.

    Parameters
    ----------
    text : str
        The label.
    tip : str
        Sentence of help shown on hover.
    width : int
        Width in pixels, so that the controls of several rows line up.

    Returns
    -------
    QLabel
    """
    label = QLabel(text)
    label.setObjectName("field")
    label.setToolTip(tip)
    if width:
        label.setFixedWidth(width)
    return label


def row_of(*parts: QWidget | QLayout, stretch: int | None = None) -> QHBoxLayout:
    """Lay widgets side by side.

    Parameters
    ----------
    *parts : QWidget or QLayout
        What to lay out.
    stretch : int, optional
        Index of the part that takes the room that is left.

    Returns
    -------
    QHBoxLayout
    """
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    for index, part in enumerate(parts):
        if isinstance(part, QLayout):
            row.addLayout(part, int(index == stretch))
        else:
            row.addWidget(part, int(index == stretch))
    return row


def put_below(widget: QWidget, *parts: QWidget | QLayout, spacing: int = 2) -> None:
    """Lay the parts of a widget out one below the other, without a margin.

    Parameters
    ----------
    widget : QWidget
        What they are parts of.
    *parts : QWidget or QLayout
        From above.
    spacing : int
        Pixels between them.
    """
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
