"""Locked objects survive moving thresholds; filters become clean-up steps of Tune."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_bioseg.channels import encode
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import Condition, RemoveByProperties
from napari_bioseg.widgets.bridge.layers import find_result
from napari_bioseg.widgets.session import session_of
from napari_bioseg.widgets.tune.tune_panel import TunePanel


@pytest.fixture
def tuned(qtbot):
    _, labels = touching_cells_2d(96, seed=1)
    viewer = ViewerModel()
    for name, channel in zip("BC", encode(labels, "BC"), strict=True):
        notes = {"role": "prediction", "channel": name, "channels": ["B", "C"]}
        notes |= {"source": "cells", "run": "1"}
        viewer.add_image(channel, name=f"cells {name}", metadata={"bioseg": notes})
    panel = TunePanel(viewer)
    qtbot.addWidget(panel)
    settle(qtbot, panel)
    yield viewer, panel
    panel.close_threads()


def settle(qtbot, panel):
    qtbot.wait(60)
    qtbot.waitUntil(lambda: not panel.busy, timeout=30_000)
    qtbot.wait(30)


def instances(viewer):
    notes = {"role": "instances", "channel": None, "source": "cells"}
    return find_result(viewer, "labels", notes)


def strict(panel):
    settings = panel.tuning.instances.replace(seed_binary=0.9, min_seed_size=10_000)
    panel.tuning = type(panel.tuning)(
        settings, panel.tuning.semantic, panel.tuning.cleanup
    )


def test_locked_objects_survive_other_thresholds(tuned, qtbot):
    viewer, panel = tuned
    layer = instances(viewer)
    chosen = int(layer.data[layer.data > 0][0])
    layer.data_setitem(np.nonzero(layer.data == chosen), 500)
    kept = layer.data == 500
    layer.metadata["bioseg"]["locked"] = [500]
    strict(panel)
    settle(qtbot, panel)
    assert instances(viewer) is layer
    np.testing.assert_array_equal(layer.data == 500, kept)
    assert set(np.unique(layer.data)) == {0, 500}
    layer.metadata["bioseg"]["locked"] = []
    layer.metadata["bioseg"]["edited"] = False
    panel.undo.click()
    settle(qtbot, panel)
    assert 500 not in instances(viewer).data


def test_an_offered_step_is_added(tuned, qtbot):
    viewer, panel = tuned
    step = RemoveByProperties(
        conditions=(Condition(property="npixels", comparison="gt", value=0),)
    )
    session_of(viewer).offer_step(step)
    settle(qtbot, panel)
    assert panel.tuning.cleanup.steps[-1] == step
    assert not instances(viewer).data.any()
    panel.undo.click()
    settle(qtbot, panel)
    assert instances(viewer).data.any()
