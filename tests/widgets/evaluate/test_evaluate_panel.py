"""The Evaluate panel: scores by hand, mistakes to jump to, live."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtWidgets import QFileDialog

from napari_bioseg.widgets.bridge.layers import replace_data
from napari_bioseg.widgets.evaluate.evaluate_panel import EvaluatePanel


def truth():
    """Five squares of 8 × 8."""
    labels = np.zeros((40, 80), np.int32)
    for number, column in enumerate(range(4, 64, 12), start=1):
        labels[4:12, column : column + 8] = number
    return labels


def predicted():
    """1 exact, 2 missed, 3 and 4 merged, 5 split in halves, one invented."""
    labels = np.zeros((40, 80), np.int32)
    labels[4:12, 4:12] = 7
    labels[4:12, 28:48] = 8
    labels[4:12, 52:56] = 9
    labels[4:12, 56:60] = 10
    labels[30:36, 30:36] = 11
    return labels


@pytest.fixture
def viewer():
    return PublicOnlyProxy(ViewerModel())


@pytest.fixture
def open_panel(qtbot):
    panels = []

    def make(viewer):
        panel = EvaluatePanel(viewer)
        qtbot.addWidget(panel)
        panel.resize(370, 800)
        panel.show()
        panels.append(panel)
        settle(qtbot, panel)
        return panel

    yield make
    for panel in panels:
        panel.close_threads()


def settle(qtbot, panel):
    qtbot.wait(30)
    qtbot.waitUntil(lambda: not panel.busy, timeout=30_000)
    qtbot.wait(20)


@pytest.fixture
def panel(viewer, open_panel):
    viewer.add_labels(truth(), name="truth")
    notes = {"role": "instances", "source": "cells"}
    viewer.add_labels(predicted(), name="found", metadata={"bioseg": notes})
    return open_panel(viewer)


def test_layers_are_proposed_and_scores_are_those_by_hand(panel):
    assert panel.truth.layer.name == "truth"
    assert panel.predicted.layer.name == "found"
    table = panel.answer.table.set_index("threshold")
    # at 0.5: 1 exactly, and one half of 5 overlaps it by exactly 0.5
    row = table.loc[0.5]
    assert (row["tp"], row["fp"], row["fn"]) == (2, 3, 3)
    np.testing.assert_allclose(row["accuracy"], 2 / 8)
    np.testing.assert_allclose(row["f1"], 4 / 10)
    row = table.loc[0.75]
    assert (row["tp"], row["fp"], row["fn"]) == (1, 4, 4)
    assert len(panel.answer.curve) == 18


def test_mistakes_are_listed_and_jumped_to(panel, viewer, qtbot):
    kinds = panel.mistakes.frame["kind"].value_counts().to_dict()
    assert kinds == {"missed": 1, "invented": 1, "merged": 1, "split": 1}
    assert "1 merged" in panel.note.message
    panel.mistakes.kind.setCurrentIndex(panel.mistakes.kind.findData("invented"))
    panel.mistakes.following.click()
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (32.5, 32.5))
    assert viewer.layers["found"].selected_label == 11
    panel.mistakes.kind.setCurrentIndex(panel.mistakes.kind.findData("missed"))
    panel.mistakes.following.click()
    assert viewer.layers["truth"].selected_label == 2


def test_scores_follow_edits_undo_and_results_written_in_place(panel, viewer, qtbot):
    found = viewer.layers["found"].__wrapped__
    found.data_setitem(np.nonzero(found.data == 11), 0)
    settle(qtbot, panel)
    assert "invented" not in panel.note.message
    found.undo()
    settle(qtbot, panel)
    assert "1 invented" in panel.note.message
    replace_data(found, truth())
    settle(qtbot, panel)
    assert panel.answer.table["f1"].tolist() == [1, 1, 1]
    assert "There are no mistakes" in panel.mistakes.note.message
    answer = panel.answer
    found.refresh()
    settle(qtbot, panel)
    assert panel.answer is answer  # nothing changed, nothing computed


def test_mistakes_are_coloured_in_place(panel, viewer, qtbot):
    panel.colours.setChecked(True)
    settle(qtbot, panel)
    layer = viewer.layers["found found and mistaken"]
    assert layer.data[5, 5] == 1
    assert layer.data[5, 18] == 2
    assert layer.data[32, 32] == 3
    for value, colour in ((1, (0, 1, 0)), (2, (1, 0, 0)), (3, (0, 0, 1))):
        np.testing.assert_allclose(layer.get_color(value)[:3], colour)
    assert panel.truth.layer.name == "truth"
    panel.iou.setValue(0.75)
    settle(qtbot, panel)
    assert layer.data[5, 54] == 2
    assert len(viewer.layers) == 3
    panel.colours.setChecked(False)
    assert not layer.visible


def test_time_points_are_pooled(viewer, open_panel):
    labels = ("t", "y", "x")
    viewer.add_labels(np.stack([truth(), truth()]), name="truth", axis_labels=labels)
    guess = np.stack([truth(), predicted()])
    panel = open_panel(viewer)
    viewer.add_labels(guess, name="found", axis_labels=labels)
    panel.predicted.layer = viewer.layers["found"]
    panel.truth.layer = viewer.layers["truth"]
    panel._request()
    from qtpy.QtTest import QTest

    while panel.busy:
        QTest.qWait(20)
    row = panel.answer.table.set_index("threshold").loc[0.5]
    assert (row["tp"], row["fp"], row["fn"]) == (7, 3, 3)
    assert "2 time points pooled" in panel.pooled.message
    assert set(panel.mistakes.frame["frame"]) == {(1,)}
    panel.mistakes.following.click()
    assert viewer.dims.current_step[0] == 1


def test_classes(panel, qtbot):
    panel.kind.value = "classes"
    settle(qtbot, panel)
    table = panel.answer.table.set_index("class")
    assert table["iou"][2] == 0
    assert "Mean IoU" in panel.note.message
    assert panel.mistakes.isHidden()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (np.zeros((40, 80), np.int32), "holds no object; all 5 are missed"),
        (np.zeros((40, 79), np.int32), "they must be equal"),
        (np.full((40, 80), -3, np.int32), "below 0"),
    ],
    ids=["empty", "other size", "negative"],
)
def test_bad_input_is_said_beside_the_controls(panel, viewer, qtbot, other, words):
    viewer.add_labels(other, name="other")
    panel.predicted.layer = viewer.layers["other"]
    settle(qtbot, panel)
    assert words in panel.note.message
    viewer.layers.remove("other")
    settle(qtbot, panel)
    assert panel.predicted.layer is None
    assert "Choose the layer of predicted labels" in panel.note.message


def test_empty_truth_same_layer_and_scales(panel, viewer, qtbot):
    viewer.add_labels(np.zeros((40, 80), np.int32), name="empty", scale=(2, 2))
    panel.truth.layer = viewer.layers["empty"]
    settle(qtbot, panel)
    assert "truth holds no object; all 5 are invented" in panel.note.message
    assert "different scales" in panel.note.message
    panel.predicted.layer = viewer.layers["empty"]
    settle(qtbot, panel)
    assert "same layer" in panel.note.message


def test_gaps_and_big_ids(panel, viewer, qtbot):
    data = truth().astype(np.int64)
    data[data == 3] = 4_000_000
    viewer.add_labels(data, name="gaps")
    panel.predicted.layer = viewer.layers["gaps"]
    settle(qtbot, panel)
    assert panel.answer.table["tp"].tolist() == [5, 5, 5]


def test_export(panel, tmp_path, monkeypatch):
    def choose(name):
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / name), "")
        )

    choose("scores.csv")
    panel.export.click()
    assert pd.read_csv(tmp_path / "scores.csv")["tp"].tolist() == [3, 2, 1]
    choose("mistakes.json")
    panel.export_list.click()
    held = json.loads((tmp_path / "mistakes.json").read_text())
    assert {row["kind"] for row in held["rows"]} >= {"missed", "merged"}
    choose("no folder/here.csv")
    panel.export.click()
    assert "not written" in panel.saved.message


def test_folders(viewer, open_panel, qtbot, tmp_path):
    for folder in ("right", "guess"):
        (tmp_path / folder).mkdir()
    for name, guess in (("a", truth()), ("b", predicted())):
        tifffile.imwrite(tmp_path / "right" / f"{name}.tif", truth())
        tifffile.imwrite(tmp_path / "guess" / f"{name}.tif", guess)
    panel = open_panel(viewer)
    panel.where.value = "folders"
    assert not panel.compare.isEnabled()
    panel.true_folder.path = tmp_path / "right"
    panel.folder.path = tmp_path / "guess"
    panel.compare.click()
    settle(qtbot, panel)
    rows = panel.scores.frame
    pooled = rows[(rows["image"] == "all pooled") & (rows["threshold"] == 0.5)]
    assert pooled[["tp", "fp", "fn"]].to_numpy().tolist() == [[7, 3, 3]]
    assert rows["image"].unique().tolist() == ["all pooled", "a", "b"]
    tifffile.imwrite(tmp_path / "guess" / "b.tif", truth()[1:])
    panel.compare.click()
    settle(qtbot, panel)
    assert "b" in panel.note.message
    assert "39, 80" in panel.note.message
