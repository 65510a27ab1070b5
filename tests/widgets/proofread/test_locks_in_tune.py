"""What was changed by hand survives moving thresholds, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_bioseg.channels import encode
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import Condition, RemoveByProperties
from napari_bioseg.widgets.bridge.layers import find_result
from napari_bioseg.widgets.bridge.locks import locked_ids
from napari_bioseg.widgets.proofread.target import Target
from napari_bioseg.widgets.session import session_of
from napari_bioseg.widgets.tune.tune_panel import TunePanel


@pytest.fixture(params=["image", "series"])
def tuned(qtbot, request):
    _, labels = touching_cells_2d(96, seed=1)
    channels = encode(labels, "BC")
    yield from opened(qtbot, channels, series=request.param == "series")


@pytest.fixture
def window(qtbot, make_napari_viewer_proxy):
    """Tune in a real window."""
    _, labels = touching_cells_2d(96, seed=1)
    yield from opened(qtbot, encode(labels, "BC"), viewer=make_napari_viewer_proxy())


def opened(qtbot, channels, *, series=False, viewer=None):
    real = viewer is not None
    viewer = viewer if real else ViewerModel()
    for name, channel in zip("BC", channels, strict=True):
        notes = {"role": "prediction", "channel": name, "channels": ["B", "C"]}
        notes |= {"source": "cells", "run": "1", "leading": int(series)}
        pixels = np.stack([channel, channel]) if series else channel
        viewer.add_image(pixels, name=f"cells {name}", metadata={"bioseg": notes})
    if real:
        _, panel = viewer.window.add_plugin_dock_widget("napari-bioseg", "Tune")
    else:
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


def turn(panel, **values):
    settings = panel.tuning.instances.replace(**values)
    panel.tuning = type(panel.tuning)(
        settings, panel.tuning.semantic, panel.tuning.cleanup
    )


def strict(panel):
    """Let no object be found."""
    turn(panel, seed_binary=0.9, min_seed_size=10_000)


def largest(layer):
    return int(np.argmax(np.bincount(layer.data[layer.data > 0])))


def test_objects_changed_by_hand_survive_other_thresholds(tuned, qtbot):
    viewer, panel = tuned
    layer = instances(viewer)
    layer.data_setitem(np.nonzero(layer.data == largest(layer)), 500)
    kept = layer.data == 500
    strict(panel)
    settle(qtbot, panel)
    assert instances(viewer) is layer
    np.testing.assert_array_equal(layer.data == 500, kept)
    assert set(np.unique(layer.data)) == {0, 500}
    assert not panel.by_hand.isHidden()
    panel.by_hand.release.click()
    settle(qtbot, panel)
    assert not layer.data.any()
    assert panel.by_hand.isHidden()


def test_after_one_lock_no_other_edit_is_lost(window, qtbot):
    """A locked object, one that is painted and one that is not touched."""
    viewer, panel = window
    layer = instances(viewer)
    layer = getattr(layer, "__wrapped__", layer)
    first, second = (int(n) for n in np.unique(layer.data)[1:3])
    layer.metadata["bioseg"]["locked"] = [first]
    layer.brush_size = 6
    layer.paint((3, 3), 700)  # by the brush, where nothing was predicted
    layer.data_setitem(np.nonzero(layer.data == second), 800)
    before = layer.data.copy()
    strict(panel)
    settle(qtbot, panel)
    assert instances(viewer) is layer
    assert {*np.unique(layer.data)} >= {0, first, 700, 800}
    for number in (first, 700, 800):
        np.testing.assert_array_equal(layer.data == number, before == number)
    assert set(locked_ids(layer)) >= {first, 700, 800}


def test_what_was_deleted_stays_away_and_undo_brings_it_back(tuned, qtbot):
    viewer, panel = tuned
    layer = instances(viewer)
    before = layer.data.copy()
    where = layer.data == largest(layer)
    layer.data_setitem(np.nonzero(where), 0)
    turn(panel, seed_binary=0.55)
    settle(qtbot, panel)
    assert not layer.data[where].any()
    assert layer.data.any()
    layer.undo()
    turn(panel, seed_binary=0.5)
    settle(qtbot, panel)
    assert locked_ids(layer) == ()
    np.testing.assert_array_equal(layer.data > 0, before > 0)
    layer.redo()
    turn(panel, seed_binary=0.55)
    settle(qtbot, panel)
    assert not layer.data[where].any()


def test_an_edit_made_while_an_answer_is_on_its_way_is_not_overwritten(tuned, qtbot):
    viewer, panel = tuned
    layer = instances(viewer)
    chosen = largest(layer)
    strict(panel)  # asked for, not yet answered
    layer.data_setitem(np.nonzero(layer.data == chosen), 900)
    settle(qtbot, panel)
    settle(qtbot, panel)
    assert set(np.unique(layer.data)) == {0, 900}


def test_locks_follow_undo_and_redo(tuned):
    viewer, _ = tuned
    layer = instances(viewer)
    first = largest(layer)
    target = Target(layer)
    target.locked = [first]
    indices = np.nonzero(layer.data == first)
    layer.data_setitem(indices, 900)
    assert set(locked_ids(layer)) == {first, 900}
    target.hands.gone([first])
    assert locked_ids(layer) == (900,)
    layer.undo()
    assert locked_ids(layer) == (first,)
    layer.redo()
    assert locked_ids(layer) == (900,)
    target.let_go([900])
    assert locked_ids(layer) == ()


def test_a_condition_on_brightness_asks_for_the_image(tuned, qtbot):
    viewer, panel = tuned
    layer = instances(viewer)
    lit = layer.data == largest(layer)
    viewer.add_image(np.where(lit, 9.0, 1.0), name="cells")
    condition = Condition(property="mean_intensity", comparison="lt", value=5)
    session_of(viewer).offer_step(RemoveByProperties(conditions=(condition,)))
    settle(qtbot, panel)
    assert not panel.brightness.isHidden()
    assert panel.brightness.layer.layer.name == "cells"
    np.testing.assert_array_equal(layer.data > 0, lit)
    viewer.add_image(np.zeros((5, 5)), name="small")
    panel.brightness.layer.layer = viewer.layers["small"]
    settle(qtbot, panel)
    assert "the image 'small' has" in panel.status.message


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
