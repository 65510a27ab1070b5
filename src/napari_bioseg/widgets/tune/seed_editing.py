"""Seeds that the user paints or erases, told from those that we draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_bioseg.channels.seed_edits import SeedEdits, edited
from napari_bioseg.widgets.bridge.layers import Slices
from napari_bioseg.widgets.jobs.worker import Latest

SETTLE = 120
"""Milliseconds after the last stroke before it counts."""
Frame = tuple[int, ...]


class SeedEditing(QObject):
    """Remembers which seeds were shown, and so which changes are the user's.

    Attributes
    ----------
    changed : Signal()
        Emitted when the user has changed seeds.
    finder : Latest
        Finds the changes in a thread.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._layer: Any = None
        self._leading = 0
        self._shown: NDArray[np.int32] | None = None
        self._edits: dict[Frame, SeedEdits] = {}
        self._drawing = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SETTLE)
        self._soon.timeout.connect(self._look)
        self.finder = Latest(find_changes)
        self.finder.result.connect(self._found)

    @property
    def pending(self) -> bool:
        """Whether a stroke has not been looked at yet: draw nothing over it."""
        return bool(self._soon.isActive() or self.finder.busy)

    @property
    def edits(self) -> dict[Frame, SeedEdits]:
        """The changes by frame: its place along the leading axes."""
        return dict(self._edits)

    def forget(self, leading: int | None = None) -> None:
        """Forget all changes.

        Parameters
        ----------
        leading : int, optional
            Number of leading axes of the prediction that is tuned from now on.
        """
        self._soon.stop()
        self.finder.forget()
        self._edits = {}
        if leading is not None:
            self._leading = leading
            self._shown = None

    def watch(self, layer: Any) -> None:
        """Listen to the layer that shows seeds.

        Parameters
        ----------
        layer : napari.layers.Labels
            The layer, as it was just made.
        """
        self._layer = layer
        self._shown = np.array(layer.data)
        layer.events.labels_update.connect(self._touched)
        layer.events.set_data.connect(self._touched)  # undo and redo say no more

    def drawn(self, region: Slices, seeds: NDArray[np.int32]) -> None:
        """Note what we are about to draw.

        Parameters
        ----------
        region : tuple of slice
            Where.
        seeds : ndarray
            What.
        """
        if self._shown is not None:
            self._shown[region] = seeds

    def ours(self, draw: Any) -> None:
        """Draw without taking it for a change by the user.

        Parameters
        ----------
        draw : callable
            Draws.
        """
        self._drawing = True
        try:
            draw()
        finally:
            self._drawing = False

    def _touched(self, _: object = None) -> None:
        if not self._drawing:
            self._soon.start()

    def _look(self) -> None:
        """Have the changes since the last look found in a thread."""
        if self._layer is None or self._shown is None:
            return
        now = np.array(self._layer.data, np.int32)
        if now.shape == self._shown.shape:
            self.finder.request(self._shown, now, dict(self._edits), self._leading)

    def _found(self, found: tuple[NDArray[np.int32], dict[Frame, SeedEdits]]) -> None:
        now, edits = found
        if edits != self._edits:
            self._shown, self._edits = now, edits
            # once the finder is at rest, or seeds would not be drawn yet
            QTimer.singleShot(0, self.changed.emit)


def find_changes(
    shown: NDArray[np.int32],
    now: NDArray[np.int32],
    edits: dict[Frame, SeedEdits],
    leading: int,
    *,
    cancelled: Callable[[], bool],
) -> tuple[NDArray[np.int32], dict[Frame, SeedEdits]]:
    """Find out what the user has changed, frame by frame.

    Parameters
    ----------
    shown, now : ndarray
        Int32: the seeds that were drawn, and what the layer holds.
    edits : dict
        Changes known, by frame.
    leading : int
        Number of leading axes.
    cancelled : callable
        Says whether a newer look waits.

    Returns
    -------
    now : ndarray
        As given.
    edits : dict
        All changes, by frame.
    """
    for frame in np.ndindex(now.shape[:leading]):
        if cancelled():
            break
        changes = edited(shown[frame], now[frame], edits.get(frame))
        if changes is not None:
            edits[frame] = changes
    return now, edits
