"""Layers become training pairs: frames, slices, and only what is labelled."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr
from napari.layers import Image, Labels

from napari_bioseg.engine import train
from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge import proposal, reading
from napari_bioseg.widgets.bridge.reading import FolderSource, layer_source


def labelled(shape, index=()):
    labels = np.zeros(shape, int)
    labels[(*index, slice(2, 5), slice(2, 5))] = 1
    return labels


def names(source):
    return [raw.name for raw in source.raw]


def test_a_plain_pair_is_one_pair_with_its_spacing():
    image = Image(np.zeros((8, 9), np.uint8), name="a", scale=(2, 0.5))
    source = layer_source([(image, Labels(labelled((8, 9))))], slices=False)
    (pair,) = source.read()
    assert pair.image.shape == (1, 8, 9)
    assert pair.spacing == (2, 0.5)
    assert pair.name == "a"


def test_painting_on_changes_nothing_that_was_read():
    labels = Labels(labelled((8, 9)))
    source = layer_source([(Image(np.zeros((8, 9))), labels)], slices=False)
    (pair,) = source.read()
    labels.data[...] = 7
    assert pair.labels.max() == 1


@pytest.mark.parametrize("axis_labels", [("t", "y", "x"), ("0", "y", "x")])
def test_time_points_are_pairs_of_their_own(axis_labels):
    film = Image(
        np.arange(3 * 8 * 9).reshape(3, 8, 9), name="film", axis_labels=("t", "y", "x")
    )
    truth = Labels(labelled((3, 8, 9), (slice(None),)), axis_labels=axis_labels)
    source = layer_source([(film, truth)], slices=False)
    assert names(source) == ["film t=0", "film t=1", "film t=2"]
    pairs = source.read()
    assert [pair.image.shape for pair in pairs] == [(1, 8, 9)] * 3
    assert pairs[1].image[0, 0, 0] == 72


def test_a_still_labelled_at_all_times_serves_them_all():
    still = Image(np.zeros((8, 9)), name="still")
    truth = Labels(labelled((2, 8, 9), (slice(None),)), axis_labels=("t", "y", "x"))
    source = layer_source([(still, truth)], slices=False)
    assert len(source.read()) == 2


def test_slices_without_labels_are_left_out():
    stack = Image(np.zeros((5, 8, 9)), name="stack", scale=(3, 1, 1))
    source = layer_source([(stack, Labels(labelled((5, 8, 9), (2,))))], slices=True)
    assert len(source.raw) == 5
    (pair,) = source.read()
    assert pair.name == "stack z=2"
    assert pair.spacing == (1, 1)


def test_a_stack_stays_whole_unless_slices_are_asked_for():
    stack = Image(np.zeros((5, 8, 9)), name="stack")
    source = layer_source([(stack, Labels(labelled((5, 8, 9), (2,))))], slices=False)
    (pair,) = source.read()
    assert pair.image.shape == (1, 5, 8, 9)


def test_colours_and_channels_come_first():
    colour = Image(np.zeros((8, 9, 3), np.uint8), rgb=True)
    channels = Image(np.zeros((2, 8, 9)))
    truth = Labels(labelled((8, 9)))
    for image, count in ((colour, 3), (channels, 2)):
        (pair,) = layer_source([(image, truth)], slices=False).read()
        assert pair.image.shape == (count, 8, 9)


def test_unequal_sizes_name_both():
    with pytest.raises(ValueError, match=r"\(8, 9\) and its labels \(7, 9\)"):
        layer_source(
            [(Image(np.zeros((8, 9))), Labels(labelled((7, 9))))], slices=False
        )


def test_the_first_labelled_frame_is_judged():
    truth = Labels(labelled((3, 8, 9), (2,)), axis_labels=("t", "y", "x"))
    film = Image(np.zeros((3, 8, 9)), axis_labels=("t", "y", "x"))
    found = layer_source([(film, truth)], slices=False).judge()
    assert found.instances == 1
    assert found.pairs == 3


def test_classes_of_objects_come_from_the_features_of_the_labels():
    labels = np.zeros((2, 8, 9), int)
    labels[:, 1:3, 1:3], labels[:, 5:7, 1:3], labels[1, 5:7, 5:7] = 1, 4, 9
    features = {"index": [0, 1, 4, 9], "class": [np.nan, 2, 1, np.nan]}
    layer = Labels(labels, features=features)
    stack = Image(np.zeros((2, 8, 9)), name="stack")
    for pair in layer_source([(stack, layer)], slices=True).read():
        wanted = np.select([pair.labels == 1, pair.labels == 4], [2, 1], 0)
        np.testing.assert_array_equal(pair.classes, wanted)
    layer.features = {"label": [1, 4, 9], "class": [1, 1, 2]}
    (pair,) = layer_source([(stack, layer)], slices=False).read()
    np.testing.assert_array_equal(pair.classes == 2, labels == 9)


@pytest.mark.parametrize("features", [{}, {"index": [1]}, {"class": [1]}])
def test_without_a_table_of_classes_there_are_none(features):
    layer = Labels(labelled((8, 9)), features=features)
    image = Image(np.zeros((8, 9)))
    (pair,) = layer_source([(image, layer)], slices=False).read()
    assert pair.classes is None


def test_only_the_middle_of_huge_files_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(proposal, "MOST_PIXELS", 1 << 13)
    truth = np.zeros((16, 64, 64), np.int32)
    truth[6:9, 28:34, 28:34], truth[6:9, 36:40, 36:40] = 3, 8
    for name, pixels in (("images", truth.astype(np.uint16)), ("labels", truth)):
        array = zarr.create_array(
            tmp_path / name / "a.zarr", data=pixels, chunks=(8, 16, 16), zarr_format=2
        )
        array.attrs["_ARRAY_DIMENSIONS"] = ["z", "y", "x"]
        corner = tmp_path / name / "a.zarr" / "0.0.0"
        corner.write_bytes(b"damaged: cannot be read")
    found = FolderSource(tmp_path / "images", tmp_path / "labels").judge()
    assert (found.dimensions, found.channels, found.instances) == (3, 1, 2)
    assert found.shape == (16, 64, 64)


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_labels_on_disk_that_are_huge_stay_there(monkeypatch, kind):
    truth = labelled((40, 40))
    lazy = dask.array.from_array(truth) if kind == "dask" else zarr.array(truth)
    noise = Image(np.random.default_rng(0).random((40, 40)))
    source = layer_source([(noise, Labels(lazy))], slices=False)
    assert isinstance(source.read()[0].labels, np.ndarray)
    monkeypatch.setattr(reading, "MOST_COPIED", 1000)
    (pair,) = source.read()
    assert not isinstance(pair.labels, np.ndarray)
    assert source.judge().instances == 1
    start = Workflow.preset("fast")
    small = start.replace(
        network=start.network.replace(features=4, depth=1),
        train=start.train.replace(epochs=1, steps=1, batch_size=1),
        data=start.data.replace(patch=(32, 32), validation=0.0),
    )
    *_, last = train([pair], small)
    assert last.model.workflow.trained.epochs == 1
