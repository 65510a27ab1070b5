"""Changes of labels, written in pieces between which the window lives."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels

from napari_bioseg.edit import EditedArray, delete, find_boxes, merge
from napari_bioseg.widgets.bridge import writing
from napari_bioseg.widgets.bridge.hand_edits import watch_hands
from napari_bioseg.widgets.bridge.locks import locked_ids
from napari_bioseg.widgets.bridge.writing import Writing


def drawn():
    """Two blocks of 600 pixels side by side, as 3 and 8."""
    labels = np.zeros((4, 20, 40), np.int32)
    labels[:3, :, 5:15] = 3
    labels[:3, :, 15:25] = 8
    return labels


@pytest.fixture(params=["memory", "lazy", "in time"])
def layer(request):
    data = drawn()
    if request.param == "lazy":
        return Labels(EditedArray(da.from_array(data, chunks=(2, 7, 9))))
    return Labels(np.stack([data, data]) if request.param == "in time" else data)


@pytest.fixture
def frame(layer):
    return (1,) * (layer.ndim - 3)


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(writing, "PIECE", 100)


def here(layer, frame):
    return np.asarray(layer.data)[frame]


def both(labels):
    boxes = find_boxes(labels)
    return merge(labels, [3, 8], [boxes[3], boxes[8]])


def test_a_large_change_is_one_step_of_the_history(layer, frame, small_pieces, qtbot):
    before = np.asarray(layer.data).copy()
    told = []
    work = Writing()
    work.write(layer, both(drawn()), frame, told.append)
    assert told == []
    assert work.busy
    half = here(layer, frame)
    assert 600 < (half == 3).sum() < 1200, "some pieces are written, some are not"
    assert watch_hands(layer).painting, "nobody else writes meanwhile"
    qtbot.waitUntil(lambda: not work.busy)
    assert told == [True]
    wanted = np.where(drawn() > 0, 3, 0)
    np.testing.assert_array_equal(here(layer, frame), wanted)
    assert locked_ids(layer) == (3,)
    assert not watch_hands(layer).painting
    layer.undo()
    np.testing.assert_array_equal(np.asarray(layer.data), before)
    assert locked_ids(layer) == ()
    layer.redo()
    np.testing.assert_array_equal(here(layer, frame), wanted)
    assert locked_ids(layer) == (3,)


def test_a_small_change_is_there_at_once(layer, frame):
    told = []
    Writing().write(layer, both(drawn()), frame, told.append)
    assert told == [True]
    assert set(np.unique(here(layer, frame))) == {0, 3}


def test_what_changed_meanwhile_is_not_overwritten(layer, frame, small_pieces, qtbot):
    told = []
    work = Writing()
    work.write(layer, both(drawn()), frame, told.append)
    last = (*frame, np.array([2]), np.array([19]), np.array([24]))
    layer.data[tuple(np.atleast_1d(place) for place in last)] = 77
    qtbot.waitUntil(lambda: not work.busy)
    assert told == [False]
    wanted = drawn()
    wanted[2, 19, 24] = 77
    np.testing.assert_array_equal(here(layer, frame), wanted)


def test_other_labels_are_left_alone(small_pieces, qtbot):
    layer, told = Labels(drawn()), []
    work = Writing()
    work.write(layer, both(drawn()), (), told.append)
    layer.data = drawn()
    qtbot.waitUntil(lambda: not work.busy)
    assert told == [False]
    np.testing.assert_array_equal(layer.data, drawn())


def test_nothing_stays_half_written(small_pieces):
    layer, told = Labels(drawn()), []
    work = Writing()
    work.write(layer, both(drawn()), (), told.append)
    now = np.where(drawn() > 0, 3, 0)
    work.write(layer, delete(now, 3, find_boxes(now)[3]), (), told.append)
    assert told == [True]
    work.finish()
    assert told == [True, True]
    assert not layer.data.any()
    layer.undo()
    layer.undo()
    np.testing.assert_array_equal(layer.data, drawn())


def test_labels_that_can_only_be_read_are_refused():
    data = drawn()
    data.setflags(write=False)
    layer, told = Labels(data, name="archive"), []
    work = Writing()
    with pytest.raises(ValueError, match="archive can only be read"):
        work.write(layer, both(drawn()), (), told.append)
    assert told == []
    assert not work.busy
    assert locked_ids(layer) == ()


def test_an_error_stops_no_other_change(small_pieces, monkeypatch):
    layer, told = Labels(drawn()), []
    work = Writing()
    work.write(layer, both(drawn()), (), told.append)

    def fails(*_, **__):
        raise RuntimeError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(layer, "data_setitem", fails)
        with pytest.raises(RuntimeError, match="no more"):
            work.finish()
    assert told == [False]
    assert not work.busy
    assert not watch_hands(layer).painting
    np.testing.assert_array_equal(layer.data, drawn())
    work.write(layer, both(drawn()), (), told.append)
    work.finish()
    assert told == [False, True]
