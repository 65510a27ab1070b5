"""A progress bar that repaints a few times a second at most."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QProgressBar, QWidget

REPAINTS = 4
"""Most repaints per second: more would take time from the work that is shown."""


def clock(seconds: float) -> str:
    """Write a duration as ``0:42``, ``12:05`` or ``1:02:03``.

    Parameters
    ----------
    seconds : float
        The duration; negative counts as zero.

    Returns
    -------
    str

    Examples
    --------
    >>> clock(42.4), clock(725), clock(3723)
    ('0:42', '12:05', '1:02:03')
    """
    total = round(max(seconds, 0.0))
    hours, rest = divmod(total, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{left:02d}"
    return f"{minutes}:{left:02d}"


class ProgressLine(QProgressBar):
    """One bar with one line of text on it.

    Parameters
    ----------
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 1000)
        self._newest: tuple[float | None, str] = (0.0, "")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(1000 // REPAINTS)
        self._timer.timeout.connect(self._paint)
        self.setVisible(False)

    def report(self, share: float | None, text: str) -> None:
        """Show how far the work is; calls in quick succession cost nothing.

        Parameters
        ----------
        share : float or None
            0 to 1, or None while it is not known.
        text : str
            What to write on the bar.
        """
        self._newest = (share, text)
        if not self._timer.isActive():
            self._timer.start()
            self._paint()

    def finish(self, text: str = "") -> None:
        """Stop repainting; without a text the bar goes away.

        Parameters
        ----------
        text : str
            What to leave on the full bar.
        """
        self._timer.stop()
        self._newest = (1.0, text)
        self._paint()
        self.setVisible(bool(text))

    def _paint(self) -> None:
        share, text = self._newest
        self.setVisible(True)
        if share is None:
            # A moving "busy" bar would repaint all the time; an empty one does not.
            share = 0.0
        self.setValue(round(1000 * min(max(share, 0.0), 1.0)))
        self.setFormat(text)
