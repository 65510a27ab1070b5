"""Predictions made elsewhere, and what is wrong with them."""

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.settings import RemoveSmall
from napari_bioseg.widgets.tune.picker import NOTHING

from .drawing import add_prediction, blurred, boxes, cells, settle, volume


def test_channels_opened_as_single_layers(viewer, open_panel, qtbot, prediction):
    viewer.add_image(cells(), name="raw")
    viewer.add_image(prediction[0], name="result_B")
    viewer.add_image(prediction[1], name="second")
    panel = open_panel(viewer)
    panel.show()
    assert [box.currentText() for box in boxes(panel)] == [NOTHING, "B", NOTHING]
    boxes(panel)[2].setCurrentText("C")
    settle(qtbot, panel)
    expected = decode(Prediction(prediction, "BC")).labels
    np.testing.assert_array_equal(viewer.layers["result instances"].data, expected)
    boxes(panel)[0].setCurrentText("C")
    settle(qtbot, panel)
    assert "two rows are channel C" in panel.choice.info.text()
    boxes(panel)[0].setCurrentText(NOTHING)
    settle(qtbot, panel)
    assert "objects" in panel.status.text()


@pytest.mark.parametrize("axis", [0, 2])
def test_channels_opened_as_one_layer(viewer, open_panel, qtbot, prediction, axis):
    data = np.moveaxis(prediction, 0, axis)
    labels = ("c", "y", "x") if axis == 0 else ("y", "x", "c")
    scale = (1, 2, 3) if axis == 0 else (2, 3, 1)
    layer = viewer.add_image(data, name="mine", axis_labels=labels, scale=scale)
    panel = open_panel(viewer)
    panel.show()
    assert [box.currentText() for box in boxes(panel)] == [NOTHING, NOTHING]
    for box, name in zip(boxes(panel), "BC", strict=True):
        box.setCurrentText(name)
    if axis == 2:
        assert "layer 'mine' lie behind the pixels" in panel.choice.info.text()
        assert panel.choice.mend.text() == "Put the channels first"
        panel.choice.mend.click()
    settle(qtbot, panel)
    assert not panel.choice.mend.isVisible()
    assert layer.axis_labels == ("c", "y", "x")
    assert tuple(layer.scale) == (1, 2, 3)
    result = viewer.layers["mine instances"]
    np.testing.assert_array_equal(
        result.data, decode(Prediction(prediction, "BC")).labels
    )
    assert result.axis_labels == ("y", "x")
    assert tuple(result.scale) == (2, 3)
    assert [box.currentText() for box in boxes(panel)] == ["B", "C"]


def test_channels_between_z_and_y_are_put_first(viewer, open_panel, qtbot):
    truth = volume()
    data = blurred(truth)
    layer = viewer.add_image(np.moveaxis(data, 0, 1), name="vol_0")
    panel = open_panel(viewer)
    panel.show()
    rows = boxes(panel)
    rows[0].setCurrentText("B")
    settle(qtbot, panel)
    assert rows == boxes(panel), "a list that is open must not close"
    rows[1].setCurrentText("C")
    assert "lie between the other axes (axis 1 of 4)" in panel.choice.info.text()
    panel.choice.mend.click()
    settle(qtbot, panel)
    assert layer.data.shape == data.shape
    assert "3-D, 12 × 60 × 130 px" in panel.choice.info.text()
    result = viewer.layers["vol_0 instances"]
    assert len(np.unique(result.data)) == 4
    # what is looked at is the same slice in both
    viewer.dims.set_current_step(1, 6)
    np.testing.assert_array_equal(result.get_value((0, 6, 30, 28), world=True), 1)


def test_classes_by_hand_start_with_the_background(viewer, open_panel, qtbot):
    data = np.random.default_rng(0).random((3, 30, 30), np.float32)
    viewer.add_image(data, name="mine", axis_labels=("c", "y", "x"))
    panel = open_panel(viewer)
    panel.show()
    for box, name in zip(boxes(panel), ("class 1", "class 2", "class 0"), strict=True):
        if box.currentText() == NOTHING and name == "class 0":
            assert "class 0, the background, is missing" in panel.choice.info.text()
        box.setCurrentText(name)
    settle(qtbot, panel)
    expected = data[[2, 0, 1]].argmax(axis=0)
    np.testing.assert_array_equal(viewer.layers["mine classes"].data, expected)


def test_the_channel_axis_can_be_corrected(viewer, open_panel, qtbot, prediction):
    many = np.concatenate([prediction, np.zeros((4, 96, 96), np.float32)])
    viewer.add_image(many, name="predicted")  # six channels or six slices?
    panel = open_panel(viewer)
    panel.show()
    assert len(boxes(panel)) == 1
    (axes,) = [
        box
        for box in panel.choice.picker.findChildren(QComboBox)
        if box.itemText(0) == "one channel" and box.isVisible()
    ]
    axes.setCurrentIndex(1)
    settle(qtbot, panel)
    assert len(boxes(panel)) == 6
    boxes(panel)[0].setCurrentText("B")
    settle(qtbot, panel)
    assert panel.source.channels == ("B",)
    assert "2-D, 96 × 96 px" in panel.choice.info.text()


