"""Ensembles, patterns, resuming and volumes larger than memory on the command line."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
from distributed import LocalCluster

from napari_bioseg.cli import main
from napari_bioseg.cli.start import model_folders
from napari_bioseg.cluster.connect import QUIET
from napari_bioseg.engine import Model, predict_array
from napari_bioseg.io import (
    read_labels,
    read_prediction,
    result_path,
    save_model,
    write_image,
)
from napari_bioseg.settings import NetworkSettings, TrainedOn, Workflow

TINY = Workflow(network=NetworkSettings(features=4, depth=1), trained=TrainedOn())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three models, two of them folds, and three images."""
    home = tmp_path_factory.mktemp("large")
    for number in (1, 2):
        save_model(Model.create(TINY, seed=number), home / f"cv/fold_{number}")
    save_model(Model.create(TINY, seed=3), home / "single")
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        image = rng.integers(0, 255, (1, 70, 60)).astype(np.uint8)
        write_image(home / f"images/{name}.tif", image, spacing=(0.5, 0.5), unit="um")
    return home


def image_of(folder: Path, name: str) -> np.ndarray:
    import tifffile

    return tifffile.imread(folder / f"images/{name}.tif")[None]


def test_models_and_folds_are_averaged(folder, tmp_path, capsys):
    assert [p.name for p in model_folders([str(folder / "cv")])] == ["fold_1", "fold_2"]
    words = [
        "predict",
        "--model",
        str(folder / "cv"),
        "--model",
        str(folder / "single"),
    ]
    pattern = str(folder / "images" / "[ab].tif")
    assert main([*words, pattern, "--output", str(tmp_path)]) == 0
    models = [Model.create(TINY, seed=seed) for seed in (1, 2, 3)]
    for name in ("a", "b"):
        stored = read_prediction(tmp_path / f"predictions/{name}.tif")
        every = [predict_array(image_of(folder, name), model) for model in models]
        assert abs(stored.data - np.mean(every, axis=0)).max() < 1e-5
        assert stored.spacing == (0.5, 0.5)
    assert not (tmp_path / "predictions/c.tif").exists()
    assert "2 images" in capsys.readouterr().out


def test_resume_does_what_is_missing(folder, tmp_path, capsys):
    words = ["predict", "--model", str(folder / "single"), "--output", str(tmp_path)]
    assert main([*words, str(folder / "images/b.tif"), "--quiet"]) == 0
    again = [*words, str(folder / "images")]
    assert main(again) == 2
    assert "exists already" in capsys.readouterr().err
    before = (tmp_path / "predictions/b.tif").stat().st_mtime_ns
    assert main([*again, "--resume"]) == 0
    assert (tmp_path / "predictions/b.tif").stat().st_mtime_ns == before
    assert "2 images" in (said := capsys.readouterr().out)
    assert "1 were done before" in said


