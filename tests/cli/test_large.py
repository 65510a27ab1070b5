"""Ensembles, patterns, resuming and volumes larger than memory on the command line."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any

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
from napari_bioseg.io.progress_file import ProgressFile
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


def stop_after(tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C when so many tiles are on disk."""
    add = ProgressFile.add

    def counting(file: ProgressFile, place: tuple[int, ...]) -> None:
        add(file, place)
        if len(file.done) == tiles:
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressFile, "add", counting)


def test_a_stopped_prediction_goes_on_with_other_memory(folder, tmp_path, monkeypatch):
    words = ["predict", "--model", str(folder / "single"), "--output", str(tmp_path)]
    words += [str(folder / "images/a.tif"), "--format", "zarr", "--quiet"]
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        assert main([*words, "--predict.tile", "32,32"]) == 130
    tiles: list[Any] = []
    add = ProgressFile.add
    monkeypatch.setattr(ProgressFile, "add", lambda f, p: (tiles.append(p), add(f, p)))
    other = ["--predict.memory", "2", "--predict.device", "cpu"]
    assert main([*words, *other, "--resume"]) == 0
    assert len(tiles) == 4
    stored = read_prediction(tmp_path / "predictions/a.bioseg.zarr")
    wanted = predict_array(image_of(folder, "a"), Model.create(TINY, seed=3))
    assert abs(np.asarray(stored.data) - wanted).max() < 1e-5


def test_a_first_try_that_fails_blocks_nothing(folder, tmp_path, capsys):
    words = ["predict", "--model", str(folder / "single"), "--output", str(tmp_path)]
    words += [str(folder / "images/a.tif"), "--format", "zarr", "--quiet"]
    assert main([*words, "--cluster", "local:many"]) == 2
    assert "say how many processes" in capsys.readouterr().err
    assert main([*words, "--predict.tta", "mean"]) == 0


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
    monkeypatch.setattr("napari_bioseg.io.segment_volume.fits_size", lambda *_: False)
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


FITS = "napari_bioseg.io.segment_volume.fits_size"
ROOM = "napari_bioseg.channels.blockwise.room.room_for"


def test_a_tiff_that_grew_as_zarr_goes_on_there(folder, tmp_path, monkeypatch):
    words = ["predict", "--model", str(folder / "single"), "--output", str(tmp_path)]
    words += [str(folder / "images/a.tif"), "--quiet", "--predict.tile", "32,32"]
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        patch.setattr(ROOM, lambda _: 1)
        assert main(words) == 130
    tiles: list[Any] = []
    add = ProgressFile.add
    with monkeypatch.context() as patch:  # and now there is memory
        patch.setattr(ProgressFile, "add", lambda f, p: (tiles.append(p), add(f, p)))
        assert main([*words, "--resume"]) == 0
    assert len(tiles) == 4
    assert [path.name for path in (tmp_path / "predictions").iterdir()] == ["a.tif"]
    stored = read_prediction(tmp_path / "predictions/a.tif")
    wanted = predict_array(image_of(folder, "a"), Model.create(TINY, seed=3))
    assert abs(stored.data - wanted).max() < 1e-5
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        patch.setattr(ROOM, lambda _: 1)
        assert main([*words, "--overwrite"]) == 130
    assert main([*words, "--overwrite"]) == 0  # nothing hidden stays
    assert [path.name for path in (tmp_path / "predictions").iterdir()] == ["a.tif"]


@pytest.mark.parametrize("keeps", [True, False])
def test_run_writes_tiff_block_by_block(folder, tmp_path, monkeypatch, keeps):
    words = ["run", "--model", str(folder / "single"), str(folder / "images/a.tif")]
    words += ["--quiet", *([] if keeps else ["--labels-only"])]
    small, large = tmp_path / "small", tmp_path / "large"
    assert main([*words, "--output", str(small)]) == 0
    monkeypatch.setattr(FITS, lambda *_: False)
    monkeypatch.setattr(ROOM, lambda _: 1)
    assert main([*words, "--output", str(large)]) == 0
    one = read_labels(small / "labels/a.tif")
    two = read_labels(large / "labels/a.tif")
    assert one.max() == two.max() > 0
    np.testing.assert_array_equal(one > 0, two > 0)
    assert files_in(large) == files_in(small)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_labels_only_leaves_earlier_channels_alone(folder, tmp_path, monkeypatch):
    words = ["run", "--model", str(folder / "single"), str(folder / "images/a.tif")]
    words += ["--output", str(tmp_path), "--format", "zarr", "--quiet"]
    assert main(words) == 0
    kept = tmp_path / "predictions/a.bioseg.zarr"
    before = np.asarray(read_prediction(kept).data)
    assert main([*words, "--labels-only", "--overwrite"]) == 0
    np.testing.assert_array_equal(read_prediction(kept).data, before)
    assert [path.name for path in (tmp_path / "labels").iterdir()] == ["a.bioseg.zarr"]


@pytest.mark.parametrize("format", ["tif", "zarr"])
def test_labels_only_goes_on_after_the_channels(
    folder, tmp_path, monkeypatch, capsys, format
):
    words = ["run", "--model", str(folder / "single"), str(folder / "images/a.tif")]
    words += ["--output", str(tmp_path), "--format", format, "--labels-only"]
    predicted = []

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FITS, lambda *_: False)
        patch.setattr("napari_bioseg.io.segment_volume.segment_volume", stop)
        assert main([*words, "--quiet"]) == 130
    assert main(words) == 2
    assert "go on with --resume" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(
            "napari_bioseg.engine.predict_tiles", lambda *_: predicted.append(1)
        )
        assert main([*words, "--resume"]) == 0
    assert not predicted
    place = result_path(tmp_path, "labels", "a", format)
    assert [path.name for path in (tmp_path / "labels").iterdir()] == [place.name]
    assert not (tmp_path / "predictions").exists()
    assert read_labels(place).max() > 0


def test_run_refuses_before_it_predicts(folder, tmp_path, monkeypatch, capsys):
    words = ["run", "--model", str(folder / "single"), str(folder / "images/a.tif")]
    words += ["--output", str(tmp_path), "--cleanup.steps", "smooth"]
    monkeypatch.setattr(FITS, lambda *_: False)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "a is too large to be segmented as a whole" in said
    assert "smooth needs the whole volume at once" in said
    assert not list(tmp_path.iterdir())


def test_segment_says_that_a_tiff_is_read_as_a_whole(
    folder, tmp_path, monkeypatch, capsys
):
    words = ["--model", str(folder / "single"), str(folder / "images/a.tif")]
    assert main(["predict", *words, "--output", str(tmp_path)]) == 0
    monkeypatch.setattr(FITS, lambda *_: False)
    assert main(["segment", str(tmp_path), "--output", str(tmp_path)]) == 0
    assert "is read as a whole" in capsys.readouterr().err


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
