"""Zarr to zarr: any size, after any end, with metadata that others read."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import dask.array
import numpy as np
import pytest
import zarr

from napari_bioseg.engine import (
    Model,
    Predicted,
    TileDone,
    predict_tiles,
    run_tiles,
)
from napari_bioseg.io import image_info, read_image, read_prediction, save_model
from napari_bioseg.io.fingerprints import made_from
from napari_bioseg.io.ome_zarr import add_pyramid, create_zarr
from napari_bioseg.io.predict_volume import VolumeOpened, predict_volume
from napari_bioseg.io.progress_file import ProgressFile
from napari_bioseg.io.stack import Stack
from napari_bioseg.io.unfinished import unfinished
from napari_bioseg.settings import (
    NetworkSettings,
    PredictSettings,
    SemanticTask,
    TrainedOn,
    Workflow,
)

TINY = NetworkSettings(features=4, depth=1)
SETTINGS = PredictSettings(device="cpu", tile=(16, 16, 16))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_BIOSEG_CACHE", str(tmp_path / "cache"))


def model(**settings) -> Model:
    return Model.create(
        Workflow(
            network=TINY,
            trained=TrainedOn(dimensions=3, spacing=(1.0, 1.0, 1.0)),
            **settings,
        )
    )


def image(*size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (1, *size)).astype(np.uint8)


def stored(path: Path, values: np.ndarray, **options) -> dask.array.Array:
    array = zarr.create_array(path, shape=values.shape, dtype=values.dtype, **options)
    array[:] = values
    return read_image(path, axes="CZYX")


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("overlap", ["auto", 4])
def test_from_zarr_to_ome_zarr(tmp_path, zarr_format, overlap):
    values = image(34, 40, 30)
    source = stored(tmp_path / "in.zarr", values, chunks=(1, 16, 16, 16))
    settings = SETTINGS.replace(overlap=overlap)
    path = tmp_path / "out" / "cells.bioseg.zarr"
    known = model()
    *tiles, done = predict_volume(
        source,
        known,
        path,
        settings,
        spacing=(2.0, 0.5, 0.5),
        unit="um",
        source="cells",
        zarr_format=zarr_format,
    )
    assert isinstance(done, Predicted)
    assert sum(isinstance(tile, TileDone) for tile in tiles) >= 12
    *_, wanted = predict_tiles(values, known, settings)
    if overlap == "auto":
        assert abs(done.data[:] - wanted.data).max() < 1e-5
    assert not unfinished(path).exists()
    found = read_prediction(path)
    assert found.channels == ("B", "C")
    assert found.spacing == (2.0, 0.5, 0.5)
    assert found.unit == "um"
    assert found.workflow == known.workflow
    assert found.source == "cells"
    assert isinstance(found.data, dask.array.Array)
    assert zarr.open_group(path).metadata.zarr_format == zarr_format


def test_small_numbers_are_read_as_probabilities(tmp_path):
    values, known = image(20, 20, 20), model()
    path = tmp_path / "a.zarr"
    settings = SETTINGS.replace(dtype="uint8")
    *_, done = predict_volume(values, known, path, settings)
    assert done.data.dtype == np.uint8
    *_, exact = predict_tiles(values, known, SETTINGS)
    found = read_prediction(path).load()
    assert abs(found.data - exact.data).max() < 0.5 / 255 + 1e-5


def test_classes_are_stored_as_labels(tmp_path):
    known = model(task=SemanticTask(classes=3))
    path = tmp_path / "a.zarr"
    settings = SETTINGS.replace(output="classes")
    *_, done = predict_volume(image(20, 20, 20), known, path, settings)
    assert done.data.shape == (1, 20, 20, 20)
    assert image_info(path).notes["role"] == "labels"


def test_smaller_copies_with_their_places(tmp_path):
    path = tmp_path / "a.zarr"
    values = np.random.default_rng(0).random((2, 30, 521, 600)).astype(np.float32)
    target = create_zarr(
        path, values.shape, np.float32, "CZYX", spacing=(2.0, 1.0, 1.0), unit="um"
    )
    target[...] = values
    counts = list(add_pyramid(path))
    assert counts[-1][0] == counts[-1][1]
    group = zarr.open_group(path)
    [about] = group.attrs["multiscales"]
    shapes = [group[level["path"]].shape for level in about["datasets"]]
    assert shapes == [(2, 30, 521, 600), (2, 30, 261, 300), (2, 15, 131, 150)]
    changes = [level["coordinateTransformations"] for level in about["datasets"]]
    assert changes[1][0]["scale"] == [1, 2, 2, 2]
    assert changes[1][1]["translation"] == [0, 0, 0.5, 0.5]
    assert changes[2][0]["scale"] == [1, 4, 4, 4]
    assert changes[2][1]["translation"] == [0, 1, 1.5, 1.5]
    mean = values[:, :, :520].reshape(2, 30, 260, 2, 300, 2).mean((3, 5))
    np.testing.assert_allclose(group["1"][:, :, :260], mean, atol=1e-6)
    np.testing.assert_allclose(
        group["2"][0, 3, 4, 5], values[0, 6:8, 16:20, 20:24].mean(), atol=1e-6
    )
    assert (path / "0" / "0" / "0" / "0").is_dir()  # folders in folders
    assert read_image(path).shape == values.shape


def test_names_of_objects_are_not_averaged(tmp_path):
    path = tmp_path / "a.zarr"
    labels = np.random.default_rng(0).integers(0, 2**40, (301, 401)).astype(np.uint64)
    create_zarr(path, labels.shape, np.uint64, "YX")[...] = labels
    list(add_pyramid(path, labels=True))
    np.testing.assert_array_equal(zarr.open_group(path)["1"][:], labels[::2, ::2])


KILLED = """
import sys
from pathlib import Path
import numpy as np
from napari_bioseg.io import open_model, read_image
from napari_bioseg.io.predict_volume import predict_volume
from napari_bioseg.settings import PredictSettings
folder = Path(sys.argv[1])
settings = PredictSettings(device="cpu", tile=(16, 16, 16))
image = read_image(folder / "in.zarr", axes="CZYX")
model = open_model(folder / "model", "cpu")
events = predict_volume(image, model, folder / "out.zarr", settings)
for number, event in enumerate(events, start=1):
    print(number, flush=True)
    if number == 4:  # opened, and three tiles
        import time
        time.sleep(60)
