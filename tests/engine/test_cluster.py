"""The same answer from several processes, also when one of them dies."""

from __future__ import annotations

import os
import signal

import dask.array
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster

from napari_bioseg.engine import Model, Predicted, TileDone, predict_tiles
from napari_bioseg.engine.choose_tiles import choose_tiling
from napari_bioseg.engine.cluster import predict_on_cluster
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


def test_a_worker_that_dies_changes_nothing(tmp_path, model, image):
    *_, wanted = predict_tiles(image, model, HERE)
    source = zarr.create_array(
        tmp_path / "in.zarr", shape=image.shape, chunks=(1, 64, 64), dtype="uint8"
    )
    source[:] = image
    out = zarr.create_array(
        tmp_path / "out.zarr", shape=(2, 200, 170), chunks=(1, 32, 32), dtype="float32"
    )
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        settings = HERE.replace(cluster=cluster.scheduler_address)
        tiling = choose_tiling((200, 170), [model], settings, align=(32, 32))
        lazy = dask.array.from_zarr(source)
        events = predict_on_cluster(lazy, model, settings, out=out, tiling=tiling)
        first = next(events)
        assert isinstance(first, TileDone)
        pids = client.run(os.getpid)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        *rest, done = events
        assert isinstance(done, Predicted)
        assert len({event.place for event in (first, *rest)}) == 7 * 6
        assert abs(out[:] - wanted.data).max() < 1e-5
        # from memory to memory, blended, in what is left of the cluster
        blended = settings.replace(overlap=8)
        *_, again = predict_on_cluster(image, model, blended)
        *_, here = predict_tiles(image, model, HERE.replace(overlap=8))
        assert abs(again.data - here.data).max() < 1e-5


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("local:x", "say how many processes, as in local:2"),
        ("tcp://127.0.0.1:1", "no scheduler answers there"),
    ],
)
def test_no_cluster(monkeypatch, model, image, address, message):
    monkeypatch.setattr("napari_bioseg.engine.cluster.SECONDS", 0.2)
    with pytest.raises(ValueError, match=message):
        next(predict_on_cluster(image, model, HERE.replace(cluster=address)))
