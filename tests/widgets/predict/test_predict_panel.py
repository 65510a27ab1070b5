"""The Predict panel: clicked through in a real window, and fed everything bad."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_bioseg.settings import (
    InstanceTask,
    SemanticTask,
    TrainedOn,
    Workflow,
)
from napari_bioseg.widgets.predict.predict_panel import PredictPanel
from napari_bioseg.widgets.session import session_of

LONG = 60_000  # ms
LONGEST_GAP = 1.5  # s: what people call frozen; the gap itself is printed


@pytest.fixture(scope="module")
def models(tmp_path_factory, nuclei):
    """Folders of small models: one that has learned, others for their kind alone."""
    from napari_bioseg.engine import Model, Pair, train
    from napari_bioseg.io import save_model

    folder = tmp_path_factory.mktemp("models")
    image, labels = nuclei
    start = Workflow.preset("fast")
    small = start.replace(
        network=start.network.replace(features=8, depth=2),
        train=start.train.replace(epochs=6, steps=6, batch_size=4, learning_rate=5e-3),
        data=start.data.replace(patch=(64, 64), validation=0.0),
    )
    *_, last = train([Pair(image, labels, spacing=(0.5, 0.5))], small)
    found = {"nuclei": save_model(last.model, folder / "nuclei BC")}
    kinds = {
        "colour": (InstanceTask(), TrainedOn(in_channels=3)),
        "deep": (
            InstanceTask(),
            TrainedOn(dimensions=3, spacing=(1.0, 1.0, 1.0)),
        ),
        "classes": (SemanticTask(classes=3), TrainedOn()),
        "sorted": (InstanceTask(channels="B", classes=3), TrainedOn()),
        "physical": (
            InstanceTask(channels=[{"name": "B"}, {"name": "D", "scale": "none"}]),
            TrainedOn(),
        ),
    }
    for name, (task, facts) in kinds.items():
        workflow = small.replace(task=task, trained=facts)
        found[name] = save_model(Model.create(workflow), folder / name)
    return found


@pytest.fixture
def viewer(make_napari_viewer_proxy, own_home):
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def panel(viewer, models):
    session_of(viewer).model = models["nuclei"]
    return open_predict(viewer)


def open_predict(viewer):
    panel = PredictPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Predict", area="right")
    return panel


def click(qtbot, button):
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def finished(panel, qtbot):
    def ended():
        return not panel.job.active and not panel.filling.busy

    qtbot.waitUntil(ended, timeout=LONG)


def predict(panel, qtbot):
    click(qtbot, panel.predict_button)
    finished(panel, qtbot)


def names(viewer):
    return [layer.name for layer in viewer.layers]


@pytest.fixture
def image(viewer, nuclei):
    return viewer.add_image(
        nuclei[0], name="cells", scale=(0.5, 0.5), units="um", translate=(3, 4)
    )


def test_predict_button_fills_layers_and_finds_objects(
    panel, viewer, image, nuclei, models, qtbot
):
    assert "BC, 2-D, 1 channel; trained on 1 image, 6 epochs" in (
        panel.model.note.message
    )
    predict(panel, qtbot)
    assert panel.note.message == ""
    assert names(viewer) == ["cells", "cells B", "cells C", "cells instances"]
    inside, instances = viewer.layers["cells B"], viewer.layers["cells instances"]
    assert inside.data.shape == nuclei[0].shape
    assert inside.data[nuclei[1] > 0].mean() > inside.data[nuclei[1] == 0].mean() + 0.2
    assert instances.data.max() > 0
    assert f"{instances.data.max()} object" in panel.result.message
    for layer in (inside, instances):
        assert tuple(layer.scale) == (0.5, 0.5)
        assert tuple(layer.translate) == (3, 4)
        assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    notes = inside.metadata["bioseg"]
    assert (notes["role"], notes["channel"]) == ("prediction", "B")
    assert notes["channels"] == ["B", "C"]
    assert notes["source"] == "cells"
    assert notes["model"] == str(models["nuclei"])
    assert Workflow.from_values(notes["workflow"]).outputs == ("B", "C")
    assert instances.metadata["bioseg"]["role"] == "instances"
    assert 0 < instances.metadata["bioseg"]["thresholds"]["seed_binary"] < 1
    assert not panel.tune_button.isHidden()


def test_labels_are_those_of_the_engine(panel, viewer, image, nuclei, models, qtbot):
    from napari_bioseg.channels import Prediction, decode
    from napari_bioseg.engine import predict_array
    from napari_bioseg.io import open_model

    predict(panel, qtbot)
    model = open_model(models["nuclei"])
    data = predict_array(nuclei[0][None], model)
    expected = decode(Prediction(data, "BC", (0.5, 0.5)), model.workflow.instances)
    np.testing.assert_array_equal(
        viewer.layers["cells instances"].data, expected.labels
    )


def test_results_land_in_place(panel, viewer, image, qtbot):
    predict(panel, qtbot)
    before = names(viewer)
    layer = viewer.layers["cells C"]
    layer.colormap = "magenta"
    layer.visible = True
    viewer.layers.selection.active = image
    predict(panel, qtbot)
    assert names(viewer) == before
    assert viewer.layers["cells C"].colormap.name == "magenta"
    assert viewer.layers["cells C"].visible
    assert viewer.layers.selection.active == image


def test_labels_that_were_edited_are_kept(panel, viewer, image, qtbot):
    predict(panel, qtbot)
    edited = viewer.layers["cells instances"]
    edited.data_setitem((np.array([0]), np.array([0])), 77)
    predict(panel, qtbot)
    assert viewer.layers["cells instances edited"].data[0, 0] == 77
    assert viewer.layers["cells instances"].data[0, 0] != 77


def test_seeds_and_foreground_on_request(panel, viewer, image, qtbot):
    panel.seeds.setChecked(True)
    panel.foreground.setChecked(True)
    predict(panel, qtbot)
    instances = viewer.layers["cells instances"].data
    seeds = viewer.layers["cells seeds"].data
    foreground = viewer.layers["cells foreground"].data
    assert set(np.unique(foreground)) == {0, 1}
    assert ((instances > 0) <= (foreground > 0)).all()
    assert set(np.unique(instances)) <= set(np.unique(seeds))


def test_current_view_is_predicted_where_it_is(panel, viewer, image, qtbot):
    predict(panel, qtbot)
    whole = viewer.layers["cells B"].data.copy()
    image.rotate = 20
    viewer.scene.camera.zoom = 60
    qtbot.wait(100)
    click(qtbot, panel.images.part.buttons["view"])
    predict(panel, qtbot)
    part = viewer.layers["cells B"]
    (y, y_end), (x, x_end) = part.metadata["bioseg"]["region"]
    assert part.data.shape == (y_end - y, x_end - x)
    assert part.data.size < whole.size
    inner = part.data[33:-33, 33:-33]
    np.testing.assert_allclose(
        inner, whole[y + 33 : y_end - 33, x + 33 : x_end - 33], atol=0.01
    )


def test_region_is_the_box_around_the_shapes(panel, viewer, image, qtbot):
    click(qtbot, panel.images.part.buttons["region"])
    assert not panel.predict_button.isEnabled()
    assert "draw a rectangle" in panel.note.message
    corners = image.data_to_world
    box = [corners((60, 70)), corners((60, 90)), corners((80, 90)), corners((80, 70))]
    viewer.add_shapes(
        [np.array(box)], shape_type="rectangle", name="region", units="um"
    )
    predict(panel, qtbot)
    layer = viewer.layers["cells instances"]
    # 32 px around the shapes, from where the network halves the image: every 4 px
    assert layer.metadata["bioseg"]["region"] == [[28, 113], [36, 123]]
    np.testing.assert_allclose(
        layer.data_to_world((0, 0)), image.data_to_world((28, 36))
    )


def test_region_outside_the_image_is_explained(panel, viewer, image, qtbot):
    away = np.array([[900, 900], [900, 950], [950, 950], [950, 900]])
    viewer.add_shapes([away], shape_type="rectangle", name="region", units="um")
    click(qtbot, panel.images.part.buttons["region"])
    click(qtbot, panel.predict_button)
    assert "lie outside cells" in panel.note.message


def test_selected_layers_are_predicted_one_after_another(panel, viewer, nuclei, qtbot):
    for name in ("a", "b"):
        viewer.add_image(nuclei[0], name=name)
    click(qtbot, panel.images.where.buttons["selected"])
    viewer.layers.selection = {viewer.layers["a"], viewer.layers["b"]}
    assert "2 images: a, b" in panel.images.selected.message
    predict(panel, qtbot)
    assert {"a instances", "b instances", "a B", "b C"} <= set(names(viewer))


def test_slices_of_a_stack_are_predicted_by_a_flat_model(panel, viewer, nuclei, qtbot):
    stack = np.stack([nuclei[0]] * 6)
    viewer.add_image(stack, name="stack", scale=(2, 0.5, 0.5))
    predict(panel, qtbot)
    layer = viewer.layers["stack instances"]
    assert layer.data.shape == stack.shape
    assert tuple(layer.scale) == (2, 0.5, 0.5)
    np.testing.assert_array_equal(layer.data[0], layer.data[5])
    assert layer.metadata["bioseg"]["leading"] == 1


def test_time_points_are_predicted_one_by_one(panel, viewer, nuclei, qtbot):
    frames = np.stack([nuclei[0], nuclei[0][::-1]])
    viewer.add_image(frames, name="film", axis_labels=("t", "y", "x"))
    predict(panel, qtbot)
    layer = viewer.layers["film B"]
    assert layer.data.shape == frames.shape
    assert not np.array_equal(layer.data[0], layer.data[1])


def test_semantic_models_show_classes(panel, viewer, image, models, qtbot):
    panel.model.model = models["classes"]
    assert "semantic, 3 classes" in panel.model.note.message
    predict(panel, qtbot)
    assert names(viewer) == [
        "cells",
        "cells class 0",
        "cells class 1",
        "cells class 2",
        "cells classes",
    ]
    assert viewer.layers["cells classes"].data.max() <= 2


def test_models_that_know_classes_of_objects_show_them(
    panel, viewer, image, models, qtbot, tmp_path
):
    panel.model.model = models["sorted"]
    assert "B, 3 classes" in panel.model.note.message
    predict(panel, qtbot)
    assert names(viewer) == [
        "cells",
        "cells B",
        "cells class 0",
        "cells class 1",
        "cells class 2",
        "cells classes",
        "cells instances",
    ]
    found, classes = (
        viewer.layers[f"cells {name}"].data for name in ("instances", "classes")
    )
    assert found.max() > 0
    np.testing.assert_array_equal(classes > 0, found > 0)
    table = viewer.layers["cells instances"].features
    assert list(table["index"]) == [n for n in np.unique(found) if n]
    for number, kind in zip(table["index"], table["class"], strict=True):
        assert (classes[found == number] == kind).all()


def test_volumes_are_predicted_whole(panel, viewer, models, qtbot):
    volume = np.random.default_rng(0).random((12, 24, 20)).astype(np.float32)
    viewer.add_image(volume, name="volume", scale=(2, 1, 1))
    panel.model.model = models["deep"]
    predict(panel, qtbot)
    assert panel.note.message == ""
    assert viewer.layers["volume B"].data.shape == volume.shape


def test_distances_in_units_get_the_contrast_they_need(
    panel, viewer, image, models, qtbot
):
    panel.model.model = models["physical"]
    predict(panel, qtbot)
    layer = viewer.layers["cells D"]
    assert layer.contrast_limits[1] == pytest.approx(max(layer.data.max(), 1), 1e-3)


def test_folder_is_predicted_to_files(panel, nuclei, qtbot, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a", "b"):
        tifffile.imwrite(images / f"{name}.tif", nuclei[0])
    click(qtbot, panel.images.where.buttons["folder"])
    assert "choose the folder of images" in panel.note.message
    panel.images.folder.path = images
    assert panel.images.results.path == tmp_path / "images results"
    predict(panel, qtbot)
    assert "2 of 2 written" in panel.result.message
    written = tmp_path / "images results" / "labels"
    assert sorted(path.name for path in written.iterdir()) == ["a.tif", "b.tif"]
    assert tifffile.imread(written / "a.tif").max() > 0

    predict(panel, qtbot)
    assert "exists already" in panel.note.message


# ---- bad input ----


def test_nothing_can_start_without_model_and_image(viewer, qtbot):
    panel = open_predict(viewer)
    assert not panel.predict_button.isEnabled()
    assert "train a model first" in panel.note.message
    assert "train a model first" in panel.predict_button.toolTip()


def test_nothing_can_start_without_image(panel):
    assert not panel.predict_button.isEnabled()
    assert "open an image first" in panel.note.message


@pytest.mark.parametrize(
    ("model", "shape", "rgb", "message"),
    [
        ("colour", (40, 40), False, "2-D images with 3 channels, but image is 2-D, 1"),
        ("deep", (40, 40), False, "3-D images with 1 channel, but image is 2-D"),
    ],
)
def test_images_that_do_not_suit_the_model_name_both(
    panel, viewer, models, qtbot, model, shape, rgb, message
):
    viewer.add_image(np.zeros(shape, np.uint8), rgb=rgb, name="image")
    panel.model.model = models[model]
    click(qtbot, panel.predict_button)
    assert message in panel.note.message
    assert panel.job is None
    assert names(viewer) == ["image"]


def test_one_of_several_channels_is_chosen(panel, viewer, nuclei, qtbot):
    pixels = np.stack([np.zeros_like(nuclei[0]), nuclei[0], nuclei[0] // 2])
    layer = viewer.add_image(pixels, name="three", axis_labels=("c", "y", "x"))
    assert panel.images.channels.isVisible()
    assert "3 channels, the model takes 1" in panel.images.channels.note.message
    panel.images.channels.combos[0].setCurrentIndex(1)
    predict(panel, qtbot)
    assert panel.note.message == ""
    chosen = viewer.layers["three B"].data.copy()
    panel.images.image.layer = viewer.add_image(nuclei[0], name="one")
    assert layer.visible
    assert not panel.images.channels.isVisible()
    predict(panel, qtbot)
    np.testing.assert_allclose(viewer.layers["one B"].data, chosen, atol=1e-6)


def test_colour_model_takes_colour_images(panel, viewer, models, qtbot):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (40, 48, 3)).astype(np.uint8)
    viewer.add_image(image, rgb=True, name="colour")
    panel.model.model = models["colour"]
    predict(panel, qtbot)
    assert panel.note.message == ""
    assert viewer.layers["colour B"].data.shape == (40, 48)


def test_holes_in_the_image_are_no_obstacle(panel, viewer, nuclei, qtbot):
    image = nuclei[0].astype(np.float32)
    image[10:14, 10:14] = np.nan
    image[20, 20] = np.inf
    viewer.add_image(image, name="holes", contrast_limits=(0, 255))
    predict(panel, qtbot)
    assert "pixels that are NaN or infinite" in panel.note.message
    assert np.isfinite(viewer.layers["holes B"].data).all()
    assert viewer.layers["holes instances"].data.max() > 0


def test_a_constant_image_is_predicted_without_fuss(panel, viewer, qtbot):
    viewer.add_image(np.full((64, 64), 9, np.uint8), name="flat")
    predict(panel, qtbot)
    assert panel.note.message == ""
    assert "flat B" in names(viewer)
    assert panel.result.message


def test_an_image_smaller_than_the_patch_is_predicted(panel, viewer, nuclei, qtbot):
    viewer.add_image(nuclei[0][:19, :23], name="tiny")
    predict(panel, qtbot)
    assert viewer.layers["tiny B"].data.shape == (19, 23)


def damaged(folder):
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return "damaged"


def newer(folder):
    path = folder / "workflow.yaml"
    path.write_text(path.read_text().replace("format: 1", "format: 99"))
    return "format 99"


def foreign(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "model.pth").write_bytes(b"something else")
    return "another program"


def empty(folder):
    for path in folder.iterdir():
        path.unlink()
    return "is no model"


@pytest.mark.parametrize("spoil", [damaged, newer, foreign, empty])
def test_models_that_cannot_be_opened_say_why(
    panel, viewer, image, models, qtbot, tmp_path, spoil
):
    import shutil

    folder = shutil.copytree(models["nuclei"], tmp_path / "spoilt")
    message = spoil(folder)
    panel.model.model = folder
    if panel.predict_button.isEnabled():
        predict(panel, qtbot)
        assert message in panel.note.message
        assert panel.job.state == "failed"
    else:
        assert message in panel.model.note.message
        assert "no usable model" in panel.predict_button.toolTip()
    panel.model.model = models["nuclei"]
    predict(panel, qtbot)
    assert "found" in panel.result.message


def test_recent_models_are_listed_newest_first(viewer, models, own_home):
    import os
    import shutil

    kept = own_home / "napari-bioseg" / "models"
    for age, name in enumerate(("new", "old")):
        folder = shutil.copytree(models["nuclei"], kept / name)
        os.utime(folder / "workflow.yaml", (1e9 - age, 1e9 - age))
    panel = open_predict(viewer)
    listed = [panel.model.combo.itemText(i) for i in range(panel.model.combo.count())]
    assert listed == ["new", "old"]
    assert panel.model.model == kept / "new"


# ---- endings ----


@pytest.fixture
def large(viewer, nuclei):
    image = np.tile(nuclei[0], (10, 10))
    return viewer.add_image(image, name="large", contrast_limits=(0, 255))


def small_tiles(panel):
    panel.advanced.settings = panel.advanced.settings.replace(tile=(64, 64))


def test_layers_fill_tile_by_tile_from_the_view_on(panel, viewer, large, qtbot):
    small_tiles(panel)
    viewer.scene.camera.zoom = 6
    viewer.scene.camera.center = (0, 1200, 400)
    qtbot.wait(100)
    click(qtbot, panel.predict_button)
    qtbot.waitUntil(lambda: "large B" in names(viewer), timeout=LONG)
    layer = viewer.layers["large B"]
    qtbot.waitUntil(lambda: layer.data[1190:1210, 390:410].all(), timeout=LONG)
    assert not layer.data[:20, :20].any()
    click(qtbot, panel.cancel_button)
    finished(panel, qtbot)


def test_panning_takes_the_work_along(panel, viewer, large, qtbot):
    small_tiles(panel)
    viewer.scene.camera.zoom = 6
    viewer.scene.camera.center = (0, 100, 100)
    qtbot.wait(100)
    click(qtbot, panel.predict_button)
    qtbot.waitUntil(lambda: "large B" in names(viewer), timeout=LONG)
    layer = viewer.layers["large B"]
    qtbot.waitUntil(lambda: layer.data[90:110, 90:110].all(), timeout=LONG)
    viewer.scene.camera.center = (0, 1200, 1200)
    qtbot.waitUntil(lambda: layer.data[1190:1210, 1190:1210].all(), timeout=LONG)
    assert not layer.data[:, 600:620].any(axis=1).all()  # not row by row
    click(qtbot, panel.cancel_button)
    finished(panel, qtbot)


@pytest.mark.parametrize("keep", ["memory", "disk"])
def test_the_slice_on_screen_comes_first(panel, viewer, nuclei, qtbot, tmp_path, keep):
    small_tiles(panel)
    stack = np.stack([nuclei[0]] * 60)
    viewer.add_image(stack, name="stack", axis_labels=("z", "y", "x"))
    click(qtbot, panel.results.keep.buttons[keep])
    panel.results.folder.path = tmp_path / "results"
    viewer.dims.set_point(0, 30)
    click(qtbot, panel.predict_button)
    qtbot.waitUntil(lambda: "stack B" in names(viewer), timeout=LONG)

    def done(index):
        layer = viewer.layers["stack B"]
        stack = layer.data[0] if layer.multiscale else layer.data
        return np.asarray(stack[index]).any(axis=1).all()

    qtbot.waitUntil(lambda: done(30), timeout=LONG)
    viewer.dims.set_point(0, 55)
    qtbot.waitUntil(lambda: done(55), timeout=LONG)
    assert not any(done(index) for index in (0, 10, 45))
    click(qtbot, panel.cancel_button)
    finished(panel, qtbot)


def test_flips_and_turns_from_the_form(panel, viewer, nuclei, models, qtbot):
    from napari_bioseg.engine import predict_tiles
    from napari_bioseg.io import open_model

    viewer.add_image(nuclei[0], name="cells")
    shown = panel.advanced.settings.replace(tta="mean", device="cpu")
    panel.advanced.settings = shown
    predict(panel, qtbot)
    model = open_model(models["nuclei"], "cpu")
    *_, wanted = predict_tiles(nuclei[0][None], model, shown)
    found = viewer.layers["cells B"].data
    assert abs(found - wanted.data[0]).max() < 1e-5


def test_cancel_ends_soon_and_keeps_what_is_done(panel, viewer, large, qtbot):
    small_tiles(panel)
    click(qtbot, panel.predict_button)
    qtbot.waitUntil(lambda: panel.progress.value() > 20, timeout=LONG)
    click(qtbot, panel.cancel_button)
    finished(panel, qtbot)
    assert "cancelled" in panel.note.message
    assert viewer.layers["large B"].data.any()
    assert "large instances" not in names(viewer)
    assert panel.predict_button.isEnabled()


@pytest.mark.parametrize("name", ["large", "large B"])
def test_deleting_a_layer_in_use_ends_well(panel, viewer, large, qtbot, name):
    small_tiles(panel)
    click(qtbot, panel.predict_button)
    qtbot.waitUntil(lambda: "large C" in names(viewer), timeout=LONG)
    viewer.layers.remove(name)
    finished(panel, qtbot)
    assert f"{name} was removed while it was in use" in panel.note.message
    assert panel.job.state == "done"


def test_a_second_panel_cannot_predict_meanwhile(panel, viewer, large, qtbot):
    other = open_predict(viewer)
    small_tiles(panel)
    click(qtbot, panel.predict_button)
    assert not other.predict_button.isEnabled()
    assert "prediction is running" in other.note.message
    other._predict()  # as if the button had been pressed at the very same moment
    assert "prediction is running" in other.note.message
    click(qtbot, panel.cancel_button)
    finished(panel, qtbot)


def test_closing_napari_ends_the_prediction(panel, viewer, large, qtbot):
    small_tiles(panel)
    click(qtbot, panel.predict_button)
    qtbot.waitUntil(lambda: panel.progress.value() > 20, timeout=LONG)
    job = panel.job
    viewer.close()
    qtbot.waitUntil(lambda: not job.active, timeout=LONG)
    assert job.wait(10)


def test_narrow_panel_cuts_nothing_off(panel):
    assert panel._content.minimumSizeHint().width() <= 340


@pytest.mark.parametrize("time", ["first", "second"])
def test_the_window_stays_alive_while_predicting(
    panel, viewer, nuclei, qtbot, heartbeat, time
):
    image = np.tile(nuclei[0], (7, 7))[:1024, :1024]
    viewer.add_image(image, name="large", contrast_limits=(0, 255))
    qtbot.wait(500)
    if time == "second":
        predict(panel, qtbot)
        qtbot.wait(500)
    with heartbeat.listen(f"1024 x 1024 is predicted for the {time} time"):
        predict(panel, qtbot)
        qtbot.wait(200)
    assert panel.note.message == ""
    assert heartbeat.worst < LONGEST_GAP
