"""The Proofread panel in a real napari window, worked with mouse and keys."""

from __future__ import annotations

import itertools

import dask.array as da
import numpy as np
import pytest
import zarr
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage, QKeySequence
from qtpy.QtWidgets import QApplication, QWidget
from scipy import ndimage

from napari_bioseg.channels import encode
from napari_bioseg.edit import EditedArray
from napari_bioseg.widgets.bridge.locks import locked_ids
from napari_bioseg.widgets.proofread.proofread_panel import ProofreadPanel


def drawn():
    """Two discs grown together as 3, one disc as 7, one with a hole as 9."""
    labels = np.zeros((60, 90), np.int32)
    y, x = np.mgrid[:60, :90]
    labels[np.hypot(y - 20, x - 20) < 12] = 3
    labels[np.hypot(y - 20, x - 40) < 12] = 3
    labels[np.hypot(y - 20, x - 65) < 10] = 7
    labels[np.hypot(y - 45, x - 60) < 10] = 9
    labels[np.hypot(y - 45, x - 60) < 3] = 0
    return labels


class Window:
    """A napari window with the panel, and hands to work with it."""

    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        viewer.window.resize(1100, 800)
        _, self.panel = viewer.window.add_plugin_dock_widget(
            "napari-bioseg", "Proofread"
        )
        self.settle()
        viewer.reset_view()  # the panel took some of the canvas

    def settle(self):
        self.qtbot.wait(80)
        self.qtbot.waitUntil(lambda: not self.panel.busy, timeout=30_000)
        self.qtbot.wait(20)

    @property
    def canvas(self):
        (canvas,) = [
            widget
            for widget in QApplication.allWidgets()
            if type(widget).__name__ == "CanvasBackendDesktop" and widget.isVisible()
        ]
        return canvas

    def point(self, layer, place):
        """Return where on the canvas a pixel of a layer is."""
        viewer = self.viewer
        world = np.asarray(layer.data_to_world(np.asarray(place, float)))[-2:]
        centre = np.asarray(viewer.scene.camera.center)[-2:]
        size = np.array([self.canvas.height(), self.canvas.width()])
        y, x = (world - centre) * viewer.scene.camera.zoom + size / 2
        return QPoint(round(x), round(y))

    def click(self, layer, place):
        left = Qt.MouseButton.LeftButton
        at = self.point(layer, place)
        self.qtbot.mouseMove(self.canvas, at)
        self.qtbot.mousePress(self.canvas, left, pos=at)
        self.qtbot.mouseRelease(self.canvas, left, pos=at)
        self.settle()

    def draw(self, layer, places):
        left = Qt.MouseButton.LeftButton
        points = [self.point(layer, place) for place in places]
        self.qtbot.mouseMove(self.canvas, points[0])
        self.qtbot.mousePress(self.canvas, left, pos=points[0])
        for start, stop in itertools.pairwise(points):
            for share in np.linspace(0.1, 1, 10):
                self.qtbot.mouseMove(self.canvas, start + (stop - start) * share)
                self.qtbot.wait(2)
        self.qtbot.mouseRelease(self.canvas, left, pos=points[-1])
        self.settle()

    def dots(self):
        """Return where yellow dots are seen on the canvas."""
        self.qtbot.wait(50)
        sheet = self.panel.ui.tools.marks.sheet
        if sheet is None or not sheet.isVisible():
            return []
        assert sheet.parent() is self.canvas
        image = QImage(sheet.size(), QImage.Format.Format_ARGB32)
        image.fill(0)
        sheet.render(image, flags=QWidget.RenderFlag.DrawChildren)
        bits = image.constBits()
        bits.setsize(image.sizeInBytes())
        pixels = np.frombuffer(bits, np.uint8).reshape(image.height(), -1, 4)
        found, count = ndimage.label(pixels[..., 3] > 0)
        middles = ndimage.center_of_mass(found > 0, found, range(1, count + 1))
        return sorted((x, y) for y, x in middles)

    def check_dots(self, layer, *places):
        """Check that there are dots at these pixels of a layer and nowhere else."""
        wanted = sorted((p.x(), p.y()) for p in (self.point(layer, x) for x in places))
        found = self.dots()
        assert len(found) == len(wanted)
        np.testing.assert_allclose(found, wanted, atol=1.5)

    def key(self, key):
        sequence = QKeySequence(key)[0]
        modifiers = sequence.keyboardModifiers()
        self.qtbot.keyClick(self.canvas, sequence.key(), modifiers)
        self.settle()


