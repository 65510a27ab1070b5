"""Corrections are local, exact, and can be undone, in memory and on disk."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr
from scipy import ndimage

from napari_bioseg.edit import (
    NothingToDo,
    box_of,
    cut,
    delete,
    doubt,
    fill_holes,
    find_boxes,
    keep_locked,
    merge,
    smooth,
    sparse,
    split,
    trace,
    window,
)
from napari_bioseg.samples import touching_cells_3d


class Watched:
    """An array that notes how many pixels are read from it."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.read = 0

    def __getitem__(self, key):
        part = self.array[key]
        self.read += part.size
        return part


def drawn():
    """Two discs grown together as 3, one disc as 7, one with a hole as 9."""
    labels = np.zeros((60, 90), np.int32)
    y, x = np.mgrid[:60, :90]
    labels[np.hypot(y - 20, x - 20) < 12] = 3
    labels[np.hypot(y - 20, x - 40) < 12] = 3
    labels[np.hypot(y - 20, x - 65) < 10] = 7
    labels[np.hypot(y - 45, x - 60) < 10] = 9
    labels[np.hypot(y - 45, x - 60) < 3] = 0
    return labels


def applied(labels, change):
    after = labels.copy()
    change.apply_to(after)
    again = after.copy()
    change.undo_in(again)
    np.testing.assert_array_equal(again, labels)
    assert (labels[change.indices] != after[change.indices]).all()
    return after


def boxes_by_slow_search(labels):
    return {
        number: box
        for number, box in enumerate(ndimage.find_objects(labels), start=1)
        if box is not None
    }


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr"])
def test_boxes_are_those_of_scipy(kind, tmp_path):
    _, labels = touching_cells_3d()
    given = labels
    if kind == "dask":
        given = da.from_array(labels, chunks=(8, 32, 32))
    if kind == "zarr":
        given = zarr.open_array(
            str(tmp_path / "a"), mode="w", shape=labels.shape, dtype=labels.dtype
        )
        given[:] = labels
    boxes = find_boxes(given)
    expected = boxes_by_slow_search(labels)
    assert {number: boxes[number] for number in boxes.ids} == expected
    assert boxes.largest == labels.max()


def test_boxes_of_huge_and_negative_ids():
    labels = np.array([[-4, 2**40, 2**40], [0, 5, -4]])
    boxes = find_boxes(labels)
    assert set(boxes.ids) == {5, 2**40}
    assert boxes[2**40] == (slice(0, 1), slice(1, 3))


def test_an_object_is_found_from_a_click_and_little_is_read():
    labels = np.zeros((400, 400), np.int32)
    labels[100:220, 180:190] = 4
    watched = Watched(labels)
    box = box_of(watched, 4, window((101, 185), labels.shape))
    assert box == (slice(100, 220), slice(180, 190))
    assert watched.read < 0.4 * labels.size
    watched.read = 0
    assert box_of(watched, 4, box) == box
    assert watched.read <= 122 * 12


def test_an_object_that_is_gone_is_said():
    labels = np.zeros((50, 50), np.int32)
    with pytest.raises(ValueError, match="no object 4 here any more"):
        box_of(labels, 4, window((20, 20), labels.shape))


def test_merge_keeps_the_first_id():
    labels = drawn()
    boxes = find_boxes(labels)
    change = merge(labels, [7, 9, 3], [boxes[7], boxes[9], boxes[3]])
    after = applied(labels, change)
    np.testing.assert_array_equal(after == 7, labels > 0)
    assert change.gone == (9, 3)
    with pytest.raises(NothingToDo, match="two objects"):
        merge(labels, [7, 7], [boxes[7], boxes[7]])


