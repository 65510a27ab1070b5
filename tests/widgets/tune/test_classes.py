"""Predicted classes."""

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, class_labels, classify, decode
from napari_bioseg.cleanup import apply
from napari_bioseg.settings import (
    InstanceSettings,
    InstanceTask,
    RemoveSmall,
    SemanticSettings,
    SemanticTask,
    Workflow,
)

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


def test_objects_with_classes_are_shown_by_class_too(
    viewer, open_panel, qtbot, prediction
):
    rng = np.random.default_rng(0)
    task = InstanceTask(classes=3)
    votes = rng.random((3, *prediction.shape[1:]), np.float32)
    data = np.concatenate([prediction[:2], votes])
    add_prediction(viewer, data, task.outputs)
    panel = open_panel(viewer)
    panel.show()
    assert list(panel.thresholds.rows)[:2] == ["seed_binary", "seed_contour"]
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    settle(qtbot, panel)
    found = decode(Prediction(data, task.outputs), InstanceSettings(seed_binary=0.7))
    assert set(found.classes.values()) == {1, 2}
    shown = viewer.layers["cells instances"], viewer.layers["cells classes"]
    np.testing.assert_array_equal(shown[0].data, found.labels)
    expected = class_labels(found.labels, found.classes)
    np.testing.assert_array_equal(shown[1].data, expected)
