"""The Measure panel: numbers, links both ways, filters, and stale tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtWidgets import QFileDialog

from napari_bioseg.measure import properties
from napari_bioseg.settings import Condition, conditions
from napari_bioseg.widgets.measure import measure_panel
from napari_bioseg.widgets.measure.measure_panel import OWN, MeasurePanel
from napari_bioseg.widgets.session import session_of


def drawn():
    """Squares with sides 2, 4, 6, 8 px; numbers with gaps."""
    labels = np.zeros((20, 50), np.int32)
    for number, side, left in ((1, 2, 2), (3, 4, 8), (4, 6, 18), (9, 8, 30)):
        labels[4 : 4 + side, left : left + side] = number
    return labels


@pytest.fixture
def viewer():
    return PublicOnlyProxy(ViewerModel())


@pytest.fixture
def open_panel(qtbot):
    panels = []

    def make(viewer, *, run=True):
        panel = MeasurePanel(viewer)
        qtbot.addWidget(panel)
        panel.resize(370, 800)
        panel.show()
        panels.append(panel)
        if run:
            panel.run.click()
            settle(qtbot, panel)
        return panel

    yield make
    for panel in panels:
        panel.close_threads()


def settle(qtbot, panel):
    qtbot.wait(20)
    qtbot.waitUntil(lambda: not panel.busy, timeout=30_000)
    qtbot.wait(20)


@pytest.fixture
def layer(viewer):
    made = viewer.add_labels(drawn(), name="squares", scale=(2, 0.5), units="um")
    return made.__wrapped__


@pytest.fixture
def panel(viewer, layer, open_panel):
    return open_panel(viewer)


def test_the_table_is_that_of_the_library_and_goes_into_the_layer(panel, layer):
    expected = properties(drawn(), spacing=(2, 0.5))
    pd.testing.assert_frame_equal(panel.table, expected)
    assert panel.table["area"].tolist() == [4, 16, 36, 64]
    assert layer.features["index"].tolist() == [1, 3, 4, 9]
    assert "micrometer" in panel.note.message


def test_table_and_layer_follow_each_other(panel, layer, viewer):
    panel.objects.choose(2, tell=True)
    assert layer.selected_label == 4
    centre = viewer.scene.camera.center[-2:]
    np.testing.assert_allclose(centre, (6.5 * 2, 20.5 * 0.5))
    layer.selected_label = 9
    assert panel.objects.place == 3
    layer.selected_label = 77
    assert panel.objects.place == -1
    panel.objects.rows.sort(0)
    layer.selected_label = 1
    assert panel.objects.place == 0


def test_objects_are_coloured_and_get_their_colours_back(panel, layer):
    own = layer.colormap
    panel.colour.setCurrentText("area")
    small, large = layer.get_color(1), layer.get_color(9)
    assert small[2] > small[1]  # dark blue to yellow
    assert large[0] > 0.9
    panel.colour.setCurrentText(OWN)
    assert layer.colormap is own


def test_conditions_show_what_would_go_and_remove_it(panel, layer, qtbot):
    panel._filter_part.expanded = True
    assert "Add a condition" in panel.fate.message
    assert not panel.remove.isEnabled()
    panel.filter.add.click()
    row = panel.filter.rows[0]
    row.column.setCurrentText("npixels")
    row.value.setValue(20)
    assert panel.fate.message == "2 of 4 would go"
    panel.preview.setChecked(True)
    assert layer.get_color(1)[0] == 1
    assert layer.get_color(4)[0] < 0.7
    panel.filter.add.click()
    panel.filter.rows[1].column.setCurrentText("diameter")
    panel.filter.rows[1].sign.setCurrentText(">")
    panel.filter.rows[1].value.setValue(3)
    assert panel.fate.message == "1 of 4 would go"
    panel.remove.click()
    settle(qtbot, panel)
    assert set(np.unique(layer.data)) == {0, 1, 4, 9}
    assert panel.table["label"].tolist() == [1, 4, 9]
    assert "Removed 1 object" in panel.removed.message
    layer.undo()
    np.testing.assert_array_equal(layer.data, drawn())
    panel.filter.rows[1].value.setValue(100)
    assert panel.fate.message == "0 of 3 would go"
    assert "No object meets" in panel.remove.toolTip()


def test_conditions_are_joined_by_and_or_or(panel, layer, qtbot, tmp_path, monkeypatch):
    panel._filter_part.expanded = True
    panel.filter.conditions = conditions("npixels < 10 or area > 50 and diameter > 7")
    assert [row.joined.isHidden() for row in panel.filter.rows] == [True, False, False]
    assert panel.fate.message.startswith("2 of 4 would go\nnpixels < 10 or area > 50")
    panel.filter.rows[1].joined.buttons["and"].click()
    assert panel.fate.message == "0 of 4 would go"
    panel.filter.rows[1].joined.buttons["or"].click()
    path = tmp_path / "objects.csv"
    monkeypatch.setattr(measure_panel, "ask_file", lambda *_: path)
    panel.export.click()
    table = pd.read_csv(path)
    assert table["comment"].tolist() == ["Removed", "Correct", "Correct", "Removed"]
    both = "area > 50 and diameter > 7"
    assert table["conditions"].fillna("").tolist() == ["npixels < 10", "", "", both]
    panel.filter.rows[0].remove.click()  # the one below comes first now
    assert panel.filter.rows[0].joined.isHidden()
    assert panel.filter.conditions == conditions("area > 50 and diameter > 7")
    panel.remove.click()
    settle(qtbot, panel)
    assert set(np.unique(layer.data)) == {0, 1, 3, 4}


def test_a_filter_becomes_a_clean_up_step(panel, viewer):
    panel._filter_part.expanded = True
    wanted = Condition(property="npixels", comparison="ge", value=10)
    panel.filter.conditions = [wanted]
    panel.step.click()
    (step,) = session_of(viewer).steps
    assert step.conditions == (wanted,)


def test_a_table_that_no_longer_fits_is_said(panel, layer, qtbot):
    layer.refresh()
    settle(qtbot, panel)
    assert "no longer fits" not in panel.note.message
    layer.data_setitem((np.array([0]), np.array([0])), 12)
    settle(qtbot, panel)
    assert "no longer fits" in panel.note.message
    panel._filter_part.expanded = True
    panel.filter.conditions = [Condition(value=20)]
    assert not panel.remove.isEnabled()
    assert "measure again first" in panel.remove.toolTip()
    panel.run.click()
    settle(qtbot, panel)
    assert panel.table["label"].tolist() == [1, 3, 4, 9, 12]


def test_brightness_per_time_point(viewer, open_panel, qtbot):
    labels = np.stack([drawn(), np.roll(drawn(), 1, 0)])
    image = np.zeros(labels.shape, np.float32)
    image[1] = 5
    axes = ("t", "y", "x")
    viewer.add_image(image, name="cells", axis_labels=axes)
    made = viewer.add_labels(labels, name="squares", axis_labels=axes)
    panel = open_panel(viewer, run=False)
    panel.image.layer = viewer.layers["cells"]
    panel.run.click()
    settle(qtbot, panel)
    assert panel.table["time"].tolist() == [0] * 4 + [1] * 4
    assert panel.table["mean_intensity"].tolist() == [0] * 4 + [5] * 4
    panel.objects.choose(6, tell=True)
    assert viewer.dims.current_step[0] == 1
    assert made.selected_label == 4
    panel._filter_part.expanded = True
    panel.filter.conditions = [
        Condition(property="mean_intensity", comparison="gt", value=1),
        Condition(property="npixels", comparison="gt", value=30),
    ]
    panel.remove.click()
    settle(qtbot, panel)
    assert set(np.unique(made.data[0])) == {0, 1, 3, 4, 9}
    assert set(np.unique(made.data[1])) == {0, 1, 3}


def test_an_image_of_another_size(viewer, layer, open_panel, qtbot):
    viewer.add_image(np.zeros((9, 9)), name="other")
    panel = open_panel(viewer)
    panel.image.layer = viewer.layers["other"]
    panel.run.click()
    settle(qtbot, panel)
    assert "must be equal to measure brightness" in panel.note.message


def test_no_object_negative_ids_and_no_layer(viewer, open_panel, qtbot):
    viewer.add_labels(np.zeros((9, 9), np.int32), name="empty")
    panel = open_panel(viewer)
    assert "no object" in panel.note.message
    viewer.add_labels(np.full((9, 9), -2, np.int32), name="negative")
    panel.labels.layer = viewer.layers["negative"]
    panel.run.click()
    settle(qtbot, panel)
    assert panel.note.kind == "error"
    viewer.layers.clear()
    settle(qtbot, panel)
    assert not panel.run.isEnabled()
    assert "Open or predict labels" in panel.note.message


def test_a_layer_removed_during_work(viewer, layer, open_panel, qtbot):
    panel = open_panel(viewer, run=False)
    panel.run.click()
    viewer.layers.remove("squares")
    settle(qtbot, panel)
    assert panel.table is None


def test_charts_draw_what_is_chosen(panel, qtbot):
    charts = panel.charts
    heights = charts._bars["all"].opts["height"]
    assert heights.sum() == 4
    charts.way.value = "scatter"
    charts.across.setCurrentText("npixels")
    x, _ = charts._points.getData()
    assert sorted(x) == [4, 16, 36, 64]
    charts._clicked(None, [charts._points.points()[1]])
    assert panel.objects.place == 1


def test_export(panel, tmp_path, monkeypatch):
    path = tmp_path / "objects.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    panel._filter_part.expanded = True
    panel.filter.conditions = [Condition(value=10)]
    panel.export.click()
    held = pd.read_csv(path)
    assert held["comment"].tolist() == ["Removed", "Correct", "Correct", "Correct"]
    assert held["conditions"][0] == "npixels < 10"
    assert held["area"].tolist() == [4, 16, 36, 64]
