"""Push buttons that say why they are disabled."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QSizePolicy


def wide_button(text: str, tip: str, *, main: bool = False) -> QPushButton:
    """Make a button that takes the room there is.

    Parameters
    ----------
    text, tip : str
        What stands on it, and the sentence shown on hover.
    main : bool
        Whether it is the one button of the panel that counts most.

    Returns
    -------
    QPushButton
    """
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    if main:
        button.setObjectName("main")
    return button


def enable(button: QPushButton, reason: str, tip: str) -> None:
    """Enable a button, or disable it and say why on hover.

    Parameters
    ----------
    button : QPushButton
        The button.
    reason : str
        Why it is disabled; empty enables it.
    tip : str
        What it does.
    """
    button.setEnabled(not reason)
    button.setToolTip(f"Not now: {reason}" if reason else tip)
