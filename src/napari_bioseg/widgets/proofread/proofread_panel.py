"""The panel in which objects are corrected by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtGui import QHideEvent, QShowEvent

from napari_bioseg.edit import Boxes
from napari_bioseg.widgets.bridge.axes import unwrapped
from napari_bioseg.widgets.bridge.hand_edits import hands_changed
from napari_bioseg.widgets.bridge.layer_combo import LayerCombo
from napari_bioseg.widgets.bridge.matching import is_labels
from napari_bioseg.widgets.bridge.replaced import pixels_replaced
from napari_bioseg.widgets.forms.alive import alive
from napari_bioseg.widgets.jobs.worker import Latest, notify
from napari_bioseg.widgets.panel import Panel

from .correcting import Correcting, Scene
from .follow import Following
from .guide import Guide, find_guide
from .handover import Learning
from .layout import Layout
from .locking import Locking
from .reviewing import Reviewing
from .target import Frame, Target
from .tools import TOOLS, Tool
from .work import Action, Corrected, Order, index

if TYPE_CHECKING:
    from napari.viewer import Viewer

FRAMES = 8
"""Time points whose objects' boxes are remembered."""


class ProofreadPanel(Panel):
    """Corrects the objects of a labels layer one by one.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose labels are corrected.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self._target: Target | None = None
        self._boxes: dict[Frame, Boxes] = {}
        self._guide: Guide | None = None
        self._correcting = Correcting(self._scene, self)
        self._indexing = Latest(index)
        self.labels = LayerCombo(
            napari_viewer, is_labels, "no labels layer", topmost=True
        )
        self.ui = Layout(self.viewer, self.labels, self._calls())
        self.add(*self.ui.parts)
        self._reviewing = Reviewing(
            self.viewer, self.ui.review, self._scene, self._show, self
        )
        self._locking = Locking(self.viewer, self.ui, lambda: self._target)
        self._learning = Learning(self.viewer, self.ui, lambda: self._target, self)
        self._live = (
            self._correcting.working,
            self._indexing,
            self._reviewing.doubting,
            self._learning.choosing,
        )
        self._following = Following(self._painted, self._replaced)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(60)
        self._soon.timeout.connect(self._look)
        self._connect()
        self._choose()

    @property
    def target(self) -> Target | None:
        """The labels that are corrected."""
        return self._target

    @property
    def busy(self) -> bool:
        """Whether something is worked out or waits."""
        return (
            self._correcting.busy
            or self.ui.keys.busy
            or self._soon.isActive()
            or any(work.busy for work in self._live)
        )

    @property
    def selected(self) -> int:
        """Id of the object that is worked on; 0 for none."""
        return self.ui.selected

    def close_threads(self) -> None:
        """End the panel's threads; the panel answers to nothing any more."""
        self._correcting.forget()
        self.ui.keys.close_thread()
        self.ui.tools.follow(None)
        self._following.follow(None)
        for work in self._live:
            work.close()

    # ---- what is corrected ----

    def _calls(self) -> dict[str, Callable[[], object]]:
        """Return what each key and button does."""
        calls: dict[str, Callable[[], object]] = {
            "divide": self.divide,
            "delete": lambda: self.do("delete"),
            "fill": lambda: self.do("fill"),
            "smooth": lambda: self.do("smooth"),
            "redraw": lambda: self.do("redraw"),
            "lock": lambda: self.lock(),
            "following": lambda: self.ui.review.step(1),
            "previous": lambda: self.ui.review.step(-1),
        }
        for tool in TOOLS:
            calls[tool] = partial(self._take_tool, tool)
        return calls

    def _connect(self) -> None:
        ui = self.ui
        self.labels.changed.connect(self._choose)
        ui.tools.picked.connect(self._picked)
        ui.tools.joined.connect(lambda ids, at: self._order("join", ids, at))
        ui.tools.cut.connect(lambda ids, line: self._order("cut", ids, line))
        ui.tools.refused.connect(lambda text: ui.status.say(text, "warning"))
        ui.undo.clicked.connect(lambda: self._history("undo"))
        ui.redo.clicked.connect(lambda: self._history("redo"))
        self._correcting.done.connect(self._corrected)
        self._correcting.refused.connect(ui.status.say)
        self._indexing.result.connect(self._indexed)
        self._indexing.failed.connect(self._failed)
        self._reviewing.doubting.failed.connect(self._failed)
        self.viewer.dims.events.current_step.connect(self._moved)
        for event in ("inserted", "removed"):
            getattr(self.viewer.layers.events, event).connect(self._layers_changed)
        pixels_replaced.connect(self._pixels_replaced)
        hands_changed.connect(self._hands_changed)
        self.destroyed.connect(partial(self._indexing.close, 0.2))

    def _choose(self) -> None:
        """Take the labels layer that is chosen."""
        layer = self.labels.layer
        if self._target is not None and unwrapped(layer) is self._target.layer:
            return
        self._drop()
        ui = self.ui
        if layer is None:
            ui.say_layer("Open or predict labels first.", "hint")
            return
        try:
            self._target = Target(layer)
        except ValueError as error:
            ui.say_layer(str(error), "error")
            return
        self._following.follow(self._target.layer)
        if self.isVisible():
            self._take_up()
        self._look()

    def _drop(self) -> None:
        """Let go of the labels."""
        self._correcting.forget()
        for work in self._live:
            work.forget()
        self._boxes = {}
        self._guide = None
        self._target = None
        self._following.follow(None)
        self.ui.keys.unbind()
        self.ui.tools.follow(None)
        self.ui.tools.tool = "pick"
        self.ui.forget()

    def _look(self) -> None:
        """Find out where objects are and what splits can follow."""
        target = self._target
        if target is None or not alive(self):
            return
        if target.layer not in self.viewer.layers:
            return
        self._guide = find_guide(self.viewer, target)
        frame = target.frame(self.viewer)
        if frame in self._boxes:
            self._say_objects()
        else:
            self.ui.say_layer("Looking for the objects …", "hint")
            self._indexing.request(target, frame)

    def _indexed(self, found: tuple[Target, Frame, Boxes]) -> None:
        target, frame, boxes = found
        if target is self._target:
            while len(self._boxes) >= FRAMES:
                del self._boxes[next(iter(self._boxes))]
            self._boxes[frame] = boxes
            self._say_objects()

    def _say_objects(self) -> None:
        target = self._target
        if target is None:
            return
        boxes = self._boxes.get(target.frame(self.viewer))
        self.ui.say_objects(boxes, self._guide)
        self.ui.say_locked(len(target.locked))

    def _moved(self, _: object = None) -> None:
        if self._target is not None and self._target.leading and alive(self):
            self._soon.start()

    def _layers_changed(self, event: Any) -> None:
        if alive(self) and "bioseg" in event.value.metadata:
            self._soon.start()

    def _pixels_replaced(self, layer: Any) -> None:
        if alive(self) and self._target is not None and layer is self._target.layer:
            self._replaced()

    def _hands_changed(self, layer: Any) -> None:
        """Follow locks that came with an edit, or went when it was undone."""
        target = self._target
        if alive(self) and target is not None and layer is target.layer:
            self._locking.say()

    def _replaced(self) -> None:
        """Look anew: these are other labels now."""
        self._boxes = {}
        self._indexing.forget()
        if self._target is not None:
            try:
                self._target = Target(self._target.layer)
            except ValueError as error:
                self._drop()
                self.ui.say_layer(str(error), "error")
                return
        if self.ui.review.frame is not None:
            self.ui.review.note.say("The labels changed: list them again.", "warning")
        self._soon.start()

    def _painted(self, changes: list[tuple[int, tuple[slice, ...]]]) -> None:
        """Keep boxes right while somebody paints."""
        target = self._target
        if target is None:
            return
        for number, box in changes:
            for frame, boxes in self._boxes.items():
                ahead = box[: target.leading]
                inside = all(
                    side.start <= place < side.stop
                    for place, side in zip(frame, ahead, strict=True)
                )
                if inside and number > 0:
                    boxes.include(number, box[target.leading :])

    # ---- corrections ----

    def do(self, action: Action) -> None:
        """Correct the selected object.

        Parameters
        ----------
        action : {"delete", "fill", "smooth", "redraw"}
            What to do.
        """
        if self._target is None:
            return
        if not self.selected:
            self.ui.status.say("click an object first (tool Pick)", "warning")
            return
        place = self.ui.place
        points = np.zeros((0, self._target.layer.ndim), int)
        if place is not None:
            points = np.asarray(place)[None]
        self._order(action, [self.selected], points)

    def divide(self) -> None:
        """Divide objects at the seeds that were put into them."""
        if self._target is None or self.ui.tools.tool != "split":
            return
        ids, points = self.ui.tools.seeds
        if not ids:
            self.ui.status.say("click once into each part first", "warning")
            return
        self.ui.tools.forget()
        self._order("split", list(ids), points)

    def _order(self, action: Action, ids: list[int], points: NDArray[Any]) -> None:
        target = self._target
        if target is None:
            return
        frame = target.frame(self.viewer)
        if len(points):
            frame = tuple(int(place) for place in points[0][: target.leading])
        here = np.asarray(points)[:, target.leading :]
        radius = self.ui.radius.value()
        self._correcting.add(Order(action, frame, tuple(ids), here, radius))

    def _corrected(self, done: Corrected) -> None:
        """Show a correction that is in the labels now."""
        order, change = done.order, done.change
        self.ui.status.say(done.text, "good")
        kept = change.touched[0] if change.touched else 0
        if order.action == "redraw":
            self._hand_brush(order.ids[0])
        else:
            self._select(kept, order.points[0] if len(order.points) else None)
        for number in change.touched:
            self.ui.review.mark(number, "✓ changed")
        for number in change.gone:
            self.ui.review.mark(number, "gone")
        self._say_objects()

    def _failed(self, error: Exception) -> None:
        self.ui.say_layer(str(error), "error")
        if not isinstance(error, ValueError):
            notify(error)

    def _hand_brush(self, number: int) -> None:
        """Let the user paint an object anew with napari's brush."""
        if self._target is None:
            return
        layer = self._target.layer
        self._take_tool("pick")
        self.viewer.layers.selection.active = layer
        layer.selected_label = number
        layer.preserve_labels = True
        layer.mode = "paint"
        self._select(number, None)

    def _history(self, way: str) -> None:
        if self._target is not None:
            self._correcting.finish()  # else a step before it would be taken back
            getattr(self._target.layer, way)()
            self._say_objects()

    # ---- objects ----

    def _take_tool(self, tool: Tool) -> None:
        self.ui.tools.tool = tool
        if tool == "pick" and self._target is not None:
            self._target.layer.mode = "pan_zoom"

    def _picked(self, number: int, place: NDArray[np.int64] | None) -> None:
        self._select(number, place)
        self.ui.review.choose(number)

    def _show(self, number: int) -> None:
        self._select(number, None)

    def _select(self, number: int, place: NDArray[np.int64] | None) -> None:
        self._locking.select(number, place)

    def lock(self) -> None:
        """Lock the selected object as correct, or unlock it."""
        self._locking.lock()

    def _scene(self) -> Scene | None:
        """Return what is reviewed."""
        target = self._target
        return None if target is None else (target, self._boxes, self._guide)

    # ---- shown and hidden ----

    def _take_up(self) -> None:
        if self._target is not None:
            self.ui.keys.bind(self.viewer, self._target.layer)
            self.ui.tools.follow(self._target)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take the keys and the mouse."""
        super().showEvent(event)
        self._take_up()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Give the keys and the mouse back."""
        super().hideEvent(event)
        if alive(self):
            self.ui.tools.tool = "pick"
            self.ui.tools.follow(None)
            self.ui.keys.unbind()
