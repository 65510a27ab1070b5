"""Targets drawn where they are needed equal those of the whole image."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from napari_bioseg.engine import Pair, plan, train
from napari_bioseg.engine.labelled import slabs
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.survey import survey
from napari_bioseg.engine.target_store import draw_on_demand, hold_targets
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import DataSettings, InstanceTask, SemanticTask, Workflow


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize(
    "channels",
    ["BC", "BCD", "FP", [{"name": "B", "erosion": 2, "dilation": 1}, "C"]],
)
def test_parts_equal_the_whole(dimensions, channels):
    cells = touching_cells_2d(160, seed=2) if dimensions == 2 else touching_cells_3d()
    image, labels = cells
    spacing = (2.0, 1.0, 1.0)[-dimensions:]
    counts = np.ones(labels.shape, bool)
    counts[..., :9] = False
    pair = Pair(image, labels, spacing=spacing, counts=counts)
    workflow = Workflow(task=InstanceTask(channels=channels))
    held = hold_targets(pair, workflow)
    largest = survey(Pair(image, labels), workflow).extents.max(axis=0)
    late = draw_on_demand(pair, workflow, largest)
    assert late.count == held.count
    rng = np.random.default_rng(0)
    for _ in range(8):
        start = [int(rng.integers(0, n - 12)) for n in labels.shape]
        part = tuple(slice(a, a + 12) for a in start)
        np.testing.assert_array_equal(late.read(part), held.read(part))
        np.testing.assert_array_equal(late.read(part, [1]), held.read(part, [1]))


@pytest.mark.parametrize(
    "channel",
    ["Dv2", {"name": "D", "scale": "image"}, {"name": "D", "region": "foreground"}],
)
def test_channels_of_the_whole_image_are_refused_where_it_is_too_large(channel):
    workflow = Workflow(task=InstanceTask(channels=["B", channel]))
    pair = Pair(np.zeros((8, 8)), np.zeros((8, 8), int), name="huge")
    with pytest.raises(ValueError, match=r"on the whole image.*huge.*choose BC"):
        draw_on_demand(pair, workflow, (3, 3))


def test_a_large_zarr_trains_without_being_read_whole(tmp_path, monkeypatch):
    image, labels = touching_cells_2d(256, seed=1)

    class Watched:
        """Counts how much of an array is read at once."""

        def __init__(self, array):
            self.array, self.most = array, 0
            self.shape, self.dtype, self.chunks = array.shape, array.dtype, array.chunks

        def __getitem__(self, index):
            out = self.array[index]
            self.most = max(self.most, out.size)
            return out

    def stored(name, values):
        array = zarr.create_array(
            tmp_path / name, shape=values.shape, chunks=(64, 64), dtype=values.dtype
        )
        array[:] = values
        return Watched(array)

    monkeypatch.setattr(plan, "MOST_HELD", 1000)
    monkeypatch.setattr("napari_bioseg.engine.labelled.SLAB_PIXELS", 64 * 256)
    monkeypatch.setattr("napari_bioseg.engine.pixel_sample.MAX_SAMPLES", 4000)
    monkeypatch.setattr("napari_bioseg.engine.pair_checks.MAX_CHECKED", 4000)
    pair = Pair(stored("i.zarr", image), stored("l.zarr", labels))
    workflow = Workflow(
        task=InstanceTask(channels="BCD"),
        data=DataSettings(patch=(32, 32)),
        network={"features": 4, "depth": 2},
        train={
            "epochs": 1,
            "steps": 2,
            "batch_size": 2,
            "device": "cpu",
            "fit_thresholds": False,
        },
    )
    made = make_plan([pair], workflow)
    assert type(made.training[0].targets).__name__ == "OnDemand"
    assert list(train([pair], workflow))[-1].epochs == 1
    assert pair.labels.most <= 64 * 256
    assert pair.image.most < 0.25 * image.size


def test_a_survey_adds_up_slabs(monkeypatch):
    _, labels = touching_cells_3d()
    labels = labels.astype(np.int64)
    labels[labels == 3] = 2_000_000_000  # far from the others
    whole = survey(Pair(labels, labels), Workflow())
    monkeypatch.setattr("napari_bioseg.engine.labelled.SLAB_PIXELS", labels[0].size * 3)
    assert len(list(slabs(labels))) > 3
    parts = survey(Pair(labels, labels), Workflow())
    for name in ("values", "pixels", "middles", "extents", "background", "digest"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    for value, pixels, middle, extent in zip(
        whole.values, whole.pixels, whole.middles, whole.extents, strict=True
    ):
        places = np.argwhere(labels == value)
        assert pixels == len(places)
        np.testing.assert_allclose(middle, places.mean(axis=0))
        np.testing.assert_array_equal(extent, np.ptp(places, axis=0) + 1)


def test_slabs_are_whole_chunks(monkeypatch):
    monkeypatch.setattr("napari_bioseg.engine.labelled.SLAB_PIXELS", 50 * 10)
    array = zarr.zeros((100, 10), chunks=(16, 10), dtype="u1")
    assert [part[0].stop for part in slabs(array)] == [48, 96, 100]
    inner = (slice(20, 90), slice(2, 5))
    assert [(p[0].start, p[0].stop) for p in slabs(array, inner)] == [(20, 90)]


def test_classes_are_drawn_on_demand_too():
    labels = np.arange(400).reshape(20, 20) % 3
    workflow = Workflow(task=SemanticTask(classes=3))
    late = draw_on_demand(Pair(labels * 1.0, labels), workflow, (1, 1))
    part = (slice(3, 9), slice(0, 4))
    np.testing.assert_array_equal(late.read(part)[0], labels[part])
