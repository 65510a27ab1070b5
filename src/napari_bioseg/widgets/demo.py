"""The demo: napari opens, a small network learns, predicts, and waits to be tuned."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bioseg.display import has_display, prepare, virtual_screen
from napari_bioseg.samples import SPACING_2D, touching_cells_2d

if TYPE_CHECKING:
    from napari.viewer import Viewer

TICK = 100
"""Milliseconds between two looks at whether the next step can be taken."""
SIZE = (1500, 950)
"""Width and height of the window on a virtual screen."""
UNSEEN_SEED = 7
"""Draws the image that the network predicts: not the one it learned from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments.

    Returns
    -------
    int
        0 when all went well, 1 if no window can be opened, 2 if a step failed.
    """
    options = _parser().parse_args(arguments)
    problem = prepare(may_install=True)
    if problem is not None:
        sys.stderr.write(problem + "\n")
        return 1
    if has_display():
        return _run(options.minutes, options.screenshots, close=options.close)
    folder = options.screenshots or Path("bioseg-demo")
    print(
        "There is no display here: the demo runs on a virtual screen and writes "
        f"screenshots to {folder.resolve()}",
        flush=True,
    )
    with virtual_screen():
        return _run(options.minutes, folder, close=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="napari-bioseg demo",
        description="Open napari, train a small network on touching cells while a "
        "preview improves, predict another image, and leave the Tune panel open.",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=1.0,
        help="how long to train, in minutes (default 1)",
    )
    parser.add_argument(
        "--screenshots", type=Path, help="write a screenshot of each step here"
    )
    parser.add_argument(
        "--close", action="store_true", help="close the window at the end"
    )
    return parser


def _run(minutes: float, screenshots: Path | None, *, close: bool) -> int:
    import napari

    viewer = napari.Viewer(title="napari-bioseg demo")
    if close:
        viewer.window.resize(*SIZE)
    with tempfile.TemporaryDirectory(prefix="bioseg-demo-") as models:
        demo = Demo(viewer, minutes, Path(models), screenshots, close=close)
        demo.start()
        napari.run()
    if demo.problem:
        sys.stderr.write(f"demo: {demo.problem}\n")
        return 2
    return 0


class Demo:
    """Clicks through train, predict and tune as a user would.

    Parameters
    ----------
    viewer : napari.Viewer
        An empty viewer.
    minutes : float
        How long to train.
    models : Path
        Folder that the model is written into.
    screenshots : Path, optional
        Where a screenshot of each step goes.
    close : bool
        Whether to close the window at the end.
    """

    def __init__(
        self,
        viewer: Viewer,
        minutes: float,
        models: Path,
        screenshots: Path | None = None,
        *,
        close: bool = False,
    ) -> None:
        from qtpy.QtCore import QTimer

        self.viewer = viewer
        self.minutes = minutes
        self.models = models
        self.screenshots = screenshots
        self.close = close
        self.problem = ""
        self.finished = False
        self._story: Iterator[Callable[[], bool]] = self._steps()
        self._ready: Callable[[], bool] = lambda: True
        self._timer = QTimer()
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Take the first step as soon as the window is idle."""
        self._timer.start()

    def _tick(self) -> None:
        """Take the next step once what it waits for is there."""
        try:
            while self._ready():
                self._ready = next(self._story)
        except StopIteration:
            self._end()
        except Exception as error:  # noqa: BLE001  # said when the window has closed
            self.problem = f"{type(error).__name__}: {error}"
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        self.finished = True
        if self.close:
            self.viewer.close()

    def _steps(self) -> Iterator[Callable[[], bool]]:
        """Play the demo; yields what the next step has to wait for."""
        from .workbench import open_all_panels

        self.viewer.open_sample("napari-bioseg", "cells_2d")
        panels = open_all_panels(self.viewer)
        yield from self._train(panels["Train"])
        yield from self._predict(panels["Predict"])
        yield from self._tune()

    def _train(self, panel: Any) -> Iterator[Callable[[], bool]]:
        panel.place.parent_folder = self.models
        panel.effort.minutes.setValue(self.minutes)
        yield lambda: panel.proposal is not None and panel.train_button.isEnabled()
        self._say("Learning from the labels; the preview shows what it knows so far.")
        self.viewer.layers["cells ground truth"].visible = False
        panel.train_button.click()
        half_time = _after(int(30_000 * self.minutes / TICK))
        yield lambda: half_time() or not panel.job.active
        self._photograph("1-train")
        yield lambda: not panel.job.active
        if panel.session.model is None:
            raise RuntimeError(panel.note.message or "training was stopped")
        yield _after(5)
        self._photograph("2-trained")

    def _predict(self, panel: Any) -> Iterator[Callable[[], bool]]:
        from .opening import open_panel

        for layer in self.viewer.layers:
            layer.visible = False
        image, _ = touching_cells_2d(seed=UNSEEN_SEED)
        unseen = self.viewer.add_image(
            image, name="other cells", scale=SPACING_2D, units="um"
        )
        open_panel(self.viewer, "Predict")
        panel.images.image.layer = unseen
        yield panel.predict_button.isEnabled
        self._say("Predicting an image that the network has not seen.")
        panel.predict_button.click()
        yield lambda: not panel.job.active
        if panel.note.message:
            raise RuntimeError(panel.note.message)
        yield _after(5)
        self._photograph("3-predict")

    def _tune(self) -> Iterator[Callable[[], bool]]:
        from .opening import open_panel

        panel = open_panel(self.viewer, "Tune")
        yield lambda: not panel.busy
        yield _after(10)
        self._say(
            "Drag a slider: the instances follow, the network does not run again."
        )
        self._photograph("4-tune")

    def _say(self, text: str) -> None:
        from napari.utils.notifications import show_info

        show_info(text)
        print(text, flush=True)

    def _photograph(self, name: str) -> None:
        if self.screenshots is not None:
            self.screenshots.mkdir(parents=True, exist_ok=True)
            path = self.screenshots / f"{name}.png"
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)


def _after(ticks: int) -> Callable[[], bool]:
    """Wait a number of ticks, so that the window has drawn what happened."""
    left = iter(range(ticks))
    return lambda: next(left, None) is None
