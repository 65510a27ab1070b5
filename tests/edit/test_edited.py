"""Corrections over lazy labels read and write like a numpy array."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_bioseg.edit import EditedArray, doubt, find_boxes, split

KEYS = [
    (slice(None), slice(None)),
    (slice(3, 17), slice(5, 6)),
    (slice(None, None, -1), 4),
    (slice(2, 18, 3), slice(20, 3, -2)),
    (-1,),
    (Ellipsis, slice(0, 3)),
    (slice(4, 4), slice(None)),
    (np.array([1, 19, 4]), np.array([0, 22, 5])),
    (np.zeros(0, int), np.zeros(0, int)),
]


@pytest.fixture
def both():
    rng = np.random.default_rng(0)
    array = rng.integers(0, 9, (20, 23)).astype(np.int32)
    return array.copy(), EditedArray(da.from_array(array, chunks=(8, 7)))


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_reads_and_writes_like_numpy(both, key):
    plain, edited = both
    np.testing.assert_array_equal(edited[key], plain[key])
    for array in both:
        array[key] = 42
        array[5:7, 6:9] = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(np.asarray(edited), plain)
    np.testing.assert_array_equal(edited[key], plain[key])


def test_only_what_changes_is_kept(both):
    _, edited = both
    assert edited.blocks == 0
    edited[0:3, 0:3] = edited[0:3, 0:3]
    assert edited.blocks == 0
    edited[7:9, 0] = 99
    assert edited.blocks == 2


def test_the_array_below_stays(both):
    plain, edited = both
    below = edited._base
    edited[:] = 0
    np.testing.assert_array_equal(below.compute(), plain)


def test_dask_sees_corrections(both):
    _, edited = both
    assert da.from_array(edited, chunks=5).sum().compute() > 0
    edited[:] = 0
    assert da.from_array(edited, chunks=5).sum().compute() == 0


def test_corrections_and_doubt_of_lazy_labels():
    labels = np.zeros((40, 60), np.int32)
    labels[5:15, 5:40] = 4
    labels[25:35, 5:20] = 6
    lazy = EditedArray(da.from_array(labels, chunks=16))
    change = split(lazy, 4, find_boxes(lazy)[4], np.array([[9, 8], [9, 36]]), 7)
    change.apply_to(lazy)
    assert set(np.unique(np.asarray(lazy))) == {0, 4, 6, 7}
    here = doubt(np.asarray(lazy)).set_index("id").sort_index()
    there = doubt(lazy).set_index("id").sort_index()
    np.testing.assert_allclose(here["axis-0"], there["axis-0"])
    np.testing.assert_array_equal(here["pixels"], there["pixels"])
    change.undo_in(lazy)
    np.testing.assert_array_equal(np.asarray(lazy), labels)
