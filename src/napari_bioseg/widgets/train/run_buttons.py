"""The buttons that start, pause, stop and continue a training."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QWidget

from .buttons import enable, wide_button

START = "Start training a new model."
NOTHING = "nothing is being trained"


class RunButtons(QWidget):
    """Train in a row of its own; Pause, Stop and Continue below it.

    Parameters
    ----------
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.train = wide_button("Train", START, main=True)
        self.pause = wide_button("Pause", "")
        self.stop = wide_button("Stop", "")
        self.go_on = wide_button("Continue", "")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.train, 0, 0, 1, 3)
        for column, button in enumerate((self.pause, self.stop, self.go_on)):
            layout.addWidget(button, 1, column)

    def follow(self, state: str, reason: str, onward: tuple[str, str]) -> None:
        """Enable what can be done now, and let the others say why not.

        Parameters
        ----------
        state : str
            Of the training's job.
        reason : str
            Why no training can start now, or ``""``.
        onward : (str, str)
            Why an earlier training cannot be continued, or ``""``, and what that does.
        """
        enable(self.train, reason, START)
        paused = state == "paused"
        idle = "" if state in ("running", "paused") else NOTHING
        self.pause.setText("Resume" if paused else "Pause")
        tip = "Go on." if paused else "Wait until Resume is pressed."
        enable(self.pause, idle, tip)
        enable(self.stop, idle, "End the training now and keep the best model so far.")
        obstacle, tip = onward
        enable(self.go_on, reason or obstacle, tip)
