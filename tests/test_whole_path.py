"""One window, real nuclei: train, predict another image, tune, all by clicking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

LONG = 180_000  # ms


@pytest.fixture
def images(real_data):
    """One image to learn from with its labels, one to predict with its truth."""
    folder = real_data / "dsb2018_fluo" / "train"

    def read(kind, name):
        return tifffile.imread(folder / kind / f"{name}.tif")

    known = read("images", "0004"), read("labels", "0004").astype(np.int32)
    unseen = read("images", "0006"), read("labels", "0006").astype(np.int32)
    return known, unseen


def click(qtbot, button):
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.real_data
def test_train_predict_tune(
    make_napari_viewer_proxy, qtbot, images, own_home, artifacts
):
    from napari_bioseg.measure import match
    from napari_bioseg.widgets.predict.predict_panel import PredictPanel
    from napari_bioseg.widgets.train.train_panel import TrainPanel
    from napari_bioseg.widgets.tune.tune_panel import TunePanel

    (image, labels), (unseen, truth) = images
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1400, 950)
    train, predict, tune = TrainPanel(viewer), PredictPanel(viewer), TunePanel(viewer)
    docks = {
        name: viewer.window.add_dock_widget(panel, name=name, tabify=True)
        for name, panel in (("Train", train), ("Predict", predict), ("Tune", tune))
    }

    def photograph(name):
        docks[name].show()
        docks[name].raise_()
        qtbot.wait(300)
        path = artifacts / f"{name.lower()}.png"
        viewer.screenshot(str(path), canvas_only=False, flash=False)

    # train
    viewer.add_image(image, name="nuclei", contrast_limits=(0, 50))
    viewer.add_labels(labels, name="nuclei labels", visible=False)
    qtbot.waitUntil(train.train_button.isEnabled, timeout=LONG)
    qtbot.waitUntil(lambda: train.proposal is not None, timeout=LONG)
    network = train.effort.network.settings
    train.effort.network.settings = network.replace(features=8)
    settings = train.effort.train.settings
    train.effort.train.settings = settings.replace(
        batch_size=4, learning_rate=4e-3, epochs=8, steps=16
    )
    docks["Train"].raise_()
    click(qtbot, train.train_button)
    qtbot.waitUntil(lambda: train.view.preview.shown >= 2, timeout=LONG)
    photograph("Train")
    qtbot.waitUntil(lambda: not train.job.active, timeout=LONG)
    assert "is saved" in train.view.result.message

    # predict
    viewer.layers.clear()
    qtbot.wait(300)  # Mesa crashes where layers come before these are gone
    layer = viewer.add_image(unseen, name="unseen", contrast_limits=(0, 40))
    predict.images.image.layer = layer
    click(qtbot, predict.predict_button)
    qtbot.waitUntil(
        lambda: not predict.job.active and not predict.filling.busy, timeout=LONG
    )
    photograph("Predict")
    found = np.asarray(viewer.layers["unseen instances"].data)
    (score,) = match(truth, found, iou=(0.5,))
    print(f"F1 at IoU 0.5 on an unseen image: {score.f1:.2f}")
    assert score.f1 > 0.3

    # tune
    docks["Tune"].raise_()
    qtbot.waitUntil(lambda: tune.source is not None and not tune.busy, timeout=LONG)
    before = viewer.layers["unseen instances"].data.copy()
    tuning = tune.tuning
    stricter = tuning.instances.replace(foreground_binary=0.9, seed_binary=0.95)
    tune.tuning = replace(tuning, instances=stricter)
    qtbot.waitUntil(lambda: not tune.busy, timeout=LONG)
    qtbot.waitUntil(
        lambda: (viewer.layers["unseen instances"].data > 0).sum() < (before > 0).sum(),
        timeout=LONG,
    )
    photograph("Tune")
    click(qtbot, tune.saving.button)

    from napari_bioseg.io import peek_model

    assert peek_model(train.place.folder).instances.foreground_binary == 0.9
