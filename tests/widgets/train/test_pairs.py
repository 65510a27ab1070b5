"""Pairs follow the layer list, and say what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_bioseg.widgets.bridge.matching import match_layers
from napari_bioseg.widgets.train.pairs import Pairs


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def names(pairs):
    return [(image.name, labels.name) for image, labels in pairs]


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


@pytest.fixture
def pairs(viewer, qtbot):
    widget = Pairs(viewer)
    qtbot.addWidget(widget)
    return widget


def add_pair(viewer, name, size=32):
    viewer.add_image(np.zeros((size, size), np.uint8), name=name)
    viewer.add_labels(np.ones((size, size), int), name=f"{name} labels")


def test_without_layers_it_asks_for_an_image(pairs):
    assert pairs.problem.startswith("open an image first")


def test_image_without_labels_says_how_to_get_some(viewer, pairs, qtbot):
    viewer.add_image(np.zeros((32, 32)), name="cells")
    assert "no Labels layer" in pairs.problem
    assert "convert it to labels" in pairs.problem


def test_rows_follow_the_layers_until_something_is_chosen(viewer, pairs, qtbot):
    add_pair(viewer, "a")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 1)
    add_pair(viewer, "b")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 2)
    assert names(pairs.layers.pairs) == [("a", "a labels"), ("b", "b labels")]
    assert pairs.problem == ""

    click(qtbot, pairs.layers.rows[1].remove)
    add_pair(viewer, "c")
    qtbot.wait(20)
    assert names(pairs.layers.pairs) == [("a", "a labels")]


def test_add_selected_pairs_by_name_and_size(viewer, pairs, qtbot):
    add_pair(viewer, "a")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 1)
    click(qtbot, pairs.layers.rows[0].remove)
    add_pair(viewer, "b")
    viewer.layers.selection = {viewer.layers["b labels"], viewer.layers["b"]}
    click(qtbot, pairs.layers.add_selected)
    assert names(pairs.layers.pairs) == [("b", "b labels")]


def test_add_selected_without_a_pair_says_what_to_select(viewer, pairs, qtbot):
    add_pair(viewer, "a")
    viewer.layers.selection = {viewer.layers["a"]}
    click(qtbot, pairs.layers.add_selected)
    assert "select an Image layer and a Labels layer" in pairs.layers.note.message


def test_different_sizes_are_named_beside_the_row(viewer, pairs, qtbot):
    viewer.add_image(np.zeros((32, 32)), name="cells")
    viewer.add_labels(np.zeros((30, 32), int), name="truth")
    qtbot.wait(20)
    row = pairs.layers.rows[0]
    row.pair = (viewer.layers["cells"], viewer.layers["truth"])
    expected = "cells is 32 × 32, truth is 30 × 32"
    assert expected in row.note.message
    assert expected in pairs.problem
    assert pairs.layers.pairs == []


def test_colours_and_channels_do_not_count_as_size(viewer, pairs, qtbot):
    viewer.add_image(np.zeros((32, 32, 3), np.uint8), rgb=True, name="rgb")
    viewer.add_image(np.zeros((2, 32, 32)), name="two channels")
    viewer.add_labels(np.zeros((32, 32), int), name="truth")
    row = pairs.layers.rows[0]
    for name in ("rgb", "two channels"):
        row.pair = (viewer.layers[name], viewer.layers["truth"])
        assert row.problem == ""


def test_a_deleted_layer_empties_its_row(viewer, pairs, qtbot):
    add_pair(viewer, "a")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 1)
    pairs.layers.rows[0].image.activated.emit(0)
    viewer.layers.remove("a labels")
    qtbot.wait(20)
    assert pairs.layers.pairs == []
    assert "no Labels layer" in pairs.problem


def test_results_of_the_plugin_are_not_offered(viewer, pairs, qtbot):
    add_pair(viewer, "a")
    meta = {"bioseg": {"role": "prediction"}}
    viewer.add_image(np.zeros((32, 32)), name="a B", metadata=meta)
    qtbot.wait(20)
    offered = [layer.name for layer in pairs.layers.rows[0].image.layers]
    assert offered == ["a"]


def test_renamed_layers_keep_their_place(viewer, pairs, qtbot):
    add_pair(viewer, "a")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 1)
    viewer.layers["a"].name = "cells"
    assert pairs.layers.rows[0].image.currentText() == "cells"


def test_stacks_ask_whether_they_are_volumes_or_slices(viewer, pairs, qtbot):
    add_pair(viewer, "flat")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 1)
    assert pairs.stack.isHidden()
    viewer.add_image(np.zeros((4, 32, 32)), name="deep")
    viewer.add_labels(np.zeros((4, 32, 32), int), name="deep labels")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 2)
    assert not pairs.stack.isHidden()
    assert not pairs.slices
    click(qtbot, pairs.stack.buttons["2"])
    assert pairs.slices


def test_folders_are_asked_for_and_guessed(pairs, qtbot, tmp_path):
    click(qtbot, pairs.where.buttons["folders"])
    assert pairs.problem == "choose the folder of images"
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    pairs.folders.images.path = tmp_path / "images"
    assert pairs.folders.labels.path == tmp_path / "labels"
    assert pairs.problem == ""
    pairs.folders.labels.path = tmp_path / "nowhere"
    assert "there is no folder" in pairs.problem


def test_likeness_of_names_decides_between_equal_sizes(viewer):
    for name in ("x", "y"):
        add_pair(viewer, name)
    images = [viewer.layers["x"], viewer.layers["y"]]
    labels = [viewer.layers["y labels"], viewer.layers["x labels"]]
    found = match_layers(images, labels)
    assert names(found) == [("y", "y labels"), ("x", "x labels")]


def test_narrow_panel_holds_every_control(viewer, pairs, qtbot):
    add_pair(viewer, "a name that is much longer than the panel is wide, really")
    qtbot.waitUntil(lambda: len(pairs.layers.pairs) == 1)
    assert pairs.minimumSizeHint().width() <= 330