def test_one_bad_image_does_not_stop_the_others(folder, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a", "c"):
        data = (folder / f"images/{name}.tif").read_bytes()
        (images / f"{name}.tif").write_bytes(data)
    whole = zarr.create_array(
        images / "b.zarr", shape=(70, 60), chunks=(35, 30), dtype="uint8"
    )
    whole[:] = 7
    (images / "b.zarr" / "c" / "1" / "0").write_bytes(b"rubbish")
    out = ["--output", str(tmp_path / "out")]
    words = ["run", "--model", str(folder / "single"), str(images), *out]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "1 of 3 images could not be done" in said.err
    assert "b: the image is damaged and cannot be read at" in said.err
    assert (tmp_path / "out/labels/a.tif").exists()
    assert (tmp_path / "out/labels/c.tif").exists()
    assert main([*words[:3], str(images / "b.zarr"), *out, "--resume"]) == 2
    assert "b.zarr: the image is damaged and cannot" in capsys.readouterr().err


def test_a_full_disk_ends_it(folder, tmp_path, capsys, monkeypatch):
    asked = []

    def full(path, *_, **__):
        asked.append(path)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("napari_bioseg.io.write.write_tiff", full)
    words = ["predict", "--model", str(folder / "single"), str(folder / "images")]
    assert main([*words, "--output", str(tmp_path), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "a.tif cannot be written: the disk is full" in said
    assert f"0 of 3 images done, in {tmp_path}; --resume goes on" in said
    assert len(asked) == 1  # the others would only be computed to be lost


def test_a_cluster_without_workers_is_told(folder, tmp_path, capsys, monkeypatch):
    values = image_of(folder, "a")
    monkeypatch.chdir(tmp_path)
    zarr.create_array("a.zarr", data=values[0], chunks=(32, 32))
    words = ["predict", "--model", str(folder / "single"), "a.zarr", "--quiet"]
    words += ["--output", "out", "--format", "zarr", "--predict.tile", "32,32"]
    with LocalCluster(
        n_workers=0, threads_per_worker=1, processes=False, **QUIET
    ) as cluster:
        later = threading.Timer(1.5, cluster.scale, [1])
        later.start()
        assert main([*words, "--cluster", cluster.scheduler.address]) == 0
        later.join()
        assert capsys.readouterr().err.count("the cluster has no workers") == 1
        found = read_prediction(tmp_path / "out/predictions/a.bioseg.zarr")
        wanted = predict_array(values, Model.create(TINY, seed=3))
        assert abs(np.asarray(found.data) - wanted).max() < 1e-5
        address = cluster.scheduler.address
    monkeypatch.setattr("napari_bioseg.cluster.connect.SECONDS", 0.2)
    words = [*words[:3], str(folder / "images"), "--output", "out2"]
    assert main([*words, "--cluster", address]) == 2
    said = capsys.readouterr().err
    assert said.count("no scheduler answers there") == 1
    assert "0 of 3 images done" in said


def test_larger_than_memory_gives_the_same_labels(folder, tmp_path, monkeypatch):
    words = ["run", "--model", str(folder / "single"), str(folder / "images/a.tif")]
    small, large = tmp_path / "small", tmp_path / "large"
    assert main([*words, "--output", str(small), "--quiet"]) == 0
    monkeypatch.setattr("napari_bioseg.io.segment_volume.fits_memory", lambda *_: False)
    zarrs = ["--format", "zarr", "--quiet"]
    assert main([*words, "--output", str(large), *zarrs]) == 0
    one = read_labels(small / "labels/a.tif")
    two = read_labels(large / "labels/a.bioseg.zarr")
    assert one.max() == two.max() > 0
    np.testing.assert_array_equal(one > 0, two > 0)
    again = ["segment", str(large / "predictions"), "--output", str(tmp_path / "seg")]
    assert main([*again, *zarrs]) == 0
    np.testing.assert_array_equal(
        read_labels(tmp_path / "seg/labels/a.bioseg.zarr"), two
    )


def test_tiff_is_written_plane_by_plane(folder, tmp_path, monkeypatch):
    words = ["--model", str(folder / "single"), str(folder / "images/a.tif"), "--quiet"]
    small, large = tmp_path / "small", tmp_path / "large"
    assert main(["predict", *words, "--output", str(small)]) == 0
    # as if next to no memory were left
    monkeypatch.setattr("napari_bioseg.channels.blockwise.room.room_for", lambda _: 1)
    assert main(["predict", *words, "--output", str(large)]) == 0
    one = read_prediction(small / "predictions/a.tif")
    two = read_prediction(large / "predictions/a.tif")
    np.testing.assert_allclose(one.data, two.data, atol=1e-5)
    assert one.spacing == two.spacing
    assert one.channels == two.channels
    assert one.workflow == two.workflow
    assert one.source == two.source
    assert sorted(path.name for path in (large / "predictions").iterdir()) == ["a.tif"]


def test_smaller_numbers_make_labels_too(folder, tmp_path):
    words = ["run", "--model", str(folder / "single"), str(folder / "images/a.tif")]
    options = ["--predict.dtype", "uint8", "--predict.tta", "mean", "--quiet"]
    labels = []
    for format in ("tif", "zarr"):
        folder = tmp_path / format
        out = ["--output", str(folder), "--format", format]
        assert main([*words, *options, *out]) == 0
        stored = read_prediction(result_path(folder, "predictions", "a", format))
        labels.append(read_labels(result_path(folder, "labels", "a", format)))
        assert stored.data.dtype == np.uint8
        assert stored.load().data.max() <= 1
    np.testing.assert_array_equal(*labels)
