"""Results on disk open in napari as what they are, and lazily."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_bioseg.io.predict_volume import predict_volume
from napari_bioseg.io.write import write_labels
from napari_bioseg.settings import (
    NetworkSettings,
    PredictSettings,
    TrainedOn,
    Workflow,
)
from napari_bioseg.widgets.read_results import reader_of


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_prediction_opens_with_its_channels(
    make_napari_viewer_proxy, tmp_path, dtype
):
    from napari_bioseg.engine import Model

    network = NetworkSettings(features=4, depth=1)
    model = Model.create(Workflow(network=network, trained=TrainedOn()))
    image = np.random.default_rng(0).integers(0, 255, (1, 300, 280)).astype(np.uint8)
    path = tmp_path / "cells.bioseg.zarr"
    settings = PredictSettings(device="cpu", dtype=dtype)
    facts = {"spacing": (0.5, 0.25), "unit": "um", "source": "cells"}
    *_, done = predict_volume(image, model, path, settings, **facts)
    viewer = make_napari_viewer_proxy()
    layers = viewer.open(str(path), plugin="napari-bioseg")
    assert [layer.name for layer in layers] == ["cells B", "cells C"]
    for number, layer in enumerate(layers):
        assert layer.multiscale
        assert tuple(layer.scale) == (0.5, 0.25)
        assert {str(unit) for unit in layer.units} == {"micrometer"}
        notes = layer.metadata["bioseg"]
        assert (notes["role"], notes["channel"]) == ("prediction", "BC"[number])
        assert notes["workflow"] == model.workflow.model_dump(mode="json")
        finest = layer.data[0]
        assert isinstance(finest, dask.array.Array)
        full = 255 if dtype == "uint8" else 1
        assert abs(np.asarray(finest) - done.data[number] / full).max() < 1e-6


def test_labels_open_as_labels(make_napari_viewer_proxy, tmp_path):
    labels = np.arange(30 * 40).reshape(30, 40)
    path = tmp_path / "cells.bioseg.zarr"
    notes = {"version": 1, "role": "labels", "source": "cells"}
    write_labels(path, labels, notes=notes)
    viewer = make_napari_viewer_proxy()
    (layer,) = viewer.open(str(path), plugin="napari-bioseg")
    assert type(layer).__name__ == "Labels"
    assert layer.name == "cells labels"
    np.testing.assert_array_equal(np.asarray(layer.data), labels)


def test_other_folders_are_left_to_others(tmp_path):
    (tmp_path / "other.zarr").mkdir()
    assert reader_of(str(tmp_path / "other.zarr")) is None
    assert reader_of(str(tmp_path / "missing.bioseg.zarr")) is None
