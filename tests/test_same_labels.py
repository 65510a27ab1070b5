"""The window and the command line: one workflow, the same labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_bioseg import cli
from napari_bioseg.settings import (
    CleanupSettings,
    ClearBorder,
    InstanceSettings,
    InstanceTask,
    RemoveSmall,
    SemanticTask,
    Workflow,
)
from napari_bioseg.widgets.predict.predict_panel import PredictPanel

LONG = 60_000  # ms
TASKS = {"instances": InstanceTask(), "classes": SemanticTask(classes=2)}


@pytest.fixture(params=TASKS)
def model(request: pytest.FixtureRequest, nuclei: Any, tmp_path: Path) -> Path:
    """A small model of each kind, with thresholds and clean-up of its own."""
    from napari_bioseg.engine import Pair, train
    from napari_bioseg.io import save_model

    image, labels = nuclei
    semantic = request.param == "classes"
    start = Workflow.preset("fast")
    workflow = start.replace(
        task=TASKS[request.param],
        network=start.network.replace(features=8, depth=2),
        train=start.train.replace(epochs=12, steps=6, batch_size=4, learning_rate=5e-3),
        data=start.data.replace(patch=(64, 64), validation=0.0),
        instances=InstanceSettings(seed_binary=0.4, foreground_binary=0.3),
        cleanup=CleanupSettings(steps=(ClearBorder(), RemoveSmall(size=12))),
    )
    truth = (labels > 0).astype(np.int32) if semantic else labels
    *_, last = train([Pair(image, truth)], workflow)
    return save_model(last.model, tmp_path / request.param)


def test_the_window_and_the_command_line_give_the_same_labels(
    model: Path,
    nuclei: Any,
    make_napari_viewer_proxy: Any,
    qtbot: Any,
    own_home: Path,
    tmp_path: Path,
) -> None:
    image = nuclei[0]
    viewer = make_napari_viewer_proxy()
    viewer.add_image(image, name="cells")
    panel = PredictPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Predict")
    panel.model.model = model
    qtbot.mouseClick(panel.predict_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: not panel.job.active and not panel.filling.busy, timeout=LONG
    )
    shown = np.asarray(viewer.layers[f"cells {model.name}"].data)

    tifffile.imwrite(tmp_path / "cells.tif", image)
    out = tmp_path / "results"
    words = ["--model", str(model), str(tmp_path / "cells.tif"), "--output", str(out)]
    assert cli.main(["run", *words, "--quiet"]) == 0
    written = tifffile.imread(out / "labels" / "cells.tif")

    assert shown.max() > 0
    np.testing.assert_array_equal(shown, written)
