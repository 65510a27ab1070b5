"""Make the screenshots of the tutorial: ``python docs/screenshots.py [FOLDER]``.

Works through the tutorial in a real napari window, on the sample image, and takes about
three minutes. Needs no screen.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_bioseg.display import has_display, virtual_screen
from napari_bioseg.samples import SPACING_2D, touching_cells_2d
from napari_bioseg.widgets.workbench import open_all_panels

SIZE = (1300, 860)
COLOURS = 96
"""Colours left in a file, which keeps it below 250 kB."""
TRAINING = 1.5
"""Minutes."""


class Tour:
    """A window, its panels, and the folder that pictures go to.

    Parameters
    ----------
    folder : Path
        Where the pictures go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(*SIZE)
        self.viewer.open_sample("napari-bioseg", "cells_2d")
        self.panels = open_all_panels(self.viewer)

    def wait(self, done: Callable[[], bool], seconds: float = 120) -> None:
        """Let the window live until something is so, and a little longer."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the window did not come so far")
            QApplication.processEvents()
            time.sleep(0.005)
        self.rest(0.6)

    def rest(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.005)

    def front(self, name: str) -> Any:
        """Bring a panel to the front."""
        dock, _ = self.viewer.window.add_plugin_dock_widget("napari-bioseg", name)
        dock.raise_()
        self.rest(0.5)
        return self.panels[name]

    def only(self, *names: str) -> None:
        """Show these layers and no others."""
        for layer in self.viewer.layers:
            layer.visible = layer.name in names

    def picture(self, name: str) -> None:
        """Write what the window shows, in few colours."""
        self.rest(0.5)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        image = Image.fromarray(pixels[..., :3])
        path = self.folder / f"{name}.png"
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size // 1000} kB")


def tour(folder: Path, models: Path) -> None:
    """Train, predict, tune, correct, measure, evaluate."""
    window = Tour(folder)
    viewer = window.viewer

    panel = window.front("Train")
    panel.place.parent_folder = models
    panel.effort.minutes.setValue(TRAINING)
    window.wait(lambda: panel.proposal is not None and panel.train_button.isEnabled())
    window.picture("train-before")
    viewer.layers["cells ground truth"].visible = False
    panel.train_button.click()
    window.rest(60 * TRAINING * 0.85)
    window.picture("train")
    window.wait(lambda: not panel.job.active)

    panel = window.front("Predict")
    image, truth = touching_cells_2d(seed=7)
    unseen = viewer.add_image(image, name="other cells", scale=SPACING_2D, units="um")
    viewer.add_labels(truth, name="other cells truth", scale=SPACING_2D, units="um")
    window.only("other cells")
    panel.images.image.layer = unseen
    window.wait(panel.predict_button.isEnabled)
    panel.predict_button.click()
    window.wait(lambda: not panel.job.active)
    window.picture("predict")

    panel = window.front("Tune")
    window.wait(lambda: not panel.busy)
    window.picture("tune")
    panel._fitting_part.expanded = True
    panel.fitting.truth.layer = viewer.layers["other cells truth"]
    window.wait(panel.fitting.fit.isEnabled)
    panel.fitting.fit.click()
    window.rest(1)
    window.wait(lambda: not panel.busy and not panel.fitting.job.active)
    window.picture("tune-fit")

    panel = window.front("Evaluate")
    panel.truth.layer = viewer.layers["other cells truth"]
    panel.predicted.layer = viewer.layers["other cells instances"]
    panel.colours.setChecked(True)
    window.rest(2)
    panel.mistakes.following.click()
    window.rest(1)
    viewer.reset_view()
    window.picture("evaluate")
    panel.colours.setChecked(False)
    window.only("other cells", "other cells instances")

    panel = window.front("Proofread")
    panel.labels.layer = viewer.layers["other cells instances"]
    window.wait(lambda: not panel.busy)
    panel.ui.review.following.click()
    window.rest(2)
    viewer.reset_view()
    window.picture("proofread")

    panel = window.front("Measure")
    panel.labels.layer = viewer.layers["other cells instances"]
    panel.image.layer = unseen
    panel.run.click()
    window.rest(2)
    window.picture("measure")
    viewer.close()


def main() -> None:
    """Make all of them."""
    folder = Path(sys.argv[1] if sys.argv[1:] else Path(__file__).with_name("images"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bioseg-") as models:
        if has_display():
            tour(folder, Path(models))
        else:
            with virtual_screen():
                tour(folder, Path(models))


if __name__ == "__main__":
    main()
