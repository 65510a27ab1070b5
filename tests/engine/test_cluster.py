"""The same answer from several processes, also when one of them dies."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace

import dask.array
import numpy as np
import pytest
import zarr
from distributed import Client, KilledWorker, LocalCluster

from napari_bioseg.cluster.array_on_disk import ArrayOnDisk
from napari_bioseg.cluster.connect import QUIET
from napari_bioseg.cluster.errors import ClusterError, cluster_told
from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.cluster.mark import Mark, check_workers
from napari_bioseg.engine import Model, Predicted, TileDone, predict_tiles
from napari_bioseg.engine.choose_tiles import choose_tiling
from napari_bioseg.engine.cluster import predict_on_cluster
from napari_bioseg.io import read_prediction, write_prediction
from napari_bioseg.io.segment_volume import segment_volume
from napari_bioseg.settings import (
    NetworkSettings,
    PredictSettings,
    TrainedOn,
    Workflow,
)

HERE = PredictSettings(device="cpu", tile=(32, 32))


@pytest.fixture(scope="module")
def model() -> Model:
    network = NetworkSettings(features=4, depth=1)
    return Model.create(Workflow(network=network, trained=TrainedOn()))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (1, 200, 170)).astype(np.uint8)


@pytest.fixture(scope="module")
def client():
    """Two processes that run in another folder than this one."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, **QUIET) as cluster,
        Client(cluster) as client,
    ):
        client.run(os.chdir, "/")
        yield client


@pytest.fixture
def threads():
    """A cluster in this process, which has no workers at first."""
    with LocalCluster(
        n_workers=0, threads_per_worker=1, processes=False, **QUIET
    ) as cluster:
        yield cluster


def on(cluster) -> PredictSettings:
    return HERE.replace(cluster=cluster.scheduler.address)


def stored(image) -> zarr.Array:
    source = zarr.create_array(
        "in.zarr", shape=image.shape, chunks=(1, 64, 64), dtype=image.dtype
    )
    source[:] = image
    return source


def result() -> zarr.Array:
    shape, chunks = (2, 200, 170), (1, 32, 32)
    return zarr.create_array("out.zarr", shape=shape, chunks=chunks, dtype="float32")


@pytest.mark.parametrize("lazy", [True, False])
def test_workers_that_run_elsewhere_find_relative_paths(
    tmp_path, monkeypatch, client, model, image, lazy
):
    monkeypatch.chdir(tmp_path)
    noisy = image.astype(np.float32)
    noisy[0, 5, 5] = np.nan
    source = stored(noisy)
    given = dask.array.from_zarr(source) if lazy else source
    out, settings = result(), on(client)
    tiling = choose_tiling((200, 170), [model], settings, align=(32, 32))
    *events, done = predict_on_cluster(given, model, settings, out=out, tiling=tiling)
    *_, wanted = predict_tiles(noisy, model, HERE)
    assert abs(out[:] - wanted.data).max() < 1e-5
    assert done.notes == wanted.notes
    assert "NaN" in done.notes[0]
    tiles = [event for event in events if isinstance(event, TileDone)]
    assert all(tile.data is None for tile in tiles)  # workers wrote them
    assert sorted(os.listdir()) == ["in.zarr", "out.zarr"]


def test_chunks_that_two_blocks_share_are_written_here(
    tmp_path, monkeypatch, client, model, image
):
    monkeypatch.chdir(tmp_path)
    out = zarr.create_array(
        "out.zarr", shape=(2, 200, 170), chunks=(1, 50, 50), dtype="float32"
    )
    *events, _ = predict_on_cluster(image, model, on(client), out=out)
    assert all(e.data is not None for e in events if isinstance(e, TileDone))
    *_, wanted = predict_tiles(image, model, HERE)
    assert abs(out[:] - wanted.data).max() < 1e-5