@pytest.fixture
def window(make_napari_viewer_proxy, qtbot):
    """Opens a window around labels."""
    opened = []

    def make(labels, **options):
        viewer = make_napari_viewer_proxy(show=True)
        if options.pop("image", False):
            viewer.add_image(np.asarray(labels) > 0, name="cells")
        layer = viewer.add_labels(labels, name="cells labels", **options)
        opened.append(Window(viewer, qtbot))
        return opened[-1], getattr(layer, "__wrapped__", layer)

    yield make
    for each in opened:
        each.panel.close_threads()


def test_pick_delete_fill_smooth_and_undo(window):
    work, layer = window(drawn())
    before = layer.data.copy()
    work.click(layer, (45, 53))
    assert work.panel.selected == layer.selected_label == 9
    work.key("H")
    assert layer.data[45, 60] == 9
    assert "Filled the holes" in work.panel.ui.status.message
    work.key("G")
    work.click(layer, (20, 65))
    work.key("D")
    assert not (layer.data == 7).any()
    work.key("D")
    assert "click an object first" in work.panel.ui.status.message
    for _ in range(3):
        work.panel.ui.undo.click()
    np.testing.assert_array_equal(layer.data, before)


def test_join_by_two_clicks_and_by_a_line(window):
    work, layer = window(drawn())
    work.key("J")
    work.click(layer, (20, 20))
    work.check_dots(layer, (20, 20))
    work.click(layer, (20, 65))
    assert work.dots() == []
    assert set(np.unique(layer.data)) == {0, 3, 9}
    work.draw(layer, [(20, 50), (20, 62), (40, 62)])
    assert set(np.unique(layer.data)) == {0, 3}
    work.draw(layer, [(55, 5), (55, 20)])
    assert "fewer than two" in work.panel.ui.status.message
    assert work.viewer.layers.selection.active.name == layer.name
    work.click(layer, (20, 20))
    work.key("A")
    assert work.dots() == []
    assert len(work.viewer.layers) == 1


def test_cut_along_a_line_and_seeds(window):
    work, layer = window(drawn())
    work.key("K")
    work.draw(layer, [(4, 14), (36, 14)])
    assert layer.data[20, 10] == 10
    assert layer.data[20, 30] == 3
    work.draw(layer, [(10, 30), (20, 30)])
    assert "does not divide" in work.panel.ui.status.message
    work.key("S")
    work.click(layer, (20, 20))
    work.click(layer, (20, 45))
    work.check_dots(layer, (20, 20), (20, 45))
    before = work.dots()
    work.viewer.scene.camera.zoom *= 1.2  # the dots move with what they are on
    work.check_dots(layer, (20, 20), (20, 45))
    assert work.dots() != before
    work.key("Return")
    assert layer.data[20, 20] != layer.data[20, 45]
    assert set(np.unique(layer.data)) == {0, 3, 7, 9, 10, 11}
    assert set(locked_ids(layer)) == {3, 10, 11}


