"""Volumes, time points and large images."""

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.settings import InstanceSettings
from napari_bioseg.widgets.bridge.layers import unwrapped

from .drawing import add_prediction, blurred, cells, settle, volume


def test_in_a_volume_the_slice_comes_first(
    make_napari_viewer_proxy, open_panel, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_bioseg.widgets.tune.live.QUICK", 0.0)
    viewer = make_napari_viewer_proxy(show=True)
    data = blurred(volume())
    add_prediction(viewer, data, "BC", scale=(2, 1, 1))
    panel = open_panel(viewer)
    viewer.dims.set_point(0, 8)
    qtbot.wait(50)
    answers = []
    panel._live.result.connect(answers.append)
    panel.thresholds.rows["seed_binary"].box.setValue(0.6)
    settle(qtbot, panel)
    assert [answer.stage for answer in answers] == ["view", "frame"]
    assert answers[0].region[0] == slice(4, 5)
    assert answers[0].labels.shape[0] == 1
    expected = decode(
        Prediction(data, "BC", (2, 1, 1)), InstanceSettings(seed_binary=0.6)
    ).labels
    assert expected.max() == 3
    layer = viewer.layers["cells instances"]
    np.testing.assert_array_equal(layer.data, expected)
    assert tuple(layer.scale) == (2, 1, 1)

    viewer.dims.ndisplay = 3
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    settle(qtbot, panel)
    assert [answer.stage for answer in answers[2:]] == ["frame"]
    panel.show()
    panel._watershed_part.expanded = True
    assert panel.watershed.editor("by_slice").isVisible()


def test_in_a_large_image_the_view_comes_first(
    make_napari_viewer_proxy, open_panel, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_bioseg.widgets.tune.live.QUICK", 0.0)
    viewer = make_napari_viewer_proxy(show=True)
    data = np.tile(blurred(cells()), (1, 4, 4))
    add_prediction(viewer, data, "BC")
    panel = open_panel(viewer)
    viewer.scene.camera.zoom *= 4
    qtbot.wait(80)
    answers = []
    panel._live.result.connect(answers.append)
    panel.thresholds.rows["seed_binary"].box.setValue(0.6)
    settle(qtbot, panel)
    assert [answer.stage for answer in answers] == ["view", "frame"]
    assert answers[0].labels.size < 0.5 * data[0].size
    expected = decode(Prediction(data, "BC"), panel.tuning.instances).labels
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, expected)


@pytest.mark.parametrize("ours", [True, False])
def test_time_points_are_decoded_each_for_itself(
    viewer, open_panel, qtbot, prediction, ours
):
    frames = np.stack([np.roll(prediction, 7 * t, axis=1) for t in range(5)], axis=1)
    options = {"notes": {"leading": 1}} if ours else {"axis_labels": ("t", "y", "x")}
    add_prediction(viewer, frames, "BC", **options)
    panel = open_panel(viewer)
    assert "5 × 2-D, 96 × 96 px" in panel.choice.info.text()
    viewer.dims.set_current_step(0, 3)
    answers = []
    panel._live.result.connect(answers.append)
    panel.thresholds.rows["seed_binary"].box.setValue(0.6)
    settle(qtbot, panel)
    assert answers[0].region[0] == slice(3, 4)
    stages = [answer.stage for answer in answers]
    assert stages == ["frame", *["other frame"] * 4]
    layer = viewer.layers["cells instances"]
    wanted = InstanceSettings(seed_binary=0.6)
    for time_point in range(5):
        expected = decode(Prediction(frames[:, time_point], "BC"), wanted).labels
        np.testing.assert_array_equal(layer.data[time_point], expected)


def test_more_axes_than_are_known_are_told(viewer, open_panel, qtbot):
    data = np.zeros((3, 2, 4, 16, 16), np.float32)
    viewer.add_image(data, name="odd_B")
    panel = open_panel(viewer)
    assert "name its axes" in panel.choice.info.text()


def test_a_preview_is_drawn_alone_and_nobody_edited_it(
    make_napari_viewer_proxy, open_panel, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_bioseg.widgets.tune.live.QUICK", 0.0)
    monkeypatch.setattr("napari_bioseg.widgets.tune.live.PAUSE", 60.0)
    viewer = make_napari_viewer_proxy(show=True)
    data = np.tile(blurred(cells()), (1, 4, 4))
    add_prediction(viewer, data, "BC")
    panel = open_panel(viewer)
    viewer.scene.camera.zoom *= 4
    qtbot.wait(80)
    layer = viewer.layers["cells instances"]
    whole = layer.data.copy()
    redrawn = []
    layer.events.set_data.connect(redrawn.append)
    slider = panel.thresholds.rows["seed_binary"].slider
    slider.dragging = True
    slider._move_to(0.95)
    qtbot.waitUntil(lambda: not np.array_equal(layer.data, whole))
    qtbot.wait(30)
    assert "Preview: " in panel.status.text()
    assert panel.status.kind == "hint"
    assert not redrawn
    assert not layer.metadata["bioseg"].get("edited")
    bare = unwrapped(layer)
    drawn = bare.colormap._data_to_texture(bare.data)
    np.testing.assert_array_equal(bare._slice.image.view, drawn)
    slider.dragging = False
    slider.released.emit()
    settle(qtbot, panel)
    assert "Preview" not in panel.status.text()
    expected = decode(Prediction(data, "BC"), panel.tuning.instances).labels
    np.testing.assert_array_equal(layer.data, expected)