def test_blocks_are_found_by_workers_that_run_elsewhere(tmp_path, monkeypatch, client):
    monkeypatch.chdir(tmp_path)
    values = np.zeros((2, 90, 90), np.float32)
    for y, x in np.ndindex(3, 3):
        values[0, 30 * y + 5 : 30 * y + 25, 30 * x + 5 : 30 * x + 25] = 1
    workflow = Workflow(predict=on(client))
    write_prediction("cells.bioseg.zarr", values, workflow, source="cells")
    stored = read_prediction("cells.bioseg.zarr")
    *_, done = segment_volume(stored, "labels.zarr", workflow, block=(40, 40))
    assert done.objects == 9
    labels = zarr.open_group("labels.zarr")["0"][:]
    np.testing.assert_array_equal(labels > 0, values[0] > 0)
    assert sorted(os.listdir()) == ["cells.bioseg.zarr", "labels.zarr"]


def test_a_worker_that_sees_another_disk_is_named(tmp_path, client):
    mark = Mark.beside(tmp_path / "out.zarr", "this run")
    mark.put()
    check_workers(client, [tmp_path], mark)
    with pytest.raises(ClusterError, match=r"the worker tcp://.* does not see .*gone"):
        check_workers(client, [tmp_path / "gone"], mark)
    # one that came later, or goes on although its run is over
    mark.remove()
    with pytest.raises(ClusterError, match=r"the worker tcp://.* does not see"):
        client.submit(mark.check, pure=False).result()
    Mark(mark.path, "another run").put()
    with pytest.raises(ClusterError, match="does not see"):
        client.submit(mark.check, pure=False).result()
    array = ArrayOnDisk(zarr.create_array(tmp_path / "a", shape=(4,), dtype="uint8"))
    assert client.submit(array.__getitem__, 0).result() == 0
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(ClusterError, match=r"the worker tcp://.* does not see .*a"):
        client.submit(array.__getitem__, 1).result()
    with pytest.raises(FileNotFoundError, match="is not there any more"):
        array[1]


def test_a_worker_that_dies_changes_nothing(
    tmp_path, monkeypatch, client, model, image
):
    monkeypatch.chdir(tmp_path)
    *_, wanted = predict_tiles(image, model, HERE)
    lazy, out, settings = dask.array.from_zarr(stored(image)), result(), on(client)
    tiling = choose_tiling((200, 170), [model], settings, align=(32, 32))
    events = predict_on_cluster(lazy, model, settings, out=out, tiling=tiling)
    tiles = [next(event for event in events if isinstance(event, TileDone))]
    pids = client.run(os.getpid)
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    *rest, done = events
    assert isinstance(done, Predicted)
    tiles += [event for event in rest if isinstance(event, TileDone)]
    assert len({event.place for event in tiles}) == 7 * 6
    assert abs(out[:] - wanted.data).max() < 1e-5
    # from memory to memory, blended, in what is left of the cluster
    blended = settings.replace(overlap=8)
    *_, again = predict_on_cluster(image, model, blended)
    *_, here = predict_tiles(image, model, HERE.replace(overlap=8))
    assert abs(again.data - here.data).max() < 1e-5


def test_waiting_for_workers_can_be_ended(threads, model, image):
    events = predict_on_cluster(image, model, on(threads))
    assert next(events) == next(events) == ClusterWaits(workers=0)
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 2
    events = predict_on_cluster(image, model, on(threads))
    assert next(events) == ClusterWaits(workers=0)
    threads.scale(1)
    *_, done = events
    assert isinstance(done, Predicted)


def test_a_lost_scheduler_is_told(threads, model, image):
    events = predict_on_cluster(image, model, on(threads))
    assert next(events) == ClusterWaits(workers=0)
    threads.close()
    with pytest.raises(ClusterError, match=r"is lost\. .* go on with --resume"):
        list(events)


def test_work_that_ends_every_worker_is_told():
    last = SimpleNamespace(address="tcp://127.0.0.1:1")
    with pytest.raises(ClusterError, match="for lack of memory"), cluster_told():
        raise KilledWorker("a part", last, 3)


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("local:x", ValueError, "say how many processes, as in local:2"),
        ("tcp://127.0.0.1:1", ClusterError, "no scheduler answers there"),
    ],
)
def test_no_cluster(monkeypatch, model, image, address, kind, message):
    monkeypatch.setattr("napari_bioseg.cluster.connect.SECONDS", 0.2)
    with pytest.raises(kind, match=message):
        next(predict_on_cluster(image, model, HERE.replace(cluster=address)))
