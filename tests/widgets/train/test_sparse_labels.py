"""Labels of a few objects and strokes: nothing more is known, and that can be said."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.settings import DataSettings
from napari_bioseg.widgets.bridge.proposal import propose
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


def cells(shape=(96, 96)):
    """An image full of squares, of which few are labelled."""
    image = np.zeros(shape, np.uint8)
    labels = np.zeros(shape, np.int32)
    for y in range(4, shape[0] - 12, 16):
        for x in range(4, shape[1] - 12, 16):
            image[y : y + 10, x : x + 10] = 200
    labels[4:14, 4:14], labels[20:30, 4:14] = 1, 2
    return image, labels


def with_strokes(labels, number):
    painted = labels.copy()
    painted[16:18, :], painted[:, 16:18] = number, number
    return painted


def test_few_objects_look_sparse_and_full_labels_do_not():
    image, labels = cells()
    assert propose((1, 96, 96), labels).looks_sparse
    everything = np.cumsum(image.ravel() > 0).reshape(image.shape) // 10 + 1
    assert not propose((1, 96, 96), everything * (image > 0)).looks_sparse


def test_strokes_of_background_are_told_from_objects():
    _, labels = cells()
    found = propose((1, 96, 96), with_strokes(labels, 7))
    assert found.background == 7
    assert "2 instances" in found.sentence
    assert found.diameter == pytest.approx(11.3, abs=0.1)  # that of the objects
    assert propose((1, 96, 96), labels).background == 0


def test_background_that_does_not_look_like_it_is_known_from_the_settings():
    labels = np.zeros((96, 96), np.int32)
    labels[10:34, 10:34] = 1  # a little background around two objects
    labels[14:24, 14:24], labels[14:24, 26:32] = 2, 3
    found = propose((1, 96, 96), labels)
    assert found.background == 0
    data = DataSettings(unlabelled="ignored", background_label=1)
    told = found.read_as(data)
    assert told.background == 1
    assert "2 instances, median diameter 10 px" in told.sentence
    assert told.looks_sparse
    for other in (DataSettings(), data.replace(background_label=9)):
        assert found.read_as(other) == found


def test_one_click_ignores_what_is_not_labelled(viewer, panel, qtbot):
    image, labels = cells()
    viewer.add_image(image, name="cells")
    layer = viewer.add_labels(labels, name="some cells")
    qtbot.waitUntil(panel.sparse.isVisible)
    assert "2.2% of the pixels are labelled" in panel.sparse.note.message
    assert "now it counts as background" in panel.sparse.note.message

    panel.sparse.button.click()
    data = panel.workflow.data
    assert (data.unlabelled, data.background_label) == ("ignored", 3)
    assert "Paint some background with label 3" in panel.sparse.note.message

    layer.data = with_strokes(labels, 9)
    qtbot.waitUntil(lambda: panel.proposal is not None and panel.proposal.largest == 9)
    panel.sparse.label.setValue(9)
    assert panel.workflow.data.background_label == 9
    assert "label 9 is background" in panel.sparse.note.message

    panel.effort.train.settings = panel.effort.train.settings.replace(
        epochs=1, steps=2, batch_size=2
    )
    qtbot.waitUntil(panel.train_button.isEnabled)
    panel.train_button.click()
    job = panel.job
    qtbot.waitUntil(lambda: not job.active, timeout=60_000)
    assert panel.note.message == ""
    assert session_of(viewer).model is not None

    panel.sparse.button.click()
    assert panel.workflow.data.unlabelled == "background"
    assert panel.workflow.data.background_label == "off"


def test_what_is_set_among_the_advanced_settings_shows_here_too(viewer, panel, qtbot):
    image, labels = cells()
    viewer.add_image(image, name="cells")
    viewer.add_labels(with_strokes(labels, 9), name="some cells")
    qtbot.waitUntil(panel.sparse.isVisible)
    assert panel.sparse.label.value() == 9  # the strokes are recognised
    data = panel.effort.data.settings
    panel.effort.data.settings = data.replace(unlabelled="ignored", background_label=9)
    assert panel.sparse.button.isChecked()
    assert "label 9 is background" in panel.sparse.note.message
