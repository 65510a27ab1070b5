"""Objects listed in order of doubt, and shown one after another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_bioseg.widgets.bridge.looking import look_at
from napari_bioseg.widgets.jobs.worker import Latest

from .correcting import Scene
from .review import Review
from .target import Frame, Target
from .work import doubts

if TYPE_CHECKING:
    import pandas as pd


class Reviewing(QObject):
    """Fills the list of doubtful objects and brings the chosen one into view.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    review : Review
        The list.
    scene : callable
        Returns what is corrected now, or None.
    select : callable
        Called with the object that is shown.
    parent : QObject
        The panel.

    Attributes
    ----------
    doubting : Latest
        Looks at all objects in a thread.
    """

    def __init__(
        self,
        viewer: Any,
        review: Review,
        scene: Callable[[], Scene | None],
        select: Callable[[int], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._review = viewer, review
        self._scene, self._select = scene, select
        self.doubting = Latest(doubts)
        self.doubting.result.connect(self._listed)
        review.wanted.connect(self._list)
        review.shown.connect(self._show)
        parent.destroyed.connect(partial(self.doubting.close, 0.2))

    def _list(self) -> None:
        scene = self._scene()
        if scene is not None:
            target, _, guide = scene
            self._review.note.say("Looking at every object …")
            self.doubting.request(target, target.frame(self._viewer), guide)

    def _listed(self, found: tuple[Target, Frame, pd.DataFrame]) -> None:
        target, _, table = found
        scene = self._scene()
        if scene is not None and target is scene[0]:
            self._review.show_table(table)
            for number in target.locked:
                self._review.mark(number, "✓")

    def _show(self, number: int, middle: NDArray[np.float64]) -> None:
        scene = self._scene()
        if scene is None:
            return
        target, known, _ = scene
        frame = target.frame(self._viewer)
        boxes = known.get(frame)
        box = None if boxes is None else boxes.get(number)
        size = None
        if box is not None:
            sides = [side.stop - side.start for side in box]
            size = [*([1.0] * target.leading), *map(float, sides)]
        look_at(self._viewer, target.layer, [*frame, *middle], size)
        self._select(number)
