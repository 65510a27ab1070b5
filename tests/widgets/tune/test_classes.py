"""Predicted classes."""

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, classify
from napari_bioseg.cleanup import apply
from napari_bioseg.settings import RemoveSmall, SemanticSettings, SemanticTask, Workflow

from .drawing import add_prediction, drag, settle


def test_the_threshold_of_a_foreground(viewer, open_panel, qtbot, prediction):
    task = SemanticTask()
    values = Workflow(task=task).model_dump(mode="json")
    add_prediction(viewer, prediction[:1], task.outputs, notes={"workflow": values})
    panel = open_panel(viewer)
    panel.show()
    assert list(panel.thresholds.rows) == ["threshold"]
    assert not panel.seeds.isVisible()
    panel.thresholds.rows["threshold"].box.setValue(0.25)
    panel.cleanup.editor("steps").add(RemoveSmall(size=30))
    settle(qtbot, panel)
    found = classify(
        Prediction(prediction[:1], task.outputs), SemanticSettings(threshold=0.25)
    )
    expected = apply(found, [RemoveSmall(size=30)])
    np.testing.assert_array_equal(viewer.layers["cells classes"].data, expected)
    assert f"{np.mean(expected > 0):.1%} foreground" in panel.status.text()
    assert panel.tuning.semantic.threshold == 0.25


def test_of_several_classes_each_has_a_threshold(viewer, open_panel, qtbot):
    rng = np.random.default_rng(0)
    data = rng.random((3, 40, 40), np.float32)
    task = SemanticTask(classes=3)
    add_prediction(viewer, data, task.outputs)
    panel = open_panel(viewer)
    panel.show()
    assert list(panel.thresholds.rows) == ["class 1", "class 2"]
    assert [row.value for row in panel.thresholds.rows.values()] == ["off", "off"]
    shown = viewer.layers["cells classes"]
    np.testing.assert_array_equal(shown.data, data.argmax(axis=0))
    assert panel.tuning.semantic == SemanticSettings()

    row = panel.thresholds.rows["class 2"]
    row.toggles["off"].click()
    drag(qtbot, row.slider, np.linspace(0.5, 0.2, 10))
    settle(qtbot, panel)
    value = row.value
    assert value == pytest.approx(0.2, abs=0.02)
    wanted = SemanticSettings(thresholds=("off", value))
    assert panel.tuning.semantic == wanted
    expected = classify(Prediction(data, task.outputs), wanted)
    np.testing.assert_array_equal(shown.data, expected)
    assert np.count_nonzero(expected == 2) > np.count_nonzero(data.argmax(axis=0) == 2)
    workflow = Workflow.from_values(shown.metadata["bioseg"]["workflow"])
    assert workflow.semantic == wanted

    panel.undo.click()
    panel.undo.click()
    settle(qtbot, panel)
    np.testing.assert_array_equal(shown.data, data.argmax(axis=0))