def test_a_cut_follows_the_prediction(window):
    labels = np.zeros((40, 80), np.int32)
    labels[10:30, 10:70] = 1
    truth = labels.copy()
    truth[10:30, 25:70] = 2
    channels = encode(np.where(labels > 0, truth, 0), "BC")
    work, layer = window(labels)
    for name, channel in zip("BC", channels, strict=True):
        notes = {"role": "prediction", "channel": name, "channels": ["B", "C"]}
        notes |= {"source": "cells", "run": "1"}
        work.viewer.add_image(
            channel, name=f"cells {name}", visible=False, metadata={"bioseg": notes}
        )
    work.settle()
    assert "cuts follow cells · B C" in work.panel.ui.layer_note.message
    work.viewer.layers.selection.active = layer
    work.key("S")
    work.click(layer, (20, 15))
    work.click(layer, (20, 60))
    work.key("Return")
    left = np.flatnonzero(layer.data[20] == layer.data[20, 15])
    assert 23 <= left.max() <= 26  # the narrowest place would be in the middle


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr"])
def test_volumes_in_memory_and_on_disk_undo_after_another_slice(window, kind, tmp_path):
    labels = np.zeros((12, 60, 90), np.int32)
    labels[2:10] = drawn()
    given = labels.copy()
    if kind == "dask":
        given = da.from_array(given, chunks=(4, 32, 32))
    if kind == "zarr":
        given = zarr.open_array(
            str(tmp_path / "a"), mode="w", shape=labels.shape, dtype=labels.dtype
        )
        given[:] = labels
    work, layer = window(given, scale=(2, 1, 1))
    assert isinstance(layer.data, EditedArray) == (kind == "dask")
    work.viewer.dims.set_point(0, 2 * 5)
    work.key("K")
    work.draw(layer, [(5, 4, 30), (5, 36, 30)])
    assert layer.data[5, 20, 20] != layer.data[5, 20, 40]
    assert layer.data[2, 20, 20] != layer.data[2, 20, 40]
    work.viewer.dims.set_point(0, 2 * 8)
    layer.undo()
    np.testing.assert_array_equal(np.asarray(layer.data[:]), labels)
    layer.redo()
    assert layer.data[5, 20, 20] != layer.data[5, 20, 40]


def test_only_the_frame_in_view_is_corrected(window):
    labels = np.stack([drawn(), drawn()])
    work, layer = window(labels, axis_labels=("t", "y", "x"))
    work.viewer.dims.set_point(0, 1)
    work.settle()
    work.click(layer, (1, 20, 65))
    work.key("D")
    assert (layer.data[0] == 7).any()
    assert not (layer.data[1] == 7).any()


def test_review_goes_from_doubt_to_doubt(window):
    labels = drawn()
    labels[2:4, 80:82] = 12
    work, layer = window(labels)
    work.key("N")
    frame = work.panel.ui.review.frame
    assert frame["id"].to_list()[0] == 12
    work.key("N")
    assert work.panel.selected == 12
    centre = work.viewer.scene.camera.center
    np.testing.assert_allclose(centre[-2:], (2.5, 80.5))
    work.key("C")
    assert locked_ids(layer) == (12,)
    work.key("N")
    assert work.panel.selected != 12
    work.key("Shift+N")
    assert work.panel.selected == 12
    work.key("C")
    assert locked_ids(layer) == ()


def test_redraw_hands_over_the_brush(window):
    work, layer = window(drawn())
    work.click(layer, (20, 65))
    work.key("R")
    assert not (layer.data == 7).any()
    assert (layer.mode, layer.selected_label, layer.preserve_labels) == (
        "paint",
        7,
        True,
    )
    layer.paint((20, 66), 7)
    work.key("A")
    assert layer.mode == "pan_zoom"
    work.click(layer, (20, 66))
    work.key("D")
    assert not (layer.data == 7).any()


def test_keys_are_changed_and_given_back(window):
    work, layer = window(drawn())
    keys = work.panel.ui.keys
    keys.editors["delete"].setKeySequence(QKeySequence("J"))
    keys.editors["delete"].editingFinished.emit()
    assert "J is the key for: Join" in keys.note.message
    keys.editors["delete"].setKeySequence(QKeySequence("U"))
    keys.editors["delete"].editingFinished.emit()
    assert "(U)" in work.panel.ui.buttons["delete"].text()
    work.click(layer, (20, 65))
    work.key("D")
    assert (layer.data == 7).any()
    work.key("U")
    assert not (layer.data == 7).any()
    work.panel.parent().setVisible(False)
    work.settle()
    assert not layer.keymap
    assert work.panel.ui.tools._drag not in layer.mouse_drag_callbacks