@pytest.mark.parametrize("kind", ["numpy", "zarr"])
def test_seeds_divide_at_the_waist(kind, tmp_path):
    labels = drawn()
    given = labels
    if kind == "zarr":
        given = zarr.open_array(
            str(tmp_path / "a"), mode="w", shape=labels.shape, dtype=labels.dtype
        )
        given[:] = labels
    box = find_boxes(given)[3]
    change = split(given, 3, box, np.array([[20, 20], [20, 40]]), 10)
    after = applied(labels, change)
    np.testing.assert_array_equal(after > 0, labels > 0)
    assert set(np.unique(after)) == {0, 3, 7, 9, 10}
    left, right = after[20, 20], after[20, 40]
    assert {left, right} == {3, 10}
    columns = np.flatnonzero(after[20] == left)
    assert 28 <= columns.max() <= 31
    assert set(change.touched) == {3, 10}


def test_a_landscape_moves_the_border():
    labels = drawn()
    box = find_boxes(labels)[3]
    ridge = np.zeros(labels.shape)
    ridge[:, 24] = 1
    points = np.array([[20, 15], [20, 40]])
    change = split(labels, 3, box, points, 10, lambda box: ridge[box])
    after = applied(labels, change)
    left = np.flatnonzero(after[20] == after[20, 15])
    assert 23 <= left.max() <= 24


def test_a_line_divides_exactly_where_it_was_drawn():
    labels = drawn()
    box = find_boxes(labels)[3]
    line = trace(np.array([[2, 16], [38, 16]]))
    after = applied(labels, cut(labels, 3, box, line, 10))
    parts = after[20, 10], after[20, 40]
    assert set(parts) == {3, 10}
    assert after[20, 40] == 3  # the larger part keeps the id
    assert (after[:, :16][labels[:, :16] == 3] == 10).all()
    assert (after[:, 17:][labels[:, 17:] == 3] == 3).all()


def test_a_line_that_ends_inside_divides_nothing():
    labels = drawn()
    box = find_boxes(labels)[3]
    line = trace(np.array([[2, 16], [20, 16]]))
    with pytest.raises(NothingToDo, match="from one side of the object to the other"):
        cut(labels, 3, box, line, 10)


@pytest.mark.parametrize("spacing", [None, (2.0, 1.0, 1.0)])
def test_a_line_on_one_slice_divides_a_volume(spacing):
    labels = np.zeros((16, 40, 60), np.int32)
    z, y, x = np.mgrid[:16, :40, :60]
    for middle in (18, 38):
        far = np.sqrt(((z - 8) * 1.5) ** 2 + (y - 20) ** 2 + (x - middle) ** 2)
        labels[far < 12] = 5
    box = find_boxes(labels)[5]
    line = np.insert(trace(np.array([[5, 28], [35, 28]])), 0, 8, axis=1)
    after = applied(labels, cut(labels, 5, box, line, 6, spacing=spacing))
    for middle in (18, 38):
        assert len(np.unique(after[2:14, 20, middle])) == 1
    assert after[8, 20, 18] != after[8, 20, 38]
    assert (after == 6).sum() > 0.4 * (labels == 5).sum()
    for number in (5, 6):
        assert ndimage.label(after == number)[1] == 1


def test_ids_that_do_not_fit_are_refused():
    labels = drawn().astype(np.uint8)
    box = find_boxes(labels)[3]
    with pytest.raises(ValueError, match="convert the layer to int32"):
        split(labels, 3, box, np.array([[20, 20], [20, 40]]), 256)


def test_holes_fill_and_other_objects_inside_stay():
    labels = drawn()
    labels[45, 60] = 2
    box = find_boxes(labels)[9]
    after = applied(labels, fill_holes(labels, 9, box))
    assert after[45, 60] == 2
    assert after[45, 61] == 9
    with pytest.raises(NothingToDo, match="no holes"):
        fill_holes(after, 3, find_boxes(after)[3])


def test_delete():
    labels = drawn()
    after = applied(labels, delete(labels, 7, find_boxes(labels)[7]))
    np.testing.assert_array_equal(after, np.where(labels == 7, 0, labels))


def test_smooth_takes_a_spike_and_never_another_object():
    labels = drawn()
    labels[20, 75:85] = 7
    labels[10:30, 55:57] = 8
    before = labels.copy()
    after = applied(labels, smooth(labels, 7, find_boxes(labels)[7], 2))
    assert not (after[20, 78:85] == 7).any()
    np.testing.assert_array_equal(after == 8, before == 8)
    thin = np.zeros((30, 30), np.int32)
    thin[15] = 4
    with pytest.raises(NothingToDo, match="too thin"):
        smooth(thin, 4, find_boxes(thin)[4], 3)


