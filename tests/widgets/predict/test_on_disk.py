"""Results larger than memory: onto the disk, lazily shown, stopped and gone on."""

from __future__ import annotations

import shutil

import dask.array
import numpy as np
import pytest

from napari_bioseg.engine import Model
from napari_bioseg.io import image_info
from napari_bioseg.io.unfinished import unfinished
from napari_bioseg.settings import (
    CleanupSettings,
    InstanceTask,
    NetworkSettings,
    Smooth,
    TrainedOn,
    Workflow,
)
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.predict.finding_on_disk import Facts, told_before
from napari_bioseg.widgets.predict.overview import Enlarged, Overview
from napari_bioseg.widgets.predict.predicting_folder import Folders, predicting_folder

LONG = 60_000  # ms
FREE = "napari_bioseg.channels.blockwise.room.free_main_memory"
POINTS = Workflow(task=InstanceTask(channels="FP"))


@pytest.fixture
def large(viewer, nuclei):
    image = np.tile(nuclei[0], (5, 5))[:640, :600]
    return viewer.add_image(
        image, name="large", contrast_limits=(0, 255), scale=(0.5, 0.5), units="um"
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


def on_disk(use, folder, model="one", tile=64):
    panel = use.panel(model)
    use.click(panel.results.keep.buttons["disk"])
    panel.results.folder.path = folder
    if tile:
        panel.advanced.settings = panel.advanced.settings.replace(tile=(tile, tile))
    return panel


def finest(layer):
    return layer.data[0] if layer.multiscale else layer.data


def values(layer):
    return np.asarray(finest(layer))


def test_results_on_disk_equal_those_in_memory(use, viewer, large, folder):
    panel = use.panel()
    use.predict(panel)
    memory = {name: viewer.layers[name].data.copy() for name in use.names()[1:]}
    use.click(panel.results.keep.buttons["disk"])
    panel.results.folder.path = folder
    use.predict(panel)
    assert panel.note.message == ""
    assert use.names() == ["large", "large B", "large C", "large instances"]
    for name in ("large B", "large C"):
        layer = viewer.layers[name]
        assert layer.multiscale
        assert all(isinstance(level, dask.array.Array) for level in layer.data)
        np.testing.assert_allclose(values(layer), memory[name], atol=1e-5)
        assert tuple(layer.scale) == (0.5, 0.5)
        assert layer.metadata["bioseg"]["channel"] == name[-1]
    labels = viewer.layers["large instances"]
    assert labels.multiscale
    np.testing.assert_array_equal(values(labels), memory["large instances"])
    assert labels.metadata["bioseg"]["thresholds"]["seed_binary"] > 0
    assert f"{values(labels).max()} objects found" in panel.result.message
    assert str(folder) in panel.result.message
    assert sorted(path.name for path in folder.iterdir()) == [
        "large instances.bioseg.zarr",
        "large.bioseg.zarr",
    ]


def test_what_does_not_fit_goes_to_disk_by_itself(
    use, viewer, large, monkeypatch, own_home
):
    panel = use.panel()
    panel.advanced.settings = panel.advanced.settings.replace(tile=(128, 128))
    monkeypatch.setattr(
        "napari_bioseg.channels.blockwise.room.free_main_memory", lambda: 10_000_000
    )
    use.predict(panel)
    assert viewer.layers["large B"].multiscale
    assert (own_home / "napari-bioseg/predictions/large.bioseg.zarr").is_dir()
    # too large to be decoded in one piece, too: done block by block
    assert values(viewer.layers["large instances"]).max() > 50
    use.click(panel.results.keep.buttons["memory"])
    monkeypatch.setattr(
        "napari_bioseg.channels.blockwise.room.free_main_memory", lambda: 1_000_000
    )
    use.predict(panel)
    assert "keep it on disk, or predict a part" in panel.note.message


def test_cancelled_and_gone_on(use, viewer, large, folder, qtbot):
    panel = on_disk(use, folder)
    use.click(panel.predict_button)
    qtbot.waitUntil(lambda: panel.progress.value() > 150, timeout=LONG)
    layer = viewer.layers["large B"]
    assert layer.multiscale
    qtbot.waitUntil(lambda: layer.data[-1].any(), timeout=LONG)  # it fills
    use.click(panel.cancel_button)
    use.finish(panel)
    assert f"what was done is in {folder}" in panel.note.message
    part = unfinished(folder / "large.bioseg.zarr")
    done = len((part / "progress.txt").read_text().splitlines()) - 1
    assert done > 5
    seen = []
    panel.filling.fill = lambda: seen.append(panel.progress.format())
    use.predict(panel)
    assert panel.note.message == ""
    assert not part.exists()
    first = next(text for text in seen if text.startswith("tile "))
    assert int(first.removeprefix("tile ").split("/")[0]) > done
    fresh = use.panel()
    fresh.images.image.layer = large
    finished = values(viewer.layers["large B"])
    use.predict(fresh)
    np.testing.assert_allclose(finished, viewer.layers["large B"].data, atol=1e-5)


def test_earlier_results_are_protected_or_left_or_replaced(use, viewer, large, folder):
    panel = on_disk(use, folder, tile=0)
    use.predict(panel)
    place = folder / "large.bioseg.zarr"
    made = place.stat().st_mtime_ns
    objects = panel.result.message.split(" in ")[0]
    assert "objects found" in objects
    use.predict(panel)
    assert "exists already" in panel.note.message
    assert "press Go on or Replace" in panel.note.message
    assert "--" not in panel.note.message
    labels = folder / "large instances.bioseg.zarr"
    written = labels.stat().st_ino
    use.click(panel.results.earlier.buttons["resume"])
    use.predict(panel)
    assert panel.note.message == ""
    assert place.stat().st_mtime_ns == made
    assert labels.stat().st_ino == written
    assert panel.result.message.startswith(objects)
    shutil.rmtree(labels)  # and what is missing is made
    use.predict(panel)
    assert labels.exists()
    assert panel.result.message.startswith(objects)
    panel.model.model = panel.model.model.with_name("two")
    use.predict(panel)
    assert "another image, part of it, model or settings" in panel.note.message
    before = values(viewer.layers["large B"])
    use.click(panel.results.earlier.buttons["replace"])
    use.predict(panel)
    assert panel.note.message == ""
    assert place.stat().st_mtime_ns != made
    assert abs(values(viewer.layers["large B"]) - before).max() > 0.01


def test_bytes_on_disk_are_probabilities_in_layers(use, viewer, large, folder):
    panel = on_disk(use, folder, tile=0)
    use.store_as(panel, "dtype", "uint8")
    use.predict(panel)
    assert panel.note.message == ""
    import zarr

    stored = zarr.open_group(folder / "large.bioseg.zarr", mode="r")["0"]
    assert stored.dtype == np.uint8
    layer = viewer.layers["large B"]
    assert 0.5 < values(layer).max() <= 1


@pytest.mark.parametrize("letters", ["tyx", "zyx", "tzyx"])
def test_stacks_onto_the_disk(use, viewer, nuclei, folder, letters):
    frames = np.stack([nuclei[0][:96, :96], nuclei[0][:96, :96].T])
    if len(letters) == 4:
        frames = np.stack([frames] * 2)
    viewer.add_image(frames, name="film", axis_labels=tuple(letters))
    panel = use.panel()
    use.predict(panel)
    memory = {name: viewer.layers[name].data.copy() for name in use.names()[1:]}
    use.click(panel.results.keep.buttons["disk"])
    panel.results.folder.path = folder
    use.predict(panel)
    assert panel.note.message == ""
    for name, expected in memory.items():
        np.testing.assert_allclose(values(viewer.layers[name]), expected, atol=1e-5)
    assert viewer.layers["film B"].metadata["bioseg"]["leading"] == len(letters) - 2
    # and read again by napari as what it is
    layers = viewer.open(str(folder / "film.bioseg.zarr"), plugin="napari-bioseg")
    np.testing.assert_allclose(values(layers[0]), memory["film B"], atol=1e-5)
    assert layers[0].metadata["bioseg"]["leading"] == len(letters) - 2


def test_volumes_onto_the_disk_and_a_region_of_them(use, viewer, folder):
    rng = np.random.default_rng(0)
    volume = rng.random((24, 72, 80)).astype(np.float32)
    viewer.add_image(volume, name="volume", scale=(2, 1, 1))
    panel = on_disk(use, folder, "deep", tile=0)
    use.predict(panel)
    assert panel.note.message == ""
    whole = values(viewer.layers["volume B"])
    assert whole.shape == volume.shape
    use.click(panel.results.earlier.buttons["replace"])
    box = np.array([[0, 40, 40], [0, 40, 50], [0, 50, 50], [0, 50, 40]], float)
    viewer.add_shapes([box], shape_type="rectangle", name="box")
    use.click(panel.images.part.buttons["region"])
    use.predict(panel)
    layer = viewer.layers["volume B"]
    (z, _), (y, y_end), (x, x_end) = layer.metadata["bioseg"]["region"]
    part = values(layer)
    assert part.shape == (24, y_end - y, x_end - x)
    assert (z, y > 0, x > 0) == (0, True, True)
    np.testing.assert_allclose(
        part[:, 31:-31, 31:-31],
        whole[:, y + 31 : y_end - 31, x + 31 : x_end - 31],
        atol=0.02,
    )


@pytest.mark.parametrize("blocks", [False, True])
def test_classes_onto_the_disk(use, viewer, large, folder, monkeypatch, blocks):
    panel = use.panel("classes")
    use.predict(panel)
    memory = viewer.layers["large classes"].data.copy()
    use.click(panel.results.keep.buttons["disk"])
    panel.results.folder.path = folder
    if blocks:
        monkeypatch.setattr(
            "napari_bioseg.channels.blockwise.room.free_main_memory", lambda: 9_000_000
        )
        monkeypatch.setattr(
            "napari_bioseg.widgets.predict.finding_on_disk.BLOCK", 50_000
        )
        panel.advanced.settings = panel.advanced.settings.replace(tile=(256, 256))
    use.predict(panel)
    assert panel.note.message == ""
    found = values(viewer.layers["large classes"])
    assert (found != memory).mean() < 1e-3  # ties of a network that learned nothing


def test_a_full_disk_is_told_and_gone_on_from(use, viewer, large, folder, monkeypatch):
    import errno

    from zarr.storage import _local

    panel = on_disk(use, folder)
    put, calls = _local._put, []

    def full(*args, **kwargs):
        calls.append(1)
        if len(calls) > 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(_local, "_put", full)
        use.predict(panel)
    assert "the disk is full. What is finished stays" in panel.note.message
    assert "press Predict to go on" in panel.note.message
    assert "--" not in panel.note.message
    assert panel.job.state == "failed"
    use.predict(panel)
    assert panel.note.message == ""
    assert "found" in panel.result.message


def test_a_folder_that_cannot_be_written_to_is_told(use, viewer, large, tmp_path):
    (tmp_path / "file").write_text("in the way")
    panel = on_disk(use, tmp_path / "file" / "results", tile=0)
    use.predict(panel)
    assert "file" in panel.note.message
    assert panel.job.state == "failed"
    panel.results.folder.path = tmp_path / "results"
    use.predict(panel)
    assert panel.note.message == ""


def test_removing_the_image_keeps_what_was_done(use, viewer, large, folder, qtbot):
    panel = on_disk(use, folder)
    use.click(panel.predict_button)
    qtbot.waitUntil(lambda: panel.progress.value() > 100, timeout=LONG)
    viewer.layers.remove("large")
    use.finish(panel)
    assert "large was removed while it was in use" in panel.note.message
    assert (unfinished(folder / "large.bioseg.zarr") / "progress.txt").exists()


def test_seeds_are_for_results_in_memory(use, viewer, large, folder):
    panel = use.panel()
    panel.seeds.setChecked(True)
    use.click(panel.results.keep.buttons["disk"])
    assert not panel.seeds.isVisible()
    panel.results.folder.path = folder
    use.predict(panel)
    assert "seeds and foreground are made for results in memory" in panel.note.message
    assert "large seeds" not in use.names()


def test_classes_of_objects_go_into_the_table(use, viewer, nuclei, folder):
    viewer.add_image(nuclei[0], name="cells")
    panel = use.panel("sorted")
    use.predict(panel)
    memory = viewer.layers["cells instances"].features.copy()
    assert len(memory) > 0
    use.click(panel.results.keep.buttons["disk"])
    panel.results.folder.path = folder
    use.predict(panel)
    assert panel.note.message == ""

    def as_in_memory():
        table = viewer.layers["cells instances"].features
        assert list(table["index"]) == list(memory["index"])
        assert list(table["class"]) == list(memory["class"])

    as_in_memory()
    viewer.layers.remove("cells instances")
    use.click(panel.results.earlier.buttons["resume"])
    use.predict(panel)
    as_in_memory()


def test_what_is_too_large_is_not_read_to_be_tuned(
    use, viewer, large, folder, monkeypatch
):
    from napari_bioseg.widgets.tune.sources import find_sources

    panel = on_disk(use, folder, tile=0)
    use.predict(panel)
    (source,) = find_sources(viewer)
    np.testing.assert_array_equal(source.read()[0], values(viewer.layers["large B"]))
    monkeypatch.setattr(
        "napari_bioseg.channels.blockwise.room.free_main_memory", lambda: 3_000_000
    )
    with pytest.raises(ValueError, match=r"on disk needs .* GB of memory to be"):
        source.read()


@pytest.mark.parametrize("size", [(100, 90), (40, 300, 300), (3, 500, 400)])
@pytest.mark.parametrize("most", [5_000, 10**9])
def test_an_overview_is_every_so_many_pixels(monkeypatch, size, most):
    monkeypatch.setattr("napari_bioseg.widgets.predict.overview.MOST", most)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (2, *size)).astype(np.uint8)
    overview = Overview(2, size, 255.0, 2)
    assert overview.data.size <= most
    edges = [[0, n // 3, 2 * n // 3 + (n > 9), n] for n in size]
    for index in np.ndindex((3,) * len(size)):
        region = tuple(
            slice(edge[i], edge[i + 1]) for edge, i in zip(edges, index, strict=True)
        )
        overview.fill(region, pixels[(slice(None), *region)])
    steps = tuple(slice(None, None, factor) for factor in overview.factors)
    expected = pixels[(slice(None), *steps)].astype(np.float32) / 255
    np.testing.assert_array_equal(overview.data, expected)
    assert overview.tops == pytest.approx(
        pixels.max(axis=tuple(range(1, len(size) + 1))) / 255
    )
    enlarged, small = overview.levels(1)
    assert enlarged.shape == size
    at = tuple(n - 1 for n in size)
    coarse = tuple(a // f for a, f in zip(at, overview.factors, strict=True))
    assert enlarged[at] == small[coarse]
    assert np.asarray(enlarged).shape == size


def test_pixels_are_repeated():
    small = np.arange(6).reshape(2, 3)
    large = Enlarged(small, (4, 5), (2, 2))
    expected = small.repeat(2, axis=0).repeat(2, axis=1)[:4, :5]
    np.testing.assert_array_equal(np.asarray(large), expected)
    np.testing.assert_array_equal(large[1:3, ::2], expected[1:3, ::2])
    np.testing.assert_array_equal(large[-1], expected[-1])
    assert large[3, 4] == 5
    uneven = Enlarged(np.arange(2), (5,), (4,))  # the last pixel counts once only
    assert np.asarray(uneven).tolist() == [0, 0, 0, 0, 1]
    plain = Enlarged(small, (2, 5), (1, 2))
    np.testing.assert_array_equal(plain[1, 1:4], small.repeat(2, axis=1)[1, 1:4])


def test_going_on_takes_no_result_of_something_else(use, viewer, large, folder, kinds):
    panel = on_disk(use, folder, tile=0)
    use.predict(panel)
    use.click(panel.results.earlier.buttons["resume"])
    panel.model.model = kinds["two"]
    panel.model.model = kinds["one"]
    use.click(panel.model.add)  # the mean of both is not what the first one said
    use.predict(panel)
    assert "holds the prediction of another image, part of it" in panel.note.message
    use.click(panel.model.more.rows[0].remove)
    use.predict(panel)
    assert panel.note.message == ""
    large.data = large.data[::-1].copy()
    use.predict(panel)
    assert "holds the prediction of another image, part of it" in panel.note.message
    large.data = large.data[::-1].copy()
    box = np.array([[100, 100], [100, 200], [200, 200], [200, 100]], float)
    viewer.add_shapes([box], shape_type="rectangle", name="box")
    use.click(panel.images.part.buttons["region"])
    use.predict(panel)
    assert "holds the prediction of another image, part of it" in panel.note.message


def test_going_on_takes_no_result_of_other_frames(use, viewer, nuclei, folder):
    frames = np.stack([nuclei[0][:96, :96], nuclei[0][:96, :96].T])
    film = viewer.add_image(frames, name="film", axis_labels=("t", "y", "x"))
    panel = on_disk(use, folder, tile=0)
    use.predict(panel)
    use.click(panel.results.earlier.buttons["resume"])
    film.data = np.stack([frames[0], frames[1].T])
    use.predict(panel)
    assert "holds the prediction of another image, part of it" in panel.note.message
    film.data = frames
    use.predict(panel)
    assert panel.note.message == ""


def test_layers_share_no_result_on_disk(use, viewer, nuclei, folder):
    image = nuclei[0][:96, :96]
    first = viewer.add_image(image, name="a/b")
    second = viewer.add_image(image.T, name="a:b")
    third = viewer.add_image(image[::-1], name="A b")
    panel = on_disk(use, folder, tile=0)
    use.click(panel.images.where.buttons["selected"])
    viewer.layers.selection = {first, second, third}
    use.click(panel.results.earlier.buttons["replace"])
    for _ in range(2):
        use.predict(panel)
        assert panel.note.message == ""
        sources = {
            path.name.split(".")[0]: image_info(path, frame=0).notes["source"]
            for path in folder.iterdir()
        }
        assert sources == {
            f"{name}{kind}": layer.name
            for name, layer in (("a b", first), ("a b 2", second), ("A b 3", third))
            for kind in ("", " instances")
        }
    made = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    viewer.layers.selection = {second}  # alone its results go by the same name
    use.predict(panel)
    assert panel.note.message == ""
    changed = {
        name
        for name, time in made.items()
        if (folder / name).stat().st_mtime_ns != time
    }
    assert changed == {"a b 2.bioseg.zarr", "a b 2 instances.bioseg.zarr"}
    assert len(made) == len(list(folder.iterdir()))


def test_a_choice_out_of_sight_replaces_nothing(
    use, viewer, large, monkeypatch, own_home
):
    panel = use.panel()
    panel.advanced.settings = panel.advanced.settings.replace(tile=(128, 128))
    use.click(panel.results.keep.buttons["disk"])
    use.click(panel.results.earlier.buttons["replace"])
    use.predict(panel)
    place = own_home / "napari-bioseg/predictions/large.bioseg.zarr"
    made = place.stat().st_mtime_ns
    use.click(panel.results.keep.buttons["auto"])
    monkeypatch.setattr(
        "napari_bioseg.channels.blockwise.room.free_main_memory", lambda: 10_000_000
    )
    use.predict(panel)
    assert "exists already" in panel.note.message
    assert "press Go on or Replace, which Keep in: Disk offers" in panel.note.message
    assert place.stat().st_mtime_ns == made


def test_cancelling_a_replacement_promises_no_going_on(
    use, viewer, large, folder, qtbot
):
    panel = on_disk(use, folder)
    use.click(panel.results.earlier.buttons["replace"])
    use.click(panel.predict_button)
    qtbot.waitUntil(lambda: panel.progress.value() > 50, timeout=LONG)
    use.click(panel.cancel_button)
    use.finish(panel)
    assert "with Replace Predict starts anew" in panel.note.message


def test_what_blocks_cannot_do_is_told_before_they_are_predicted(monkeypatch):
    size = (slice(0, 40), slice(0, 50))
    image = np.zeros((1, 40, 50), np.uint8)
    target = Target(None, "a", image, (), (0, 1), (1.0, 1.0), size)
    smooth = CleanupSettings(steps=(Smooth(),))
    told = []
    for workflow in (Workflow(), Workflow(cleanup=smooth), POINTS):
        facts = Facts(target, workflow, "", (1.0, 1.0), "")
        assert list(told_before(facts)) == []
        with monkeypatch.context() as patch:
            patch.setattr(FREE, lambda: 1000)
            told.append([event.message for event in told_before(facts)])
    assert told[0] == []
    assert "channels only, no objects: cleanup: smooth needs the whole" in told[1][0]
    assert "may lie a pixel elsewhere" in told[2][0]


def test_a_folder_is_refused_before_it_is_predicted(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.zeros((40, 50), np.uint8))
    workflow = Workflow(
        network=NetworkSettings(features=4, depth=1),
        cleanup=CleanupSettings(steps=(Smooth(),)),
        trained=TrainedOn(),
    )
    folders = Folders(tmp_path, tmp_path / "out", "zarr")
    monkeypatch.setattr(FREE, lambda: 1000)
    model = Model.create(workflow)
    with pytest.raises(ValueError, match=r"a\.npy: cleanup: smooth needs the whole"):
        list(predicting_folder(folders, [model], workflow.predict))
    assert not (tmp_path / "out").exists()
