"""A folder is predicted as on the command line: kinds of files, what is stored."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_bioseg.io import read_image, read_labels, read_prediction

LONG = 60_000  # ms


@pytest.fixture
def images(tmp_path, nuclei):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in (("a", nuclei[0]), ("b", nuclei[0][::-1]), ("c", nuclei[0].T)):
        tifffile.imwrite(folder / f"{name}.tif", image)
    return folder


def of_folder(use, images, model="one"):
    panel = use.panel(model)
    use.click(panel.images.where.buttons["folder"])
    panel.images.folder.path = images
    return panel


def cli(images, results, model, *flags):
    from napari_bioseg.cli import main

    words = ["run", "--model", str(model), str(images), "--output", str(results)]
    assert main([*words, "--quiet", *flags]) in (0, None)


@pytest.mark.parametrize(
    ("format", "dtype"),
    [("tif", "float32"), ("tif", "uint8"), ("zarr", "float16"), ("zarr", "uint8")],
)
def test_files_are_those_of_the_command_line(
    use, images, kinds, tmp_path, format, dtype
):
    panel = of_folder(use, images)
    use.click(panel.results.format.buttons[format])
    use.store_as(panel, "dtype", dtype)
    use.predict(panel)
    assert panel.note.message == ""
    assert "3 of 3 written" in panel.result.message
    here = tmp_path / "images results"
    there = tmp_path / "cli"
    cli(images, there, kinds["one"], "--format", format, "--predict.dtype", dtype)
    ending = "bioseg.zarr" if format == "zarr" else "tif"
    for name in "abc":
        first, second = (
            read_prediction(folder / "predictions" / f"{name}.{ending}")
            for folder in (here, there)
        )
        assert (
            first.data.dtype
            == second.data.dtype
            == ("float32" if dtype == "float16" else dtype)
        )
        np.testing.assert_allclose(
            np.asarray(first.data).astype(float),
            np.asarray(second.data).astype(float),
            atol=1e-3 if dtype != "uint8" else 1,
        )
        labels = [
            read_labels(folder / "labels" / f"{name}.{ending}")
            for folder in (here, there)
        ]
        np.testing.assert_array_equal(*labels)
        assert labels[0].max() > 0


def test_one_bad_file_does_not_stop_the_others(use, images, nuclei, tmp_path):
    (images / "b.tif").write_bytes(b"no picture")
    cut = (images / "c.tif").read_bytes()
    (images / "c.tif").write_bytes(cut[: len(cut) // 2])  # its head can be read
    tifffile.imwrite(images / "d.tif", nuclei[0])
    panel = of_folder(use, images)
    use.predict(panel)
    assert panel.note.kind == "error"
    first, *lines = panel.note.message.splitlines()
    assert first == "2 of 4 images failed:"
    assert len(lines) == 2
    assert "b.tif is damaged or no image" in lines[0]
    assert "c.tif" in lines[1]
    assert "2 of 4 written" in panel.result.message
    labels = tmp_path / "images results" / "labels"
    assert sorted(path.stem for path in labels.iterdir()) == ["a", "d"]


def test_classes_instead_of_probabilities(use, images, tmp_path):
    panel = of_folder(use, images, "classes")
    output = panel.results.stored.editor("output")
    assert not output.isHidden()
    use.store_as(panel, "output", "classes")
    assert "only the classes are written" in panel.results.note.message
    use.predict(panel)
    assert panel.note.message == ""
    written = tmp_path / "images results"
    stored = read_image(written / "predictions" / "a.tif")
    assert stored.dtype == np.uint8
    assert stored.max() <= 2
    assert not (written / "labels").exists()
    panel.model.model = panel.model.model.with_name("one")
    assert output.isHidden()


def test_cancelled_and_gone_on(use, images, tmp_path, qtbot):
    panel = of_folder(use, images)
    panel.advanced.settings = panel.advanced.settings.replace(tile=(32, 32))
    use.click(panel.predict_button)
    qtbot.waitUntil(lambda: "1 of 3" in panel.result.message, timeout=LONG)
    use.click(panel.cancel_button)
    use.finish(panel)
    assert "with Go on Predict does the rest" in panel.note.message
    labels = tmp_path / "images results" / "labels"
    made = {path: path.stat().st_mtime_ns for path in labels.iterdir()}
    assert 0 < len(made) < 3
    use.predict(panel)
    assert "exists already" in panel.note.message
    use.click(panel.results.earlier.buttons["resume"])
    use.predict(panel)
    assert f"{len(made)} of 3 were done before" in panel.note.message
    assert len(list(labels.iterdir())) == 3
    assert all(path.stat().st_mtime_ns == at for path, at in made.items())
    use.click(panel.results.earlier.buttons["replace"])
    use.predict(panel)
    assert panel.note.message == ""
    assert all(path.stat().st_mtime_ns != at for path, at in made.items())


def test_axes_of_files_by_hand(use, nuclei, tmp_path):
    images = tmp_path / "stacks"
    images.mkdir()
    stack = np.stack([nuclei[0][:64, :64]] * 9)
    tifffile.imwrite(images / "s.tif", stack, photometric="minisblack")
    panel = of_folder(use, images)
    use.predict(panel)
    assert "name them under Axes" in panel.note.message
    assert not (tmp_path / "stacks results").exists()
    line = panel.images.file_axes
    line.setText("CXX")
    line.editingFinished.emit()
    assert "name each axis once" in panel.note.message
    line.setText("czx")
    line.editingFinished.emit()
    assert "Y and X must be among them" in panel.note.message
    assert not panel.predict_button.isEnabled()
    line.setText("cyx")
    line.editingFinished.emit()
    use.predict(panel)
    assert "9 channels" in panel.note.message
    assert "trained on 1" in panel.note.message


def test_the_mean_of_two_models_for_a_folder(use, images, kinds, tmp_path):
    panel = of_folder(use, images, "two")
    panel.model.model = kinds["one"]
    use.click(panel.model.add)
    use.predict(panel)
    cli_folder = tmp_path / "cli"
    from napari_bioseg.cli import main

    words = ["predict", "--model", str(kinds["one"]), "--model", str(kinds["two"])]
    main([*words, str(images), "--output", str(cli_folder), "--quiet"])
    found, wanted = (
        read_image(folder / "predictions" / "b.tif")
        for folder in (tmp_path / "images results", cli_folder)
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_labels_of_images_larger_than_memory(use, images, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "napari_bioseg.channels.blockwise.room.free_main_memory", lambda: 500_000
    )
    panel = of_folder(use, images)
    panel.advanced.settings = panel.advanced.settings.replace(tile=(64, 64))
    use.predict(panel)
    assert "only its channels were written; choose OME-Zarr" in panel.note.message
    use.click(panel.results.format.buttons["zarr"])
    use.predict(panel)
    folder = tmp_path / "images results" / "labels"
    assert read_labels(folder / "a.bioseg.zarr").max() > 0


def test_two_files_of_one_name_are_refused(use, images, nuclei, tmp_path):
    np.save(images / "a.npy", nuclei[0])
    panel = of_folder(use, images)
    use.predict(panel)
    assert "would give results of the same name, a" in panel.note.message
    assert not (tmp_path / "images results").exists()


def test_classes_of_objects_are_protected_too(use, images, tmp_path):
    table = tmp_path / "images results" / "classes" / "b.csv"
    table.parent.mkdir(parents=True)
    table.write_text("mine")
    panel = of_folder(use, images, "sorted")
    use.predict(panel)
    assert f"{table} exists already" in panel.note.message
    assert table.read_text() == "mine"