def test_follow_keeps_boxes_right_through_undo():
    labels = drawn()
    boxes = find_boxes(labels)
    change = split(labels, 3, boxes[3], np.array([[20, 20], [20, 40]]), 10)
    boxes.follow(change)
    change.apply_to(labels)
    for number in (3, 10):
        assert box_of(labels, number, boxes[number]) == find_boxes(labels)[number]
    assert boxes.largest == 10
    change.undo_in(labels)
    assert box_of(labels, 3, boxes[3]) == find_boxes(labels)[3]


def test_locked_objects_survive_new_labels():
    old = drawn()
    new = np.zeros_like(old)
    new[:, :45] = 7  # covers 3 and more
    new[old == 7] = 1
    new[40:50, 70:80] = 2
    assert not np.array_equal(new == 7, old == 7)
    kept = keep_locked(old, new, [7])
    np.testing.assert_array_equal(kept == 7, old == 7)
    assert set(np.unique(kept)) == {0, 2, 7, 10}
    np.testing.assert_array_equal(kept == 10, new == 7)
    np.testing.assert_array_equal(keep_locked(old, new, []), new)
    with pytest.raises(ValueError, match="must be equal"):
        keep_locked(old, new[1:], [7])


def test_what_was_emptied_stays_empty():
    old = np.array([[0, 0, 0, 0, 0, 5, 5, 0, 0]])
    new = np.array([[1, 1, 1, 2, 2, 2, 2, 2, 3]])
    emptied = (np.zeros(3, int), np.array([0, 1, 5]))  # 5 was painted over since
    kept = keep_locked(old, new, [5], emptied)
    np.testing.assert_array_equal(kept, [[0, 0, 0, 2, 2, 5, 5, 2, 3]])
    kept = keep_locked(old, new, [], emptied)
    np.testing.assert_array_equal(kept, [[0, 0, 0, 2, 2, 2, 2, 2, 3]])


def test_only_what_is_known_is_kept_for_training():
    labels = np.zeros((9, 20), np.int32)
    labels[3:6, 2:6] = 70
    labels[3:6, 6:9] = 5  # nobody has looked at it
    labels[3:6, 14:17] = 9
    boxes = find_boxes(labels)
    known = sparse(labels, [70, 9, 1234], boxes, reach=2)
    assert known.dtype == np.int32
    assert np.array_equal(known == 3, labels == 70)
    assert np.array_equal(known == 2, labels == 9)
    near = ndimage.distance_transform_edt(~np.isin(labels, (9, 70))) <= 2
    assert np.array_equal(known == 1, near & (labels == 0))
    assert not known[3:6, 6:9].any()
    labels[labels == 9] = 0  # its box is remembered
    assert set(np.unique(sparse(labels, [9], boxes))) == {0}
    assert not sparse(labels, [], boxes).any()


def test_the_odd_one_comes_first():
    labels = np.zeros((120, 120), np.int32)
    y, x = np.mgrid[:120, :120]
    number = 0
    for row in range(12, 120, 24):
        for column in range(12, 120, 24):
            number += 1
            labels[np.hypot(y - row, x - column) < 8 + number % 3] = number
    labels[labels == 13] = 0
    labels[60:62, 60:62] = 13
    table = doubt(labels)
    assert table["id"][0] == 13
    assert table["why"][0] == "small"
    np.testing.assert_allclose(table.loc[0, ["axis-0", "axis-1"]].tolist(), 60.5)
    sure = np.where(labels == 4, 0.52, np.where(labels > 0, 0.97, 0.0))
    named = doubt(labels, sure).set_index("id")
    assert named["why"][4] == "unsure"
    assert named["doubt"][4] > table.set_index("id")["doubt"][4]
    assert doubt(np.zeros((4, 4), int)).empty
