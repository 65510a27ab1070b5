"""Channels to choose, time points, slices, single slices: on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.cleanup import join_slices
from napari_bioseg.cli import main
from napari_bioseg.engine import Model, predict_array
from napari_bioseg.io import read_image, read_labels, read_prediction, save_model
from napari_bioseg.io.model_input import ModelInput
from napari_bioseg.settings import NetworkSettings, TrainedOn, Workflow

TINY = NetworkSettings(features=4, depth=1)
FLAT = Workflow(network=TINY, trained=TrainedOn())
DEEP = Workflow(network=TINY, trained=TrainedOn(dimensions=3, spacing=(1.0, 1.0, 1.0)))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("models")
    save_model(Model.create(FLAT, seed=1), home / "flat")
    save_model(Model.create(DEEP, seed=1), home / "deep")
    return home


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)


def labels_of(values: np.ndarray) -> np.ndarray:
    return decode(Prediction(values, FLAT.outputs), FLAT.instances).labels


def words(models: Path, command: str, image: Path, out: Path, *more: str) -> list[str]:
    model = ["--model", str(models / "flat")]
    return [command, *model, str(image), "--output", str(out), "--quiet", *more]


@pytest.mark.parametrize("command", ["predict", "run"])
def test_channels_are_chosen(models, tmp_path, capsys, command):
    image = pixels(40, 50, 3)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb")
    typed = words(models, command, tmp_path / "a.tif", tmp_path / "out")
    assert main(typed) == 2
    assert "with --input-channels" in capsys.readouterr().err
    assert main([*typed, "--input-channels", "3"]) == 2
    assert "counted from 0 to 2; there is no channel 3" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*typed, "--input-channels", "red"])
    assert "give their numbers from 0" in capsys.readouterr().err
    assert main([*typed, "--input-channels", "2"]) == 0
    found = read_prediction(tmp_path / "out/predictions/a.tif").data
    wanted = predict_array(image[None, ..., 2], Model.create(FLAT, seed=1))
    assert abs(found - wanted).max() < 1e-5


@pytest.mark.parametrize("format", ["tif", "zarr"])
@pytest.mark.parametrize("axes", ["TYX", "ZYX", "TZYX"])
def test_images_one_by_one_in_one_file(models, tmp_path, capsys, axes, format):
    sizes = {"T": 3, "Z": 5, "Y": 40, "X": 50}
    image = pixels(*(sizes[letter] for letter in axes))
    np.save(tmp_path / "a.npy", image)
    out, given = tmp_path / "out", ["--axes", axes, "--format", format]
    assert main(words(models, "run", tmp_path / "a.npy", out, *given)) == 0
    assert "× 40 × 50, predicted one by one along" in capsys.readouterr().err
    ending = "bioseg.zarr" if format == "zarr" else "tif"
    channels, labels = (out / f"{k}/a.{ending}" for k in ("predictions", "labels"))
    if format == "zarr":
        found = zarr.open_group(channels)["0"][:]
        objects = zarr.open_group(labels)["0"][:]
    else:
        found, objects = tifffile.imread(channels), tifffile.imread(labels)
    # as the panel writes them: time, channel, slices
    ahead = 1 if "T" in axes else 0
    found = np.moveaxis(found, ahead, 0)
    assert found.shape == (2, *image.shape)
    assert objects.shape == image.shape
    model = Model.create(FLAT, seed=1)
    for place in np.ndindex(image.shape[:-2]):
        wanted = predict_array(image[place][None], model)
        assert abs(found[(slice(None), *place)] - wanted).max() < 1e-5
        np.testing.assert_array_equal(objects[place], labels_of(wanted))
    assert sorted(p.name for p in out.iterdir()) == [
        "labels",
        "predictions",
        "workflow.yaml",
    ]
    again = ["segment", str(channels), "--output", str(tmp_path / "again"), "--quiet"]
    assert main([*again, "--format", format]) == 0
    stack = ModelInput.of(tmp_path / f"again/labels/a.{ending}", 2).stack()
    for place in stack.places:
        np.testing.assert_array_equal(stack.read(place)[0], objects[place])


@pytest.mark.parametrize("format", ["tif", "zarr"])
def test_slices_that_are_joined_are_a_volume(models, tmp_path, format):
    image = pixels(5, 40, 50)
    np.save(tmp_path / "a.npy", image)
    joined = [
        "--instances.by-slice",
        "true",
        "--cleanup.steps",
        "join_slices overlap=0.1",
    ]
    given = ["--axes", "ZYX", "--format", format, *joined]
    assert main(words(models, "run", tmp_path / "a.npy", tmp_path / "out", *given)) == 0
    model = Model.create(FLAT, seed=1)
    values = np.stack([predict_array(plane[None], model) for plane in image], 1)
    settings = FLAT.instances.replace(by_slice=True)
    labels = decode(Prediction(values, FLAT.outputs), settings).labels
    wanted = join_slices(labels, 0.1)
    ending = "bioseg.zarr" if format == "zarr" else "tif"
    np.testing.assert_array_equal(
        read_labels(tmp_path / f"out/labels/a.{ending}"), wanted
    )
    again = ["segment", str(tmp_path / f"out/predictions/a.{ending}"), "--quiet"]
    again += ["--output", str(tmp_path / "again"), "--format", format, *joined]
    assert main(again) == 0
    np.testing.assert_array_equal(
        read_labels(tmp_path / f"again/labels/a.{ending}"), wanted
    )


def test_one_slice_is_a_volume_where_the_model_wants_one(models, tmp_path):
    image = pixels(1, 40, 50)
    np.save(tmp_path / "a.npy", image)
    typed = ["predict", "--model", str(models / "deep"), str(tmp_path / "a.npy")]
    typed += ["--output", str(tmp_path / "out"), "--quiet"]
    assert main(typed) == 2
    assert main([*typed, "--axes", "ZYX"]) == 0
    found = tifffile.imread(tmp_path / "out/predictions/a.tif")
    wanted = predict_array(image[None], Model.create(DEEP, seed=1))
    assert abs(found.reshape(wanted.shape) - wanted).max() < 1e-5
    again = ["run", *typed[1:-2], str(tmp_path / "run"), "--axes", "ZYX"]
    assert main([*again, "--labels-only"]) == 0
    assert main([*again, "--overwrite"]) == 0
    # for a model of planes it is a plane, as ever
    flat = words(models, "predict", tmp_path / "a.npy", tmp_path / "flat")
    assert main([*flat, "--axes", "ZYX"]) == 0
    assert read_image(tmp_path / "flat/predictions/a.tif").shape == (2, 40, 50)


def test_a_stopped_stack_goes_on(models, tmp_path, monkeypatch):
    from napari_bioseg.io.progress_file import ProgressFile

    np.save(tmp_path / "a.npy", pixels(4, 40, 50))
    typed = words(models, "run", tmp_path / "a.npy", tmp_path / "out", "--axes", "TYX")
    add, seen = ProgressFile.add, []

    def stop(file, place):
        add(file, place)
        seen.append(place)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressFile, "add", stop)
    assert main(typed) == 130
    assert main([*typed, "--resume"]) == 0
    assert len(seen) == 4
    assert [p.name for p in (tmp_path / "out/predictions").iterdir()] == ["a.tif"]
    one = read_labels(tmp_path / "out/labels/a.tif", frame=3)
    channels = read_prediction(tmp_path / "out/predictions/a.tif", frame=3)
    np.testing.assert_array_equal(one, labels_of(channels.data))


def test_a_folder_that_no_place_allows_is_told(models, tmp_path, capsys):
    np.save(tmp_path / "a.npy", pixels(40, 50))
    assert main(words(models, "predict", tmp_path / "a.npy", Path("/proc/o"))) == 2
    said = capsys.readouterr().err
    assert "the folder /proc/o cannot be made" in said
    assert "Errno" not in said
