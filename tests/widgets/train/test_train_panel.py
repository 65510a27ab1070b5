"""The Train panel: clicked through in a real window, and fed everything bad."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_bioseg.io import read_log
from napari_bioseg.samples import touching_cells_3d
from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.reading import LayerSource
from napari_bioseg.widgets.session import session_of
from napari_bioseg.widgets.train import previews
from napari_bioseg.widgets.train.continuing import STATE_FILE, earlier_training
from napari_bioseg.widgets.train.train_panel import TrainPanel

LONG = 60_000  # ms
LONGEST_GAP = 1.5  # s: what people call frozen; the gap itself is printed


@pytest.fixture
def viewer(make_napari_viewer_proxy, own_home):
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def panel(viewer, qtbot):
    return open_train(viewer)


def open_train(viewer):
    panel = TrainPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Train", area="right")
    return panel


def click(qtbot, button):
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def add_pair(viewer, nuclei, name="nuclei"):
    image, labels = nuclei
    viewer.add_image(image, name=name, scale=(0.5, 0.5), units="um")
    viewer.add_labels(labels, name=f"{name} labels", scale=(0.5, 0.5), units="um")


def make_tiny(panel, epochs=3, steps=2):
    """Let a training take a second: a very small network, a few steps."""
    network = panel.effort.network.settings
    panel.effort.network.settings = network.replace(features=4, depth=2)
    train = panel.effort.train.settings
    panel.effort.train.settings = train.replace(
        epochs=epochs, steps=steps, batch_size=2
    )
    panel.effort.data.settings = panel.effort.data.settings.replace(patch=(32, 32))


def ready(panel, qtbot):
    qtbot.waitUntil(lambda: panel.proposal is not None, timeout=LONG)
    qtbot.waitUntil(panel.train_button.isEnabled, timeout=LONG)


def finished(panel, qtbot):
    qtbot.waitUntil(lambda: not panel.job.active, timeout=LONG)


@pytest.fixture
def tiny(viewer, panel, nuclei, qtbot):
    """A panel that is about to train a tiny network on one pair."""
    add_pair(viewer, nuclei)
    make_tiny(panel)
    ready(panel, qtbot)
    return panel


def test_train_button_trains_saves_and_offers_to_predict(tiny, qtbot, viewer, own_home):
    states = []
    assert tiny.place.folder == own_home / "napari-bioseg" / "models" / "nuclei BC"
    assert not tiny.stop_button.isEnabled()
    assert "nothing is being trained" in tiny.stop_button.toolTip()
    click(qtbot, tiny.train_button)
    tiny.job.state_changed.connect(states.append)
    assert not tiny.train_button.isEnabled()
    assert not tiny.pairs.isEnabled()
    assert tiny.stop_button.isEnabled()
    finished(tiny, qtbot)
    assert states == ["done"]
    assert tiny.note.message == ""
    assert "nuclei BC is saved" in tiny.view.result.message
    folder = tiny.view._report.parent
    assert tiny.view.report_button.isVisible()
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")
    assert len(read_log(folder)) == len(tiny.view.plot.epochs)
    assert not tiny.view.predict_button.isHidden()
    assert tiny.view.plot.epochs == [1, 2, 3]
    assert len(tiny.view.plot.steps) == 6
    assert tiny.train_button.isEnabled()

    from napari_bioseg.io import open_model

    model = open_model(tiny.session.model)
    assert model.outputs == ("B", "C")
    assert model.trained.spacing == (0.5, 0.5)


def test_training_waits_until_the_labels_have_been_looked_at(
    viewer, nuclei, qtbot, monkeypatch
):
    seen = threading.Event()
    judge = LayerSource.judge

    def slowly(source):
        seen.wait(LONG / 1000)
        return judge(source)

    monkeypatch.setattr(LayerSource, "judge", slowly)
    panel = open_train(viewer)
    add_pair(viewer, nuclei)
    qtbot.waitUntil(lambda: "looking at" in panel.pairs_note.message, timeout=LONG)
    assert not panel.train_button.isEnabled()
    assert "the labels are being looked at" in panel.train_button.toolTip()
    panel.effort.changed.emit()  # any other setting leaves it so
    assert not panel.train_button.isEnabled()
    seen.set()
    ready(panel, qtbot)
    assert panel.place.folder.name == "nuclei BC"


def test_layers_that_come_and_go_leave_the_name_of_what_was_trained(
    tiny, viewer, qtbot
):
    tiny.pairs.layers._touch()
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) >= 1, timeout=LONG)
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    proposal = tiny.proposal
    layer = viewer.add_image(np.zeros((8, 8)), name="another")
    viewer.layers.remove(layer)
    qtbot.wait(50)
    assert tiny.proposal is proposal, "there was nothing to look at anew"
    assert "Go on after epoch" in tiny.continue_button.toolTip()


def test_volumes_get_a_smaller_network_than_images(viewer, panel, qtbot):
    image, labels = touching_cells_3d((16, 48, 48))
    viewer.add_image(image, name="volume")
    viewer.add_labels(labels, name="volume labels")
    ready(panel, qtbot)
    preset = Workflow.preset("fast", dimensions=3)
    assert panel.workflow.network == preset.network
    assert panel.workflow.train == preset.train
    panel.pairs.stack.buttons["2"].click()
    ready(panel, qtbot)
    assert panel.workflow.network == Workflow.preset("fast").network


def test_the_sentence_says_what_the_layers_hold(tiny, nuclei):
    count = len(np.unique(nuclei[1])) - 1
    assert f"2-D, 1 channel, {count} instances, median diameter" in (
        tiny.pairs_note.message
    )
    assert tiny.pairs_note.message.endswith("→ patch 128, BC")
    tiny.effort.data.settings = tiny.effort.data.settings.replace(patch="auto")
    assert tiny.workflow.data.patch == tiny.proposal.patch


def test_pause_waits_resume_goes_on_and_stop_keeps_the_best(tiny, qtbot):
    make_tiny(tiny, epochs=2000)
    by_score = tiny.effort.train.settings.replace(monitor="IoU")
    tiny.effort.train.settings = by_score
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) >= 2, timeout=LONG)
    click(qtbot, tiny.pause_button)
    assert tiny.pause_button.text() == "Resume"
    qtbot.wait(300)
    steps = len(tiny.view.plot.steps)
    qtbot.wait(300)
    assert len(tiny.view.plot.steps) == steps
    assert "paused" in tiny.view.progress.text()
    click(qtbot, tiny.pause_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.steps) > steps, timeout=LONG)
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    assert "stopped · best epoch" in tiny.view.result.message
    assert ", IoU 0." in tiny.view.result.message
    assert (tiny.place.folder / "weights.safetensors").is_file()


def test_continue_goes_on_where_stop_ended(tiny, qtbot):
    assert "has not been trained yet" in tiny.continue_button.toolTip()
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) >= 2, timeout=LONG)
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    folder, before = tiny.place.folder, list(tiny.view.plot.epochs)
    assert earlier_training(folder).interrupted
    click(qtbot, tiny.continue_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) > len(before), timeout=LONG)
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    assert tiny.place.folder == folder
    epochs = tiny.view.plot.epochs
    assert epochs == list(range(1, len(epochs) + 1))


def test_a_finished_model_is_trained_further_as_a_new_one(tiny, qtbot):
    make_tiny(tiny, epochs=1)
    click(qtbot, tiny.train_button)
    finished(tiny, qtbot)
    first = tiny.place.folder
    weights = (first / "weights.safetensors").read_bytes()
    assert "further" in tiny.continue_button.toolTip()
    click(qtbot, tiny.continue_button)
    finished(tiny, qtbot)
    assert tiny.place.folder.name == "nuclei BC 2"
    assert (first / "weights.safetensors").read_bytes() == weights
    assert tiny.session.model == tiny.place.folder


def test_training_anew_never_replaces_a_model(tiny, qtbot):
    make_tiny(tiny, epochs=1)
    for name in ("nuclei BC", "nuclei BC 2"):
        click(qtbot, tiny.train_button)
        finished(tiny, qtbot)
        assert tiny.place.folder.name == name
    tiny.place.name.clear()
    qtbot.keyClicks(tiny.place.name, "nuclei BC")
    click(qtbot, tiny.train_button)
    assert "there is a model called nuclei BC already" in tiny.note.message


def test_state_file_is_the_engines():
    from napari_bioseg.engine import checkpoint

    assert checkpoint.STATE_FILE == STATE_FILE


def test_targets_are_layers_in_place(tiny, viewer, qtbot):
    click(qtbot, tiny.goal.targets)
    qtbot.waitUntil(lambda: "nuclei C target" in viewer.layers, timeout=LONG)
    layer = viewer.layers["nuclei B target"]
    assert layer.data.max() == 1
    assert tuple(layer.scale) == (0.5, 0.5)
    count = len(viewer.layers)
    layer.data[...] = 0
    click(qtbot, tiny.goal.targets)
    qtbot.waitUntil(lambda: layer.data.max() == 1, timeout=LONG)
    assert len(viewer.layers) == count


def test_labels_of_classes_propose_a_semantic_task(viewer, panel, qtbot):
    rng = np.random.default_rng(0)
    classes = np.zeros((96, 96), np.uint8)
    for y, x in rng.integers(4, 92, (40, 2)):
        classes[y - 2 : y + 2, x - 2 : x + 2] = 1 + (y % 2)
    viewer.add_image(classes * 90, name="mito")
    viewer.add_labels(classes, name="mito labels")
    make_tiny(panel, epochs=1)
    ready(panel, qtbot)
    assert panel.goal.kind.value == "semantic"
    assert panel.goal.classes.value() == 3
    assert "3 classes" in panel.pairs_note.message
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert panel.note.message == ""
    assert "mito semantic is saved" in panel.view.result.message


def test_channels_can_be_chosen_and_detailed(tiny):
    tiny.goal.channels.setCurrentIndex(tiny.goal.channels.findData("BCD"))
    tiny.goal.channels.activated.emit(tiny.goal.channels.currentIndex())
    assert tiny.workflow.outputs == ("B", "C", "D")
    assert tiny.place.folder.name == "nuclei BCD"
    task = tiny.effort.instance.settings
    assert task.outputs == ("B", "C", "D")
    tiny.effort.instance.settings = task.replace(channels=["F", "P"])
    assert tiny.workflow.outputs == ("F", "P")
    assert tiny.goal.channels.currentData() == "FP"
    tiny.effort.instance.settings = task.replace(channels=["M", "P", "C"])
    assert "custom: MPC" in tiny.goal.channels.currentText()


def test_presets_fill_in_the_advanced_settings(tiny, qtbot):
    click(qtbot, tiny.effort.preset.buttons["accurate"])
    assert tiny.workflow.network.features == 32
    tiny.effort.minutes.setValue(2.5)
    assert tiny.workflow.train.minutes == 2.5
    tiny.effort.minutes.setValue(0)
    assert tiny.workflow.train.minutes == "off"


@pytest.fixture
def stack(viewer, nuclei):
    """Three slices of nuclei."""
    image, labels = (np.stack([array[:64, :72]] * 12) for array in nuclei)
    viewer.add_image(image, name="stack", scale=(2, 1, 1))
    viewer.add_labels(labels, name="stack labels", scale=(2, 1, 1))


def test_volumes_train_a_network_for_volumes(viewer, panel, stack, qtbot):
    make_tiny(panel, epochs=1)
    panel.effort.data.settings = panel.effort.data.settings.replace(patch=(8, 32, 32))
    ready(panel, qtbot)
    assert panel.pairs_note.message.startswith("3-D, 1 channel")
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert panel.note.message == ""
    assert panel.view._model.dimensions == 3
    assert panel.view._model.trained.spacing == (2, 1, 1)


def test_slices_of_a_stack_train_a_flat_network(viewer, panel, stack, qtbot):
    make_tiny(panel, epochs=1)
    qtbot.waitUntil(lambda: len(panel.pairs.layers.pairs) == 1, timeout=LONG)
    click(qtbot, panel.pairs.stack.buttons["2"])
    qtbot.waitUntil(lambda: "12 pairs, 2-D" in panel.pairs_note.message, timeout=LONG)
    click(qtbot, panel.goal.targets)
    qtbot.waitUntil(lambda: "stack C target" in viewer.layers, timeout=LONG)
    assert viewer.layers["stack C target"].data.shape == (12, 64, 72)
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert panel.note.message == ""
    assert panel.view._model.dimensions == 2


# ---- the preview ----


@pytest.fixture
def eager_previews(monkeypatch):
    monkeypatch.setattr(previews, "PREVIEW_INTERVAL", 0.05)
    monkeypatch.setattr(previews, "PREVIEW_SHARE", 0.9)


def test_preview_is_one_layer_and_leaves_the_view_alone(
    tiny, viewer, qtbot, eager_previews
):
    viewer.scene.camera.zoom = 9.0
    viewer.scene.camera.center = (0, 30, 30)
    qtbot.wait(50)
    selected = set(viewer.layers.selection)
    camera = (viewer.scene.camera.zoom, tuple(viewer.scene.camera.center))
    point = tuple(viewer.dims.point)
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: tiny.view.preview.shown >= 3, timeout=LONG)
    assert [layer.name for layer in viewer.layers][2:] == ["nuclei preview"]
    layer = viewer.layers["nuclei preview"]
    assert layer.rgb
    assert tuple(layer.scale) == (0.5, 0.5)
    assert set(viewer.layers.selection) == selected
    assert (viewer.scene.camera.zoom, tuple(viewer.scene.camera.center)) == camera
    assert tuple(viewer.dims.point) == point
    assert viewer.dims.ndisplay == 2

    before = layer.data.copy()
    shown = tiny.view.preview.shown
    qtbot.waitUntil(lambda: tiny.view.preview.shown > shown + 3, timeout=LONG)
    assert (layer.data.shape != before.shape) or (layer.data != before).any()

    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not tiny.view.preview.wanted.isChecked(), timeout=LONG)
    qtbot.wait(200)
    assert "nuclei preview" not in viewer.layers
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)


def test_preview_lies_where_the_view_is(tiny, viewer, qtbot, eager_previews):
    source = viewer.layers["nuclei"]
    source.rotate = 30
    source.translate = (7, -3)
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    region = {}
    shown = tiny.view.preview.show_preview

    def remember(ready):
        region["start"] = [part.start for part in ready.region]
        shown(ready)

    tiny.view.preview.show_preview = remember
    qtbot.waitUntil(lambda: tiny.view.preview.shown >= 3, timeout=LONG)
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    layer = viewer.layers["nuclei preview"]
    np.testing.assert_allclose(
        layer.data_to_world((0, 0)), source.data_to_world(region["start"])
    )


@pytest.mark.parametrize("kind", ["3", "2"])
def test_preview_of_a_stack_shows_the_slice_on_screen(
    viewer, panel, stack, qtbot, eager_previews, kind
):
    make_tiny(panel, epochs=2000)
    patch = (8, 32, 32) if kind == "3" else (32, 32)
    panel.effort.data.settings = panel.effort.data.settings.replace(patch=patch)
    qtbot.waitUntil(lambda: len(panel.pairs.layers.pairs) == 1, timeout=LONG)
    if kind == "2":
        click(qtbot, panel.pairs.stack.buttons["2"])
    ready(panel, qtbot)
    viewer.dims.set_current_step(0, 9)
    click(qtbot, panel.train_button)
    qtbot.waitUntil(lambda: panel.view.preview.shown >= 2, timeout=LONG)
    layer = viewer.layers["stack preview"]
    assert layer.ndim == int(kind)
    assert viewer.dims.current_step[0] == 9
    if kind == "3":
        first = layer.translate[0] / 2
        assert first <= 9 < first + layer.data.shape[0]
    viewer.dims.ndisplay = 3  # no picture in colours can be shown there
    shown = panel.view.preview.shown
    qtbot.wait(600)
    assert panel.view.preview.shown <= shown + 2
    click(qtbot, panel.stop_button)
    finished(panel, qtbot)
    assert panel.note.message == ""


# ---- bad input ----


def test_nothing_can_start_without_layers(panel):
    assert not panel.train_button.isEnabled()
    assert "open an image first" in panel.note.message
    assert "open an image first" in panel.train_button.toolTip()


def test_single_valued_labels_are_questioned_and_then_explained(viewer, panel, qtbot):
    viewer.add_image(np.random.default_rng(0).random((64, 64)), name="cells")
    viewer.add_labels(np.ones((64, 64), int), name="cells labels")
    make_tiny(panel)
    ready(panel, qtbot)
    assert "the labels hold a single value" in panel.pairs_note.message
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert "nothing to learn" in panel.note.message
    assert not panel.view.progress.isVisible()
    assert panel.train_button.isEnabled()


def test_empty_labels_are_noticed_and_painting_clears_the_warning(viewer, panel, qtbot):
    viewer.add_image(np.random.default_rng(0).random((64, 64)), name="cells")
    layer = viewer.add_labels(np.zeros((64, 64), int), name="cells labels")
    ready(panel, qtbot)
    assert "paint some objects" in panel.pairs_note.message
    layer.data_setitem((np.full(20, 4), np.arange(20)), 3)
    layer.data_setitem((np.full(20, 9), np.arange(20)), 5)
    qtbot.waitUntil(lambda: "2 instances" in panel.pairs_note.message, timeout=5000)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((64, 64), 7, np.uint8), "constant"),
        (np.where(np.eye(64) > 0, np.nan, np.ones((64, 64))), "NaN"),
        (np.where(np.eye(64) > 0, np.inf, np.ones((64, 64))), "infinite"),
    ],
    ids=["constant", "NaN", "infinity"],
)
def test_useless_images_are_named_beside_the_button(
    viewer, panel, qtbot, image, message
):
    labels = np.zeros((64, 64), int)
    labels[5:20, 5:20], labels[30:50, 30:50] = 1, 2
    viewer.add_image(image, name="cells", contrast_limits=(0, 1))
    viewer.add_labels(labels, name="cells labels")
    make_tiny(panel)
    ready(panel, qtbot)
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert panel.job.state == "failed"
    assert panel.note.kind == "error"
    assert message in panel.note.message
    assert "cells" in panel.note.message


def test_colour_and_grey_images_do_not_mix(viewer, panel, nuclei, qtbot):
    image, labels = nuclei
    add_pair(viewer, nuclei)
    viewer.add_image(np.stack([image] * 3, axis=-1), rgb=True, name="colour")
    viewer.add_labels(labels, name="colour labels")
    make_tiny(panel)
    qtbot.waitUntil(lambda: len(panel.pairs.layers.pairs) == 2, timeout=LONG)
    ready(panel, qtbot)
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert "has 3 channels" in panel.note.message
    assert "has 1" in panel.note.message


def test_an_image_smaller_than_the_patch_trains_and_says_so(viewer, panel, qtbot):
    labels = np.zeros((24, 20), int)
    labels[2:9, 2:9], labels[12:20, 10:18] = 1, 2
    viewer.add_image((labels > 0) * 200, name="small")
    viewer.add_labels(labels, name="small labels")
    make_tiny(panel, epochs=1)
    ready(panel, qtbot)
    said = []
    say = panel.view.result.say
    panel.view.result.say = lambda text, kind="hint": (said.append(text), say(text))
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert panel.note.message == ""
    assert any("smaller than a patch" in text for text in said)


def test_wrong_settings_keep_the_button_off(tiny, qtbot):
    tiny.effort.data._rows["patch"].editor._line.setText("5, 5, 5, 5")
    tiny.effort.data._rows["patch"].editor.changed.emit()
    assert not tiny.train_button.isEnabled()
    assert "a patch has 2 or 3 sizes" in tiny.note.message


def write_folder(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    for name, array in arrays.items():
        tifffile.imwrite(folder / f"{name}.tif", array)
    return folder


def choose_folders(panel, qtbot, images, labels):
    click(qtbot, panel.pairs.where.buttons["folders"])
    panel.pairs.folders.images.path = images
    panel.pairs.folders.labels.path = labels


def test_folders_train_too(panel, nuclei, qtbot, tmp_path):
    image, labels = nuclei
    images = write_folder(tmp_path / "images", {"a": image, "b": image[::-1]})
    truth = write_folder(
        tmp_path / "labels",
        {"a": labels.astype(np.uint16), "b": labels[::-1].astype(np.uint16)},
    )
    make_tiny(panel, epochs=1)
    choose_folders(panel, qtbot, images, truth)
    ready(panel, qtbot)
    assert panel.pairs_note.message.startswith("2 pairs, 2-D, 1 channel")
    click(qtbot, panel.train_button)
    finished(panel, qtbot)
    assert panel.note.message == ""
    assert "is saved" in panel.view.result.message


@pytest.mark.parametrize(
    ("names", "message"),
    [([], "there are no images in"), (["a", "c"], "c")],
    ids=["empty", "unpaired"],
)
def test_bad_folders_are_explained(panel, nuclei, qtbot, tmp_path, names, message):
    image, labels = nuclei
    images = write_folder(tmp_path / "images", {"a": image, "b": image})
    truth = write_folder(
        tmp_path / "labels", {name: labels.astype(np.uint16) for name in names}
    )
    choose_folders(panel, qtbot, images, truth)
    qtbot.waitUntil(lambda: panel.pairs_note.kind == "error", timeout=LONG)
    assert message in panel.pairs_note.message
    assert not panel.train_button.isEnabled()


def test_a_full_disk_loses_nothing(tiny, qtbot, monkeypatch, tmp_path):
    resource = pytest.importorskip("resource", reason="no limit of file sizes here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    make_tiny(tiny, epochs=2)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: tiny.view._started is not None, timeout=LONG)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        finished(tiny, qtbot)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tiny.job.state == "done"
    assert "could not be saved" in tiny.view.result.message
    assert tiny.session.model.outputs == ("B", "C")
    assert not tiny.view.predict_button.isHidden()
    click(qtbot, tiny.view.save_button)
    assert "is saved" in tiny.view.result.message
    assert tiny.session.model == tiny.place.folder


def test_a_folder_that_cannot_be_made_is_named(tiny, qtbot, tmp_path):
    (tmp_path / "file").write_text("in the way")
    tiny.place.folder = tmp_path / "file" / "model"
    click(qtbot, tiny.train_button)
    finished(tiny, qtbot)
    assert "cannot write to the folder" in tiny.note.message


# ---- one at a time, and endings ----


def test_a_second_panel_cannot_train_meanwhile(tiny, viewer, qtbot):
    other = open_train(viewer)
    ready(other, qtbot)
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    assert not other.train_button.isEnabled()
    assert "training is running: wait for its end or stop it" in other.note.message
    other._train()  # as if the button had been pressed at the very same moment
    assert "training is running" in other.note.message
    assert session_of(viewer).job is tiny.job
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    qtbot.waitUntil(other.train_button.isEnabled, timeout=LONG)


def test_a_panel_opened_meanwhile_follows_the_training(tiny, viewer, qtbot):
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) >= 1, timeout=LONG)
    other = open_train(viewer)
    assert other.job is tiny.job
    qtbot.waitUntil(lambda: len(other.view.plot.epochs) >= 1, timeout=LONG)
    click(qtbot, other.stop_button)
    finished(tiny, qtbot)


def test_deleting_the_layers_in_use_does_not_end_the_training(
    tiny, viewer, qtbot, eager_previews
):
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: tiny.view.preview.shown >= 1, timeout=LONG)
    viewer.layers.clear()
    epochs = len(tiny.view.plot.epochs)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) > epochs + 2, timeout=LONG)
    click(qtbot, tiny.stop_button)
    finished(tiny, qtbot)
    assert "is saved" in tiny.view.result.message
    assert len(viewer.layers) == 0


def test_closing_napari_ends_the_training_and_keeps_its_state(tiny, viewer, qtbot):
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) >= 2, timeout=LONG)
    job, folder = tiny.job, tiny.place.folder
    viewer.close()
    qtbot.waitUntil(lambda: not job.active, timeout=LONG)
    assert job.wait(10)
    assert earlier_training(folder).interrupted
    assert (folder / "weights.safetensors").is_file()


def test_a_panel_that_is_closed_leaves_the_training_alone(tiny, viewer, qtbot):
    make_tiny(tiny, epochs=2000)
    click(qtbot, tiny.train_button)
    qtbot.waitUntil(lambda: len(tiny.view.plot.epochs) >= 1, timeout=LONG)
    job, folder = tiny.job, tiny.place.folder
    viewer.window.remove_dock_widget(tiny)
    tiny.deleteLater()
    qtbot.wait(300)
    assert job.active
    job.stop()
    qtbot.waitUntil(lambda: not job.active, timeout=LONG)
    assert (folder / "weights.safetensors").is_file()


def test_opening_the_panels_does_not_load_torch():
    code = (
        "import sys; import napari_bioseg.widgets.train.train_panel; "
        "import napari_bioseg.widgets.predict.predict_panel; "
        "found = {'torch', 'pyqtgraph', 'skimage'} & set(sys.modules); "
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def test_narrow_panel_cuts_nothing_off(tiny, qtbot):
    assert tiny._content.minimumSizeHint().width() <= 340


def test_theme_changes_reach_the_panel(tiny, viewer):
    dark = tiny._content.styleSheet()
    viewer.theme = "light"
    assert tiny._content.styleSheet() != dark


def test_the_window_stays_alive_while_training(
    viewer, panel, nuclei, qtbot, heartbeat, eager_previews
):
    image, labels = (np.tile(array, (7, 7))[:1024, :1024] for array in nuclei)
    viewer.add_image(image, name="large", contrast_limits=(0, 255))
    viewer.add_labels(labels, name="large labels", visible=False)
    make_tiny(panel, epochs=4, steps=8)
    ready(panel, qtbot)
    qtbot.wait(500)
    with heartbeat.listen("training starts and runs on 1024 x 1024"):
        click(qtbot, panel.train_button)
        finished(panel, qtbot)
    assert panel.note.message == ""
    assert heartbeat.worst < LONGEST_GAP
