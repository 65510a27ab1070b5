"""What clicks and strokes on the labels mean, depending on the tool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_bioseg.edit import trace
from napari_bioseg.widgets.bridge.axes import unwrapped

from .marks import Marks
from .target import Target

Tool = Literal["pick", "join", "cut", "split"]
TOOLS: dict[Tool, tuple[str, str]] = {
    "pick": ("Pick", "Click an object to work on it; drag to move the view"),
    "join": ("Join", "Click two objects, or draw a line across several"),
    "cut": ("Cut", "Draw a line across an object, from one side to the other"),
    "split": ("Seeds", "Click once into each part, then press {divide}"),
}
"""Tool -> (its name, what to do with it)."""
CLICK = 3.0
"""Pixels on the canvas that the mouse may move during a click."""
REDRAW = 0.04
"""Seconds between two drawings of a stroke."""


class Tools(QObject):
    """Turns the mouse into orders.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    anchor : QWidget
        A widget in the viewer's window.

    Attributes
    ----------
    picked : Signal(int, object)
        An object and where it was clicked (pixels of the layer, or None in 3-D).
    joined : Signal(object, object)
        Ids and one place in each.
    cut : Signal(object, object)
        Ids and all pixels of the line.
    refused : Signal(str)
        Why a click or a stroke means nothing.
    seeds_changed : Signal(int)
        How many seeds there are now.
    tool_changed : Signal(str)
        The tool in hand is another one.
    """

    picked = Signal(int, object)
    joined = Signal(object, object)
    cut = Signal(object, object)
    refused = Signal(str)
    seeds_changed = Signal(int)
    tool_changed = Signal(str)

    def __init__(self, viewer: Any, anchor: QWidget) -> None:
        super().__init__(anchor)
        self._viewer = unwrapped(viewer)
        self.marks = Marks(viewer, anchor)
        self._target: Target | None = None
        self._tool: Tool = "pick"
        self._first: tuple[int, NDArray[np.int64]] | None = None
        self._seeds: list[tuple[int, NDArray[np.int64]]] = []
        self._drawn = 0.0

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self.forget()
        changed = tool != self._tool
        self._tool = tool
        self._hold()
        if changed:
            self.tool_changed.emit(tool)

    @property
    def seeds(self) -> tuple[tuple[int, ...], NDArray[np.int64]]:
        """The objects that hold seeds, and the seeds ``(n, axes of the layer)``."""
        ids = tuple(dict.fromkeys(number for number, _ in self._seeds))
        return ids, np.array([place for _, place in self._seeds], np.int64)

    def follow(self, target: Target | None) -> None:
        """Listen to the mouse over another layer.

        Parameters
        ----------
        target : Target or None
            The labels to correct; None listens to nothing.
        """
        self.forget()
        if self._target is not None:
            layer = self._target.layer
            if self._drag in layer.mouse_drag_callbacks:
                layer.mouse_drag_callbacks.remove(self._drag)
            layer.events.mode.disconnect(self._mode_changed)
            if layer.mode == "pan_zoom":
                layer.mouse_pan = True
        self._target = target
        if target is not None:
            target.layer.mouse_drag_callbacks.append(self._drag)
            target.layer.events.mode.connect(self._mode_changed)
            self._hold()

    def forget(self) -> None:
        """Drop clicks and seeds that led to nothing yet."""
        self._first = None
        had = bool(self._seeds)
        self._seeds = []
        self.marks.clear()
        if had:
            self.seeds_changed.emit(0)

    def _hold(self) -> None:
        """Let the mouse draw instead of moving the view, if the tool draws."""
        if self._target is None:
            return
        layer = self._target.layer
        if self._tool != "pick":
            if layer.mode != "pan_zoom":
                layer.mode = "pan_zoom"
            if layer in self._viewer.layers:
                self._viewer.layers.selection.active = layer
        if layer.mode == "pan_zoom":
            layer.mouse_pan = self._tool == "pick"

    def _mode_changed(self, _: object = None) -> None:
        """Put the tool away when the user takes napari's brush."""
        if self._target is None:
            return
        if self._target.layer.mode != "pan_zoom" and self._tool != "pick":
            self.tool = "pick"
        elif self._target.layer.mode == "pan_zoom":
            self._target.layer.mouse_pan = self._tool == "pick"

    # ---- mouse ----

    def _drag(self, layer: Any, event: Any) -> Iterator[None]:
        if self._target is None or event.button != 1 or layer.mode != "pan_zoom":
            return
        flat = len(event.dims_displayed) == 2
        start = np.asarray(event.pos, float)
        places = [self._place(layer, event)]
        ids = [self._object(layer, event)]
        stroke = False
        yield
        while event.type == "mouse_move":
            stroke |= bool(np.abs(np.asarray(event.pos) - start).max() > CLICK)
            if stroke and self._tool in ("join", "cut") and flat:
                places.append(self._place(layer, event))
                ids.append(self._object(layer, event))
                self._draw(places)
            yield
        if not flat and self._tool in ("cut", "split"):
            self.refused.emit("cutting and seeds need the 2-D display: switch to it")
        elif self._tool == "pick":
            if not stroke:
                self.picked.emit(ids[0], places[0] if flat else None)
        elif self._tool == "split":
            self._add_seed(ids[0], places[0])
        elif stroke:
            self._end_stroke(places)
        elif self._tool == "join":
            self._click_to_join(ids[0], places[0])
        else:
            self.refused.emit("draw a line across the object, from side to side")

    def _place(self, layer: Any, event: Any) -> NDArray[np.int64]:
        data = np.asarray(layer.world_to_data(event.position), float)
        place: NDArray[np.int64] = np.rint(data[-layer.ndim :]).astype(np.int64)
        return place

    def _object(self, layer: Any, event: Any) -> int:
        value = layer.get_value(
            event.position,
            view_direction=event.view_direction,
            dims_displayed=event.dims_displayed,
            world=True,
        )
        return int(value) if value is not None and value > 0 else 0

    def _draw(self, places: list[NDArray[np.int64]]) -> None:
        now = time.perf_counter()
        if now - self._drawn > REDRAW and self._target is not None:
            self._drawn = now
            self.marks.show(trace(np.array(places)), self._target.layer)

    def _end_stroke(self, places: list[NDArray[np.int64]]) -> None:
        target = self._target
        if target is None:
            return
        self.marks.clear()
        line = trace(np.array(places))
        inside = ((line >= 0) & (line < target.layer.data.shape)).all(1)
        line = line[inside]
        found = self._ids_along(line)
        if self._tool == "join":
            if len(found) < 2:
                self.refused.emit("the line crosses fewer than two objects")
                return
            self.joined.emit(list(found), np.array(list(found.values())))
        elif not found:
            self.refused.emit("the line crosses no object")
        else:
            self.cut.emit(list(found), line)

    def _ids_along(self, line: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
        """Return the objects under a line in order, with a place in each."""
        if self._target is None or not len(line):
            return {}
        low, high = line.min(0), line.max(0) + 1
        box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        part = np.asarray(self._target.layer.data[box])
        found: dict[int, NDArray[np.int64]] = {}
        for place, number in zip(line, part[tuple((line - low).T)], strict=True):
            if number > 0:
                found.setdefault(int(number), place)
        return found

    def _click_to_join(self, number: int, place: NDArray[np.int64]) -> None:
        if not number:
            self.refused.emit("there is no object under the mouse")
            return
        if self._first is None:
            self._first = (number, place)
            self.picked.emit(number, place)
            if self._target is not None:
                self.marks.show(place[None], self._target.layer)
            return
        first, where = self._first
        self.forget()
        if first == number:
            self.refused.emit("these are one object already: click two different ones")
            return
        self.joined.emit([first, number], np.array([where, place]))

    def _add_seed(self, number: int, place: NDArray[np.int64]) -> None:
        if not number:
            self.refused.emit("there is no object under the mouse")
            return
        self._seeds.append((number, place))
        if self._target is not None:
            self.marks.show(self.seeds[1], self._target.layer)
        self.seeds_changed.emit(len(self._seeds))
