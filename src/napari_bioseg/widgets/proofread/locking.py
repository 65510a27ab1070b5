"""Which object is worked on, and which are locked as correct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .layout import Layout
from .target import Target


class Locking:
    """Selects objects and locks them, so that later tuning leaves them alone.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    ui : Layout
        Where it is shown.
    target : callable
        Returns the labels, or None.
    """

    def __init__(
        self, viewer: Any, ui: Layout, target: Callable[[], Target | None]
    ) -> None:
        self._viewer, self._ui, self._target = viewer, ui, target
        ui.unlock.clicked.connect(self.unlock_all)

    def select(self, number: int, place: NDArray[np.int64] | None) -> None:
        """Work on another object.

        Parameters
        ----------
        number : int
            Its id; 0 for none.
        place : ndarray or None
            A pixel in it, in axes of the layer or of its frame, where one is known.
        """
        target = self._target()
        if target is None:
            return
        if number:
            target.layer.selected_label = number
        full = place
        if place is not None and len(place) < target.layer.ndim:
            full = np.array([*target.frame(self._viewer), *place])
        self._ui.say_selected(number, full, locked=number in target.locked)

    def say(self) -> None:
        """Show which objects are locked now."""
        target = self._target()
        if target is not None:
            self.select(self._ui.selected, self._ui.place)
            self._ui.say_locked(len(target.locked))

    def lock(self) -> None:
        """Lock the selected object as correct, or unlock it."""
        target, selected = self._target(), self._ui.selected
        if target is None:
            return
        if not selected:
            self._ui.status.say("click an object first (tool Pick)", "warning")
            return
        if selected in target.locked:
            target.let_go([selected])
            self._ui.review.mark(selected, "·")
        else:
            target.locked = (*target.locked, selected)
            self._ui.review.mark(selected, "✓")
        self.say()

    def unlock_all(self) -> None:
        """Let tuning change every object again."""
        target = self._target()
        if target is not None:
            target.let_go()
            self.say()