"""


def test_goes_on_after_kill_9(tmp_path):
    values, known = image(40, 40, 40), model()
    source = stored(tmp_path / "in.zarr", values, chunks=(1, 16, 16, 16))
    save_model(known, tmp_path / "model")
    run = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip() == "4":
            break
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    run.stdout.close()
    path = tmp_path / "out.zarr"
    assert not path.exists()
    part = unfinished(path)
    finished = len((part / "progress.txt").read_text().splitlines()) - 1
    assert finished >= 3
    with pytest.raises(ValueError, match="go on with --resume"):
        next(predict_volume(source, known, path, SETTINGS))
    with pytest.raises(ValueError, match="begun with another flips and turns"):
        next(
            predict_volume(
                source, known, path, SETTINGS.replace(tta="mean"), resume=True
            )
        )
    *events, done = predict_volume(source, known, path, SETTINGS, resume=True)
    tiles = [event for event in events if isinstance(event, TileDone)]
    assert len(tiles) == 27 - finished
    assert tiles[0].index == finished + 1
    *_, wanted = predict_tiles(values, known, SETTINGS)
    assert abs(done.data[:] - wanted.data).max() < 1e-5


def test_tiles_stay_when_the_memory_changes(tmp_path):
    values, known = image(40, 40, 40), model()
    path = tmp_path / "out.zarr"
    events = predict_volume(values, known, path, SETTINGS)
    assert isinstance(next(events), VolumeOpened)
    assert isinstance(next(events), TileDone)
    events.close()
    other = SETTINGS.replace(tile="auto")
    *rest, _ = predict_volume(values, known, path, other, resume=True)
    assert sum(isinstance(event, TileDone) for event in rest) == 26


def test_what_goes_on_with_less_memory_takes_less(tmp_path, monkeypatch):
    values, known = image(40, 40, 72), model()
    path = tmp_path / "out.zarr"
    settings = PredictSettings(device="cpu")  # its tiles are as large as the image
    next(events := predict_volume(values, known, path, settings))
    events.close()
    ran: list[int] = []
    run = run_tiles.run_batch

    def watched(model, batch, **options):
        ran.append(batch.size)
        return run(model, batch, **options)

    monkeypatch.setattr(run_tiles, "run_batch", watched)
    monkeypatch.setattr(run_tiles, "tile_pixels", lambda *_: values.size // 3)
    *_, done = predict_volume(values, known, path, settings, resume=True)
    assert max(ran) < values.size
    *_, wanted = predict_tiles(values, known, settings)
    assert ran[-1] == values.size  # what is begun now has other tiles
    assert abs(done.data[:] - wanted.data).max() < 1e-5


def test_results_are_not_replaced_by_chance(tmp_path):
    values, known = image(20, 20, 20), model()
    path = tmp_path / "out.zarr"
    list(predict_volume(values, known, path, SETTINGS))
    with pytest.raises(ValueError, match="exists already"):
        next(predict_volume(values, known, path, SETTINGS))
    before = path.stat().st_mtime_ns
    list(predict_volume(values, known, path, SETTINGS, overwrite=True))
    assert path.stat().st_mtime_ns != before


def test_a_full_disk_is_told_and_gone_on_from(tmp_path, monkeypatch):
    values, known = image(40, 20, 20), model()
    path = tmp_path / "out.zarr"
    events = predict_volume(values, known, path, SETTINGS)
    next(events)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("zarr.storage._local._put", full)
        with pytest.raises(OSError, match=r"the disk is full\. What is finished stays"):
            list(events)
    *_, done = predict_volume(values, known, path, SETTINGS, resume=True)
    *_, wanted = predict_tiles(values, known, SETTINGS)
    assert abs(done.data[:] - wanted.data).max() < 1e-5


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "writing there is not allowed"),
        (errno.EDQUOT, "your share of the disk is full"),
    ],
)
def test_a_disk_that_refuses_is_told_before_anything_is_computed(
    tmp_path, monkeypatch, code, reason
):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    path = tmp_path / "results" / "out.zarr"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", refuse)
        with pytest.raises(OSError, match=f"out.zarr cannot be written: {reason}"):
            next(predict_volume(image(20, 20, 20), model(), path, SETTINGS))
    assert not path.parent.exists()


def test_the_end_of_a_stopped_call_is_not_put_to_another_image(tmp_path):
    values, known = image(40, 20, 20), model()
    path = tmp_path / "out.zarr"
    events = predict_volume(values, known, path, SETTINGS)
    next(events), next(events)
    events.close()
    with pytest.raises(ValueError, match="was begun with another pixels"):
        list(predict_volume(255 - values, known, path, SETTINGS, resume=True))


def flat_model() -> Model:
    return Model.create(Workflow(network=TINY, trained=TrainedOn()))


@pytest.mark.parametrize(
    ("letters", "leading", "axes", "shape"),
    [
        ("T", (3,), "TCYX", (3, 2, 40, 50)),
        ("Z", (4,), "CZYX", (2, 4, 40, 50)),
        ("TZ", (2, 3), "TCZYX", (2, 2, 3, 40, 50)),
    ],
)
def test_stacks_go_into_one_array_and_on_after_any_end(
    tmp_path, letters, leading, axes, shape
):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, (*leading, 1, 40, 50)).astype(np.uint8)
    stack = Stack(lambda place: values[place], leading, letters)
    known, settings = flat_model(), PredictSettings(device="cpu", tile=(32, 32))
    path = tmp_path / "out.zarr"
    events = predict_volume(stack, known, path, settings)
    first = next(events)
    assert (stack.axes(2), first.data.shape, first.regions) == (axes, shape, ())
    some = [next(events) for _ in range(5)]  # one image has four tiles
    assert [tile.index for tile in some] == [1, 2, 3, 4, 5]
    assert all(tile.tiles == 4 * np.prod(leading) for tile in some)
    events.close()
    again = predict_volume(stack, known, path, settings, resume=True)
    opened = next(again)
    assert len(opened.regions) == 5
    *rest, done = again
    tiles = [event for event in rest if isinstance(event, TileDone)]
    assert len(tiles) == 4 * np.prod(leading) - 5
    assert done.data.shape == shape
    for place in stack.places:
        *_, wanted = predict_tiles(values[place], known, settings)
        found = done.data[stack.around(place, slice(None))]
        np.testing.assert_allclose(found, wanted.data, atol=1e-5)
    group = zarr.open_group(str(path), mode="r")
    about = group.attrs["multiscales"][0]
    kinds = [axis["type"] for axis in about["axes"]]
    assert kinds == [
        {"T": "time", "C": "channel"}.get(letter, "space") for letter in axes
    ]


@pytest.mark.parametrize("small", [0, 2**23])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_stack_goes_on_only_if_all_its_images_are_the_same(
    tmp_path, monkeypatch, lazy, small
):
    monkeypatch.setattr("napari_bioseg.io.fingerprints.SMALL", small)
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, (2, 3, 1, 40, 50)).astype(np.uint8)
    known, settings = flat_model(), PredictSettings(device="cpu", tile=(32, 32))
    path = tmp_path / "out.zarr"

    def predict(values, **options):
        array = dask.array.from_array(values, chunks=(1, 1, 1, 20, 50))
        source = array if lazy else values
        stack = Stack(lambda place: source[place], (2, 3), "TZ")
        return predict_volume(stack, known, path, settings, **options)

    events = predict(values)
    next(events), next(events)
    events.close()
    for place in ((1, 2), (0, 1)):
        other = values.copy()
        other[place] = 255 - other[place]
        with pytest.raises(ValueError, match="was begun with another pixels"):
            next(predict(other, resume=True))
    with pytest.raises(ValueError, match="was begun with another pixels"):
        next(predict(values[::-1].copy(), resume=True))
    *_, done = predict(values, resume=True)
    assert isinstance(done, Predicted)


def test_of_a_large_stack_few_parts_are_looked_at(monkeypatch):
    monkeypatch.setattr("napari_bioseg.io.fingerprints.SMALL", 10_000)
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, (200, 1, 256, 256)).astype(np.uint8)
    read = []

    def chunk(place, block_info=None):
        read.append(place)
        (first, last), (left, right) = block_info[None]["array-location"][1:]
        return values[place, :, first:last, left:right]

    def image(place):
        return dask.array.map_blocks(
            chunk,
            place[0],
            chunks=((1,), (64,) * 4, (64,) * 4),
            dtype=np.uint8,
            meta=np.empty((0, 0, 0), np.uint8),
        )

    stack = Stack(image, (200,), "Z")
    found = made_from(stack, [flat_model()])["pixels"]
    assert len(read) == len(set(read)) == 64
    assert {0, 199} <= set(read)
    values[199] += 1
    assert made_from(stack, [flat_model()])["pixels"] != found


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_told(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(OSError, match="writing there is not allowed"):
        next(predict_volume(image(20, 20, 20), model(), folder / "a.zarr", SETTINGS))
    folder.chmod(0o700)


def test_progress_survives_a_torn_line(tmp_path):
    path = tmp_path / "progress.txt"
    first = ProgressFile(path, {"job": 1}, resume=False)
    first.add((0, 1))
    first.add((2, 3))
    first.close()
    path.write_text(path.read_text() + "4,")
    again = ProgressFile(path, {"job": 1}, resume=True)
    assert again.done == {(0, 1), (2, 3)}
    again.add((4, 5))
    again.close()
    last = ProgressFile(path, {"job": 1}, resume=True)
    assert last.done == {(0, 1), (2, 3), (4, 5)}
    last.close()