def test_what_cannot_be_corrected_is_said(window):
    work, layer = window(drawn())
    work.viewer.add_labels([drawn(), drawn()[::2, ::2]], name="pyramid")
    work.panel.labels.layer = work.viewer.layers["pyramid"]
    assert "several resolutions" in work.panel.ui.layer_note.message
    work.viewer.layers.remove("pyramid")
    work.settle()
    assert work.panel.target.layer is layer
    work.viewer.layers.clear()
    work.settle()
    assert "Open or predict labels" in work.panel.ui.layer_note.message
    work.viewer.add_labels(np.zeros((20, 20), np.uint8), name="empty")
    work.settle()
    assert "no object" in work.panel.ui.layer_note.message


def test_a_layer_removed_during_work_loses_nothing(window):
    work, layer = window(drawn())
    work.click(layer, (20, 65))
    work.panel.do("delete")
    work.viewer.layers.remove(layer)
    work.settle()
    np.testing.assert_array_equal(layer.data, drawn())
    assert work.panel.target is None


def test_other_labels_are_looked_at_anew(window):
    work, layer = window(drawn())
    labels = drawn()
    labels[50:55, 5:10] = 40
    layer.data = labels
    work.settle()
    assert "4 objects" in work.panel.ui.layer_note.message
    work.key("K")
    work.draw(layer, [(4, 30), (36, 30)])
    assert 41 in layer.data


def test_corrected_labels_go_to_training(window):
    work, _ = window(drawn(), image=True)
    work.panel.ui.learn.click()
    work.settle()
    _, train = work.viewer.window.add_plugin_dock_widget("napari-bioseg", "Train")
    pairs = [(image.name, labels.name) for image, labels in train.pairs.layers.pairs]
    assert pairs == [("cells", "cells labels")]
    work.viewer.layers.remove("cells")
    work.panel.ui.learn.click()
    assert "no image layer has the size" in work.panel.ui.learned.message


def test_corrected_objects_alone_go_to_training(window):
    work, layer = window(drawn(), image=True, scale=(0.5, 0.25))
    learn = work.panel.ui.learn_locked
    assert not learn.isEnabled()
    assert "lock some objects first" in learn.toolTip()
    work.click(layer, (45, 66))
    work.key("D")  # deleted: that there is nothing is known too
    work.click(layer, (20, 65))
    work.key("C")
    assert learn.text() == "Train more on 1 corrected object only"
    learn.click()
    work.settle()
    made = work.viewer.layers["cells labels corrected"]
    known = np.asarray(made.data)
    assert tuple(made.scale) == (0.5, 0.25)
    assert np.array_equal(known == 2, layer.data == 7)
    assert not (layer.data == 9).any()
    assert (known[drawn() == 9] == 1).all()
    assert known[20, 80] == 1
    assert not known[:, :40].any(), "nobody has looked at the others"
    _, train = work.viewer.window.add_plugin_dock_widget("napari-bioseg", "Train")
    pairs = [(image.name, labels.name) for image, labels in train.pairs.layers.pairs]
    assert pairs == [("cells", "cells labels corrected")]
    data = train.workflow.data
    assert (data.unlabelled, data.background_label) == ("ignored", 1)
    work.qtbot.waitUntil(lambda: train.proposal is not None)
    assert "1 channel, 1 instance, median" in train.pairs_note.message
    assert "label 1 is background" in train.sparse.note.message
    work.panel.ui.learn.click()
    data = train.workflow.data
    assert (data.unlabelled, data.background_label) == ("background", "off")
    assert train.pairs.layers.pairs[0][1].name == "cells labels"


def test_the_window_stays_responsive(window, heartbeat):
    labels = np.kron(np.ones((8, 8), np.int32), drawn())
    steps = np.kron(np.arange(64).reshape(8, 8), np.ones((60, 90), np.int32)) * 10
    labels = np.where(labels > 0, labels + steps, 0).astype(np.int32)
    work, layer = window(labels)
    work.key("K")
    with heartbeat.listen("cutting"):
        work.draw(layer, [(4, 30), (36, 30)])
    with heartbeat.listen("listing doubts"):
        work.panel.ui.review.listing.click()
        work.settle()
    assert len(work.panel.ui.review.frame) == 193
    assert heartbeat.worst < 0.5


def test_a_panel_without_a_window(qtbot):
    from napari.components import ViewerModel

    panel = ProofreadPanel(ViewerModel())
    qtbot.addWidget(panel)
    assert panel.target is None
    panel.close_threads()
