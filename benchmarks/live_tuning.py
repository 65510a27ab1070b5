"""How the Tune panel feels: what a dragged slider costs the window, and when it shows.

Run ``python benchmarks/live_tuning.py [--seconds 10] [--case 2d-large]``. A real napari
window opens, on a virtual screen where there is none, with the predicted channels of
one image; the handle of a threshold is dragged to and fro, 30 times a second. A timer
that should tick every 5 ms tells how long the window stands still. Per case:

* *stall*: time between two ticks beyond the 5 ms, at worst and below which 95 % stay;
* *shown*: from a slider event to the end of the first drawing with its answer, or that
  of a later event, at the median, 95 % and worst;
* *hand*: the same from when the hand was there, 95 %: an event waits for its turn while
  the window is drawn;
* *worker*: seconds the worker takes per answer, 95 %;
* *busy*: processor time of the window's thread between two ticks, at worst: what a
  stall would be if nothing else ran on the computer;
* *calls*: longest of our own calls in the window's thread, waiting included; the rest
  is napari's and OpenGL's drawing, which a computer without a graphics card does on
  its cores.

"view" zooms to 512² pixels of the 2048² image before dragging. Two lines a case say
what the computer needs without us: "slider alone" decodes nothing, "and a refresh" has
napari draw the unchanged labels again after each slider event.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from inputs import CASES, load
from napari_bioseg.display import has_display, virtual_screen
from timing import machine, milliseconds, table

GOAL = 0.05
"""Seconds that a stall and the way to the screen may take."""
EVENTS = 30
"""Slider events per second."""
RANGES = {"seed_binary": (0.45, 0.8), "foreground_binary": (0.2, 0.45)}
"""Where the handle is dragged."""


class Watch:
    """Listens to the window while a slider is dragged."""

    def __init__(self, viewer: Any, panel: Any) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.panel = panel
        self.stalls: list[float] = []
        self.busy: list[float] = []
        self.waits: list[float] = []
        self.hand: list[float] = []
        self.work: list[float] = []
        self.calls: list[float] = []
        self.drawings: list[float] = []
        self._moved = 0.0
        self._asked: list[tuple[float, float, float]] = []
        self._ready: list[tuple[float, float]] = []
        self._begun = 0.0
        self._beat, self._used = time.perf_counter(), time.thread_time()
        self._heart = QTimer()
        self._heart.setTimerType(Qt.TimerType.PreciseTimer)
        self._heart.setInterval(5)
        self._heart.timeout.connect(self._tick)
        self._time_calls()
        scene = viewer.window._qt_viewer.canvas._scene_canvas
        scene.events.draw.connect(self._draws, position="first")
        scene.events.draw.connect(self._drawn, position="last")

    def start(self) -> None:
        """Forget what was measured and listen."""
        kinds = (self.stalls, self.busy, self.waits, self.hand, self.work)
        for kept in (*kinds, self.calls, self.drawings):
            kept.clear()
        self._asked.clear()
        self._ready.clear()
        self._beat, self._used = time.perf_counter(), time.thread_time()
        self._heart.start()

    def stop(self) -> None:
        """Listen no more."""
        self._heart.stop()

    def moves(self, moment: float) -> None:
        """Note when the hand was where it is about to put the handle."""
        self._moved = moment

    def asked(self, value: float) -> None:
        """Note a slider event."""
        self._asked.append((self._moved, time.perf_counter(), value))

    def _time_calls(self) -> None:
        """Time what the panel does in the window's thread."""
        live, answered = self.panel._live, self.panel._answered
        thresholds, request = self.panel.thresholds, self.panel._request

        def timed_request() -> None:
            begun = time.perf_counter()
            request()
            self.calls.append(time.perf_counter() - begun)

        def timed(answer: Any) -> None:
            begun = time.perf_counter()
            answered(answer)
            self.calls.append(time.perf_counter() - begun)
            self.work.append(answer.seconds)
            instances = answer.tuning.instances
            values = [getattr(instances, name) for name in RANGES]
            # this event and all before it are answered by what is drawn next
            for place, (*_, value) in enumerate(self._asked):
                if value in values:
                    self._ready += [then[:2] for then in self._asked[: place + 1]]
                    del self._asked[: place + 1]
                    break

        thresholds.changed.disconnect(request)
        thresholds.changed.connect(timed_request)
        live.result.disconnect(answered)
        live.result.connect(timed)

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self.stalls.append(max(now - self._beat - 0.005, 0.0))
        self.busy.append(used - self._used)
        self._beat, self._used = now, used

    def _draws(self, _: object) -> None:
        self._begun = time.perf_counter()

    def _drawn(self, _: object) -> None:
        now = time.perf_counter()
        self.drawings.append(now - self._begun)
        self.hand += [now - moved for moved, _ in self._ready]
        self.waits += [now - asked for _, asked in self._ready]
        self._ready.clear()


def wait(seconds: float) -> None:
    """Let the window live for some time."""
    from qtpy.QtTest import QTest

    QTest.qWait(int(1000 * seconds))


def settle(panel: Any) -> None:
    """Wait until the panel has answered everything."""
    wait(0.15)
    while panel.busy:
        wait(0.05)


