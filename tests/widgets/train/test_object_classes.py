"""Classes of objects in the Train panel: from a layer, a table, or a folder."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_bioseg.io import open_model
from napari_bioseg.widgets.session import session_of
from napari_bioseg.widgets.train.train_panel import TrainPanel


@pytest.fixture
def viewer(make_napari_viewer_proxy, own_home):
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def panel(viewer):
    panel = TrainPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Train", area="right")
    return panel


def two_kinds(shape=(64, 64)):
    """Squares, every other of which is bright and of class 2."""
    image, labels, kinds = (np.zeros(shape, np.uint8) for _ in range(3))
    for number, (y, x) in enumerate(np.ndindex(4, 4), start=1):
        place = slice(16 * y + 3, 16 * y + 13), slice(16 * x + 3, 16 * x + 13)
        image[place] = 100 if number % 2 else 220
        labels[place], kinds[place] = number, 2 - number % 2
    return image, labels.astype(np.int32), kinds.astype(np.int32)


def train_for_a_moment(panel, qtbot):
    effort = panel.effort
    effort.network.settings = effort.network.settings.replace(features=4, depth=2)
    effort.train.settings = effort.train.settings.replace(
        epochs=1, steps=2, batch_size=2
    )
    qtbot.waitUntil(panel.train_button.isEnabled)
    panel.train_button.click()
    job = panel.job
    qtbot.waitUntil(lambda: not job.active, timeout=60_000)
    assert panel.note.message == ""
    return open_model(session_of(panel.viewer).model)


def test_a_layer_tells_the_class_of_every_object(viewer, panel, qtbot):
    image, labels, kinds = two_kinds()
    viewer.add_image(image, name="cells")
    viewer.add_labels(labels, name="objects")
    qtbot.waitUntil(panel.train_button.isEnabled)
    row = panel.pairs.layers.rows[0]
    assert row.kinds_row.isHidden()

    panel.goal.kinds.setValue(3)
    assert row.kinds_row.isVisible()
    assert "classes of the objects of objects" in row.note.message
    assert not panel.train_button.isEnabled()
    assert "classes of the objects" in panel.train_button.toolTip()

    panel.pairs.layers._touch()  # the next layer is no pair of its own
    layer = viewer.add_labels(kinds, name="kinds")
    row.kinds.layer = layer
    (pair,) = panel.source.read()
    np.testing.assert_array_equal(pair.classes, kinds)
    model = train_for_a_moment(panel, qtbot)
    assert model.outputs == ("B", "C", "class 0", "class 1", "class 2")

    row.kinds.layer = None
    assert not panel.train_button.isEnabled()
    viewer.layers["objects"].features = pd.DataFrame(
        {"index": np.arange(1, 17), "class": [2 - n % 2 for n in range(1, 17)]}
    )
    qtbot.waitUntil(panel.train_button.isEnabled)
    (pair,) = panel.source.read()
    np.testing.assert_array_equal(pair.classes, kinds)


def test_a_layer_of_another_size_is_refused_beside_its_pair(viewer, panel, qtbot):
    image, labels, kinds = two_kinds()
    viewer.add_image(image, name="cells")
    viewer.add_labels(labels, name="objects")
    panel.goal.kinds.setValue(3)
    qtbot.waitUntil(lambda: panel.pairs.layers.rows[0].pair[1] is not None)
    panel.pairs.layers._touch()
    row = panel.pairs.layers.rows[0]
    row.kinds.layer = viewer.add_labels(kinds[:32], name="half")
    assert "half" in row.note.message
    assert not panel.train_button.isEnabled()


def test_slices_of_a_volume_keep_their_classes(viewer, panel, qtbot):
    image, labels, kinds = (np.stack([part, part]) for part in two_kinds())
    kinds[1] = np.where(kinds[1] > 0, 3 - kinds[1], 0)
    viewer.add_image(image, name="cells")
    viewer.add_labels(labels, name="objects")
    panel.goal.kinds.setValue(3)
    qtbot.waitUntil(lambda: panel.pairs.layers.rows[0].pair[1] is not None)
    panel.pairs.layers._touch()
    panel.pairs.layers.rows[0].kinds.layer = viewer.add_labels(kinds, name="kinds")
    panel.pairs.stack.value = "2"
    pairs = panel.source.read()
    assert [pair.name for pair in pairs] == ["cells z=0", "cells z=1"]
    np.testing.assert_array_equal(pairs[1].classes, kinds[1])


def test_a_folder_of_classes_is_asked_for_and_read(panel, tmp_path, qtbot):
    parts = zip(("images", "labels", "kinds"), two_kinds(), strict=True)
    for name, data in parts:
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "a.tif", data)
    panel.pairs.where.value = "folders"
    panel.pairs._switch()
    folders = panel.pairs.folders
    folders.images.path = tmp_path / "images"
    assert panel.pairs.problem == ""
    panel.goal.kinds.setValue(3)
    assert panel.pairs.problem == "choose the folder of classes"
    folders.kinds.path = tmp_path / "kinds"
    assert panel.pairs.problem == ""
    (pair,) = panel.source.read()
    assert pair.classes.max() == 2
    panel.goal.kinds.setValue(1)
    assert folders.kinds_row.isHidden()
    assert panel.source.read()[0].classes is None