def whole_numbers(data):
    return (data * 255).astype(np.uint8), "divide by 255"


def wide_numbers(data):
    return (data * 65535).astype(np.uint16), "divide by 65535"


def floats_to_255(data):
    return data * 255, "divide by 255"


def logits(data):
    clipped = np.clip(data.astype(float), 1e-3, 1 - 1e-3)
    return np.log(clipped / (1 - clipped)), "apply sigmoid"


def holes(data):
    out = data.copy()
    out[0, 3, 3] = np.nan
    return out, "replace NaN by 0"


@pytest.mark.parametrize(
    "spoil", [whole_numbers, wide_numbers, floats_to_255, logits, holes]
)
def test_values_that_are_no_probabilities_can_be_mended(
    viewer, open_panel, qtbot, prediction, spoil
):
    data, mend = spoil(prediction)
    add_prediction(viewer, data, "BC")
    panel = open_panel(viewer)
    panel.show()
    assert "channel B (layer 'cells B') holds" in panel.choice.info.text()
    assert panel.choice.mend.text().lower() == mend.lower()
    assert len(viewer.layers) == 2
    panel.choice.mend.click()
    settle(qtbot, panel)
    assert not panel.choice.mend.isVisible()
    assert f"B, C: {mend}" in panel.choice.info.text()
    assert "objects" in panel.status.text()
    before = decode(Prediction(prediction, "BC")).labels
    same = (before > 0) == (viewer.layers["cells instances"].data > 0)
    assert same.mean() > 0.98
    # layers that come do not undo the mending
    viewer.add_labels(np.zeros((8, 8), int))
    settle(qtbot, panel)
    assert f"B, C: {mend}" in panel.choice.info.text()


def test_shapes_that_do_not_fit_are_told(viewer, open_panel, prediction):
    add_prediction(viewer, [prediction[0], prediction[1][:50]], "BC")
    panel = open_panel(viewer)
    text = panel.choice.info.text()
    assert "channel C (layer 'cells C') has shape (50, 96), but B" in text


def test_pixels_that_changed_are_read_again(panel, viewer, qtbot, prediction):
    viewer.layers["cells B"].data = np.zeros_like(prediction[0])
    panel.choice.again.click()
    settle(qtbot, panel)
    assert viewer.layers["cells instances"].data.max() == 0
    assert "No objects" in panel.status.text()


@pytest.mark.parametrize("spoil", [whole_numbers, logits, holes])
def test_values_of_one_layer_are_mended_in_a_window(
    make_napari_viewer_proxy, open_panel, qtbot, prediction, spoil
):
    viewer = make_napari_viewer_proxy(show=True)
    data, mend = spoil(prediction)
    viewer.add_image(data, name="opened", axis_labels=("c", "y", "x"))
    panel = open_panel(viewer)
    viewer.window.add_dock_widget(panel)
    qtbot.waitUntil(lambda: len(boxes(panel)) == 2)
    for box, name in zip(boxes(panel), "BC", strict=True):
        box.setCurrentText(name)
    settle(qtbot, panel)
    assert "channel B (layer 'opened') holds" in panel.choice.info.text()
    assert panel.choice.mend.isVisible()
    panel.choice.mend.click()
    settle(qtbot, panel)
    assert f"B, C: {mend}" in panel.choice.info.text()
    found = viewer.layers["opened instances"].data
    expected = decode(Prediction(prediction, "BC")).labels
    assert np.mean((found > 0) == (expected > 0)) > 0.98
    np.testing.assert_array_equal(viewer.layers["opened"].data, data)


def test_nothing_to_find_is_told(viewer, open_panel, qtbot, prediction):
    data = prediction.copy()
    data[1] = 0
    layers = add_prediction(viewer, data, "BC")
    panel = open_panel(viewer)
    assert "C is 0 everywhere" in panel.choice.info.text()
    assert "object" in panel.status.text()
    layers[0].data = np.zeros_like(data[0])
    panel.choice.again.click()
    settle(qtbot, panel)
    assert "B, C are 0 everywhere" in panel.choice.info.text()
    assert panel.status.kind == "warning"
    assert "No objects: no seed" in panel.status.text()
    assert viewer.layers["cells instances"].data.max() == 0
    layers[0].data = data[0]
    panel.choice.again.click()
    panel.thresholds.rows["seed_binary"].box.setValue(1.0)
    settle(qtbot, panel)
    assert "No objects: no seed" in panel.status.text()
    panel.thresholds.rows["seed_binary"].box.setValue(0.6)
    panel.cleanup.editor("steps").add(RemoveSmall(size=100_000))
    settle(qtbot, panel)
    assert "No objects are left by the clean-up" in panel.status.text()


def test_missing_channels_are_told(viewer, open_panel, qtbot, prediction):
    viewer.add_image(prediction[1], name="only_C")
    panel = open_panel(viewer)
    text = panel.status.text()
    assert panel.status.kind == "error"
    assert "channels C cannot make instances" in text
    assert "one of B, F, M, D or Dv2 must say where objects are" in text
