"""Changes written into labels through napari's history, large ones in pieces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer

from napari_bioseg.edit import Change

from .axes import unwrapped
from .hand_edits import watch_hands

PIECE = 1 << 16
"""Pixels written at once, which takes napari some 10 ms."""
Then = Callable[[bool], object]
"""Called with whether the change was written; otherwise the labels are as before."""


class Writing(QObject):
    """Writes one change after another, each as one step of napari's own history.

    A change of millions of pixels would keep the window waiting, so between two pieces
    of it the window goes on; napari takes all of them back at once.

    Parameters
    ----------
    parent : QObject, optional
        Who owns it.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft: _Draft | None = None
        self._next = QTimer(self)
        self._next.setInterval(0)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._go_on)

    @property
    def busy(self) -> bool:
        """Whether a change is half written."""
        return self._draft is not None

    def write(
        self, layer: Any, change: Change, frame: tuple[int, ...], then: Then
    ) -> None:
        """Write a change, a small one before this returns.

        Parameters
        ----------
        layer : napari.layers.Labels
            The labels.
        change : Change
            The change, in the axes of the frame.
        frame : tuple of int
            Place along the axes before these.
        then : callable
            Called at the end with True, or with False where the labels no longer are
            what the change was worked out from; then nothing is changed.

        Raises
        ------
        ValueError
            If the labels cannot be written to.
        """
        self.finish()
        if not getattr(getattr(layer.data, "flags", None), "writeable", True):
            raise ValueError(
                f"{layer.name} can only be read, as files are that are opened so; "
                "duplicate the layer and change the copy"
            )
        self._draft = _Draft(unwrapped(layer), change, frame, then)
        self._go_on()

    def finish(self) -> None:
        """Write what is left at once: labels are never left half changed."""
        while self._draft is not None:
            self._go_on()

    def _go_on(self) -> None:
        draft = self._draft
        if draft is None:
            return
        try:
            fits = draft.write_piece()
        except Exception:
            self._draft = None  # else everything after it would wait for ever
            draft.take_back()
            draft.then(False)
            raise
        if fits and not draft.complete:
            self._next.start()
            return
        self._next.stop()
        self._draft = None
        if not fits:
            draft.take_back()
        else:
            draft.close()
        draft.then(fits)


class _Draft:
    """A change that is being written."""

    def __init__(
        self, layer: Any, change: Change, frame: tuple[int, ...], then: Then
    ) -> None:
        self.then = then
        self._layer, self._change, self._frame = layer, change, frame
        self._data = layer.data
        self._done = 0
        self._large = change.size > PIECE
        self._history = ExitStack()
        if self._large:
            watch_hands(layer)  # asks the layer whether a change is half written
            self._history.enter_context(layer.block_history())

    @property
    def complete(self) -> bool:
        """Whether all pieces are written."""
        return self._done >= self._change.size

    def write_piece(self) -> bool:
        """Write one piece, unless its pixels are not what they were."""
        layer, change = self._layer, self._change
        here = slice(self._done, self._done + PIECE)
        old, new = change.old[here], change.new[here]
        before = (np.full(old.size, place, np.int64) for place in self._frame)
        indices = (*before, *(axis[here] for axis in change.indices))
        if layer.data is not self._data:
            return False
        if not np.array_equal(np.asarray(layer.data[indices]), old):
            return False
        value = int(new[0]) if (new == new[0]).all() else new
        layer.data_setitem(indices, value, refresh=not self._large)
        self._done += old.size
        return True

    def close(self) -> None:
        """Make all pieces one step of the history, which locks the objects too."""
        self._history.close()
        watch_hands(self._layer).gone(self._change.gone)
        if self._large:
            self._layer.refresh()

    def take_back(self) -> None:
        """Leave the labels as they were before the first piece."""
        self._history.close()
        if self._done and self._layer.data is self._data:
            self._layer.undo()