def drag(watch: Watch, setting: str, seconds: float) -> None:
    """Drag a handle to and fro with the mouse."""
    from qtpy.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtTest import QTest

    row = watch.panel.thresholds.rows[setting]
    slider = row.slider
    low, high = RANGES[setting]
    left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(slider, left, pos=QPoint(round(slider._x_of(low)), 15))
    slider.moved.disconnect(row._dragged)
    slider.moved.connect(watch.asked)  # before it is answered
    slider.moved.connect(row._dragged)
    watch.start()
    begun = time.perf_counter()
    step = 0
    while time.perf_counter() < begun + seconds:
        wait(max(begun + (step + 1) / EVENTS - time.perf_counter(), 0.001))
        # a hand does not wait for a window that stands still
        step = max(step + 1, int((time.perf_counter() - begun) * EVENTS))
        swing = (1 - np.cos(step / EVENTS * np.pi)) / 2  # there and back in 2 s
        place = QPoint(round(slider._x_of(low + swing * (high - low))), 15)
        at = (QPointF(place), QPointF(slider.mapToGlobal(place)))
        move = (QEvent.Type.MouseMove, *at, Qt.MouseButton.NoButton, left, plain)
        watch.moves(begun + step / EVENTS)
        # to the event loop, as from a real mouse: handled inside of QTest.mouseMove, it
        # would keep Python's lock all the while
        QCoreApplication.postEvent(slider, QMouseEvent(*move))
    settle(watch.panel)
    watch.stop()
    slider.moved.disconnect(watch.asked)
    QTest.mouseRelease(slider, left, pos=place)
    settle(watch.panel)


def open_case(name: str, folder: Path) -> tuple[Any, Any]:
    """Open a viewer with the channels of a case, and the Tune panel."""
    import napari

    data = load(CASES[name.removesuffix(" view")], folder)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1500, 950)
    for channel in "FCD":
        notes = {
            "version": 1,
            "role": "prediction",
            "channel": channel,
            "channels": list("FCD"),
            "source": "cells",
            "run": "benchmark",
        }
        viewer.add_image(
            data[channel],
            name=f"cells {channel}",
            visible=channel == "F",
            metadata={"bioseg": notes},
        )
    _, panel = viewer.window.add_plugin_dock_widget("napari-bioseg", "Tune")
    settle(panel)
    if name.endswith(" view"):
        high, wide = viewer.canvas.size
        viewer.scene.camera.center = (1024, 1024)
        viewer.scene.camera.zoom = min(high, wide) / 512
        wait(0.3)
    return viewer, panel


def drag_without_us(watch: Watch, viewer: Any, seconds: float) -> dict[str, list[str]]:
    """Drag while nothing is decoded; return lines of the table by what is done."""
    live, labels = watch.panel._live, viewer.layers["cells instances"]
    ask = live.request

    def nothing(*_: object, **__: object) -> None:
        pass

    def refresh(*_: object, **__: object) -> None:
        labels.refresh(extent=False, highlight=False, thumbnail=False)

    found = {}
    for what, call in (("slider alone", nothing), ("and a refresh", refresh)):
        live.request = call
        drag(watch, "seed_binary", seconds)
        found[what] = row("", what, watch)
    live.request = ask
    return found


def row(name: str, setting: str, watch: Watch) -> list[str]:
    """Return one line of the table."""

    def at(values: list[float], share: float) -> str:
        return milliseconds(float(np.percentile(values, share))) if values else "-"

    return [
        name,
        setting,
        at(watch.stalls, 100),
        at(watch.stalls, 95),
        at(watch.busy, 100),
        at(watch.waits, 50),
        at(watch.waits, 95),
        at(watch.waits, 100),
        at(watch.hand, 95),
        at(watch.work, 95),
        at(watch.calls, 100),
        at(watch.drawings, 95),
        str(len(watch.work)),
    ]


def main() -> int:
    """Measure, print a table, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*CASES, "2d-large view"]
    parser.add_argument("--case", choices=names, action="append", help="all by default")
    parser.add_argument("--seconds", type=float, default=10, help="of each drag")
    parser.add_argument("--inputs", type=Path, default=Path("build/bench_inputs"))
    chosen = parser.parse_args()
    screen = contextlib.nullcontext() if has_display() else virtual_screen()
    rows, missed = [], []
    with screen:
        for name in chosen.case or names:
            viewer, panel = open_case(name, chosen.inputs)
            watch = Watch(viewer, panel)
            for setting in RANGES:
                drag(watch, setting, 1)  # nobody's first drag is measured
                drag(watch, setting, chosen.seconds)
                rows.append(row(name, setting, watch))
                worst = max(*watch.stalls, *watch.calls)
                if worst > GOAL or np.percentile(watch.waits, 95) > GOAL:
                    missed.append(f"{name}, {setting}")
            rows += drag_without_us(watch, viewer, min(chosen.seconds, 3)).values()
            viewer.close()
    head = "case|slider|stall worst|95 %|busy worst|shown 50 %|95 %|worst|hand 95 %"
    head += "|worker 95 %|calls worst|drawing 95 %|answers"
    print(f"milliseconds; {machine()}")
    print(table(head.split("|"), rows))
    print(f"above {milliseconds(GOAL)} ms: {'; '.join(missed) or 'nothing'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
