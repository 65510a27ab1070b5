"""Predictions made elsewhere, and what is wrong with them."""

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.widgets.tune.picker import NOTHING

from .drawing import add_prediction, boxes, cells, settle


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
    layer = viewer.add_image(data, name="mine", axis_labels=labels, scale=(2, 2, 2))
    panel = open_panel(viewer)
    panel.show()
    assert [box.currentText() for box in boxes(panel)] == [NOTHING, NOTHING]
    for box, name in zip(boxes(panel), "BC", strict=True):
        box.setCurrentText(name)
    settle(qtbot, panel)
    result = viewer.layers["mine instances"]
    np.testing.assert_array_equal(
        result.data, decode(Prediction(prediction, "BC")).labels
    )
    assert result.axis_labels == ("y", "x")
    assert tuple(result.scale) == (2, 2)
    assert layer.ndim == 3


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
    assert "0 objects" in panel.status.text()
