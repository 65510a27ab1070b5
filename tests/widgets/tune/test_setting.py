"""Thresholds and everything else that can be set."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QPushButton

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.cleanup import apply
from napari_bioseg.settings import (
    CleanupSettings,
    ClearBorder,
    InstanceSettings,
    RegionOfInterest,
    RemoveLarge,
    RemoveSmall,
    describe,
)
from napari_bioseg.widgets.tune.tuning import Tuning

from .drawing import add_prediction, blurred, cells, drag, names, settle


def test_auto_and_off_are_one_click_away(panel, viewer, qtbot, prediction):
    row = panel.thresholds.rows["seed_contour"]
    used = row.box.value()
    row.toggles["auto"].click()
    assert panel.tuning.instances.seed_contour == used
    row.toggles["off"].click()
    settle(qtbot, panel)
    assert panel.tuning.instances.seed_contour == "off"
    assert row.slider.value is None
    expected = decode(
        Prediction(prediction, "BC"), InstanceSettings(seed_contour="off")
    ).labels
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, expected)
    row.toggles["auto"].click()
    settle(qtbot, panel)
    assert panel.tuning == Tuning()
    assert row.box.value() == used


def test_a_number_can_be_typed_and_arrow_keys_move_the_handle(panel, qtbot):
    row = panel.thresholds.rows["seed_binary"]
    row.box.setValue(0.4321)
    assert panel.tuning.instances.seed_binary == 0.4321
    qtbot.keyClick(row.slider, Qt.Key.Key_Right)
    assert panel.tuning.instances.seed_binary == 0.44
    qtbot.keyClick(row.slider, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert panel.tuning.instances.seed_binary == 0.34
    settle(qtbot, panel)


def test_undo_and_redo_go_through_complete_changes(panel, viewer, qtbot):
    start = panel.tuning
    assert not panel.undo.isEnabled()
    slider = panel.thresholds.rows["seed_binary"].slider
    drag(qtbot, slider, np.linspace(0.3, 0.7, 30))
    dragged = panel.tuning
    panel.thresholds.rows["seed_contour"].toggles["off"].click()
    panel.cleanup.editor("steps").add(RemoveSmall(size=20))
    settle(qtbot, panel)
    full, labels = panel.tuning, viewer.layers["cells instances"].data.copy()
    for _ in range(3):
        panel.undo.click()
    settle(qtbot, panel)
    assert panel.tuning == start
    assert not panel.undo.isEnabled()
    panel.redo.click()
    assert panel.tuning == dragged
    panel.redo.click()
    panel.redo.click()
    settle(qtbot, panel)
    assert panel.tuning == full
    assert not panel.redo.isEnabled()
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, labels)
    panel.reset.click()
    assert panel.tuning == start
    panel.undo.click()
    assert panel.tuning == full
    settle(qtbot, panel)


def test_keys_undo_while_the_panel_has_the_focus(panel, qtbot):
    panel.show()
    panel.activateWindow()
    row = panel.thresholds.rows["seed_binary"]
    row.toggles["off"].click()
    row.slider.setVisible(True)
    panel.undo.setFocus()
    qtbot.waitUntil(panel.undo.hasFocus)
    qtbot.keyClick(panel.undo, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert row.value == "auto"
    settle(qtbot, panel)


def test_presets(panel, qtbot):
    automatic, fixed = panel.presets.menu().actions()
    assert fixed.text() == "Fixed 0.5 / 0.1 / 0.3"
    fixed.trigger()
    assert panel.tuning.instances == InstanceSettings(
        seed_binary=0.5, seed_contour=0.1, foreground_binary=0.3
    )
    automatic.trigger()
    assert panel.tuning.instances == InstanceSettings()
    settle(qtbot, panel)


def test_the_watershed_and_clean_up_steps_count(panel, viewer, qtbot, prediction):
    panel.watershed.editor("smoothing").box.setValue(0)
    panel.watershed.editor("min_seed_size").box.setValue(5)
    steps = panel.cleanup.editor("steps")
    steps.add(ClearBorder())
    steps.add(RemoveSmall(size=40))
    settle(qtbot, panel)
    wanted = InstanceSettings(smoothing=0, min_seed_size=5)
    found = decode(Prediction(prediction, "BC"), wanted).labels
    expected = apply(found, [ClearBorder(), RemoveSmall(size=40)])
    assert expected.max() > 0
    assert not np.array_equal(expected, found)
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, expected)
    count = len(np.unique(expected)) - 1
    assert f"{count} objects" in panel.status.text()
    assert panel._cleanup_part.title == "Clean-up · 2"


def test_settings_that_cannot_work_are_told_and_survived(panel, qtbot):
    for name in ("seed_binary", "seed_contour"):
        panel.thresholds.rows[name].toggles["off"].click()
    settle(qtbot, panel)
    assert "is left to say where seeds lie" in panel.status.text()
    panel.thresholds.rows["seed_binary"].toggles["auto"].click()
    settle(qtbot, panel)
    assert "objects" in panel.status.text()


def test_points_take_the_place_of_the_seeds_of_b(viewer, open_panel, qtbot):
    add_prediction(viewer, blurred(cells(), "BP"), "BP")
    panel = open_panel(viewer)
    panel.show()
    binary = panel.thresholds.rows["seed_binary"]
    assert not binary.isVisible()
    panel.thresholds.rows["seed_points"].toggles["off"].click()
    assert binary.isVisible()
    settle(qtbot, panel)


def test_seeds_and_foreground_are_shown_on_request(panel, viewer, qtbot, prediction):
    panel.seeds.setChecked(True)
    panel.foreground.setChecked(True)
    settle(qtbot, panel)
    found = decode(Prediction(prediction, "BC"))
    np.testing.assert_array_equal(viewer.layers["cells seeds"].data, found.seeds)
    np.testing.assert_array_equal(
        viewer.layers["cells foreground"].data, found.foreground
    )
    assert names(viewer)[-3:] == ["cells foreground", "cells instances", "cells seeds"]
    panel.thresholds.rows["seed_binary"].box.setValue(0.9)
    settle(qtbot, panel)
    found = decode(Prediction(prediction, "BC"), panel.tuning.instances)
    np.testing.assert_array_equal(viewer.layers["cells seeds"].data, found.seeds)
    panel.seeds.setChecked(False)
    assert not viewer.layers["cells seeds"].visible
    assert viewer.layers["cells foreground"].visible
    panel.seeds.setChecked(True)
    assert viewer.layers["cells seeds"].visible
    settle(qtbot, panel)
    assert len(viewer.layers) == 6


@pytest.mark.parametrize(("low", "high"), [(-3.0, 9.0), (0.26, 0.73), (-500.0, 4000.0)])
def test_the_slider_of_a_distance_follows_the_data(
    viewer, open_panel, qtbot, low, high
):
    data = blurred(cells(), "BCD")
    data[2] = low + (high - low) * data[2]
    low, high = float(data[2].min()), float(data[2].max())
    add_prediction(viewer, data, "BCD")
    panel = open_panel(viewer)
    slider = panel.thresholds.rows["seed_distance"].slider
    drag(qtbot, slider, np.linspace(low, low + 0.3 * (high - low), 9))
    settle(qtbot, panel)
    value = panel.tuning.instances.seed_distance
    assert value == pytest.approx(low + 0.3 * (high - low), abs=0.02 * (high - low))
    expected = decode(Prediction(data, "BCD"), panel.tuning.instances).labels
    assert 0 < expected.max() < 60
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, expected)


def test_every_clean_up_step_is_offered_and_shown(panel, viewer, qtbot):
    steps = panel.cleanup.editor("steps")
    (button,) = [b for b in steps.findChildren(QPushButton) if b.text() == "Add step"]
    offered = [action.text() for action in button.menu().actions()]
    kinds = [model.model_fields["step"].default for model in step_models()]
    assert len(kinds) >= 12
    assert offered == [k[:1].upper() + k[1:].replace("_", " ") for k in kinds]
    assert all(action.toolTip() for action in button.menu().actions())
    button.menu().ensurePolished()
    assert button.menu().sizeHint().height() < 700
    others = ("Roi", "Dense crf")  # which need a region to look at, and classes
    for action in button.menu().actions():
        if action.text() not in others:
            action.trigger()
    settle(qtbot, panel)
    count = len(panel.tuning.cleanup.steps)
    assert count == len(offered) - len(others)
    assert panel._cleanup_part.title == f"Clean-up · {count}"
    assert "object" in panel.status.text()
    conditions = panel.cleanup.settings.steps[offered.index("Remove by properties")]
    assert conditions.step == "remove_by_properties"


def step_models():
    (spec,) = [s for s in describe(CleanupSettings) if s.name == "steps"]
    return spec.models


def test_a_step_is_switched_off_and_on_again(panel, viewer, qtbot, prediction):
    found = decode(Prediction(prediction, "BC")).labels
    steps = panel.cleanup.editor("steps")
    steps.add(RemoveLarge(size=1))
    settle(qtbot, panel)
    shown = viewer.layers["cells instances"]
    assert not np.asarray(shown.data).any()
    (box,) = steps.findChildren(QCheckBox)
    box.click()
    settle(qtbot, panel)
    np.testing.assert_array_equal(shown.data, found)
    assert panel._cleanup_part.title == "Clean-up"
    assert panel.tuning.cleanup.steps == (RemoveLarge(size=1, enabled=False),)
    panel.undo.click()
    settle(qtbot, panel)
    assert not np.asarray(shown.data).any()
    assert box.isChecked()


def test_a_region_of_interest_is_a_layer(panel, viewer, qtbot, prediction):
    panel.show()
    found = decode(Prediction(prediction, "BC")).labels
    assert not panel.region.isVisible()
    panel.cleanup.editor("steps").add(RegionOfInterest())
    settle(qtbot, panel)
    assert panel.region.isVisible()
    assert "needs a region of interest" in panel.status.text()
    inside = np.zeros(found.shape, np.uint8)
    inside[20:60, 30:80] = 1
    viewer.add_labels(inside, name="region")
    settle(qtbot, panel)
    expected = apply(found, [RegionOfInterest()], region=inside)
    assert 0 < len(np.unique(expected)) < len(np.unique(found))
    shown = viewer.layers["cells instances"].data
    np.testing.assert_array_equal(shown > 0, expected > 0)
    small = viewer.add_labels(inside[:9], name="small")
    panel.region.layer.layer = small
    settle(qtbot, panel)
    assert "(layer 'small') has shape (9, 96)" in panel.status.text()
    panel.undo.click()
    settle(qtbot, panel)
    assert not panel.region.isVisible()
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, found)
