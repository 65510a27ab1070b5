"""Which axis is which: by label, by the model, and put right by hand."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_bioseg.settings import TrainedOn, Workflow
from napari_bioseg.widgets.bridge.axis_names import (
    guess_axes,
    in_words,
    problem_with,
    renamed,
)
from napari_bioseg.widgets.bridge.image_source import channels_in, mismatch, target_of
from napari_bioseg.widgets.bridge.usual_order import in_usual_order, is_usual


def model(dimensions=2, channels=1):
    spacing = (1.0,) * dimensions
    facts = TrainedOn(dimensions=dimensions, in_channels=channels, spacing=spacing)
    return Workflow(trained=facts)


@pytest.mark.parametrize(
    ("labels", "size", "channels", "expected"),
    [
        # labels count, in any order and in any of the usual spellings
        ("tczyx", (2, 3, 4, 5, 6), 3, "TCZYX"),
        ("zctyx", (2, 3, 4, 5, 6), 3, "ZCTYX"),
        ("xyz", (6, 5, 4), 1, "XYZ"),
        ("yxc", (6, 5, 3), 3, "YXC"),
        (("Time", "Channel", "row", "column"), (2, 3, 4, 5), 1, "TCYX"),
        # some labels, the rest by what the model knows
        (("t", "", "", ""), (9, 12, 50, 60), 1, "TZYX"),
        (("c", "", ""), (9, 50, 60), 1, "CYX"),
        (("", "z", "", ""), (3, 12, 50, 60), 3, "CZYX"),
        # no labels at all
        (None, (50, 60), 1, "YX"),
        (None, (12, 50, 60), 1, "ZYX"),
        (None, (3, 50, 60), 3, "CYX"),
        (None, (3, 50, 60), 1, "ZYX"),
        (None, (40, 3, 50, 60), 3, "ZCYX"),
        (None, (3, 40, 50, 60), 3, "CZYX"),
        (None, (3, 40, 50, 60), 1, "CZYX"),
        (None, (30, 40, 50, 60), 1, "TZYX"),
        (None, (7, 2, 40, 50, 60), 2, "TCZYX"),
        (None, (1, 1, 40, 50, 60), 1, "..ZYX"),
        (None, (1, 50, 60), 1, ".YX"),
    ],
)
def test_axes_are_named(labels, size, channels, expected):
    labels = [""] * len(size) if labels is None else list(labels)
    assert guess_axes(labels, size, channels) == expected


def test_colours_leave_no_axis_for_channels():
    assert guess_axes(["", "", ""], (3, 50, 60), 3, rgb=True) == "ZYX"


def test_letters_change_places():
    assert renamed("TCYX", 0, "C") == "CTYX"
    assert renamed("TCYX", 1, "Z") == "TZYX"
    assert renamed("TCYX", 3, "Y") == "TCXY"


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ("ZYC", "no axis is X"),
        ("ZCX", "no axis is Y"),
        (".YX", "axis 0 has 4 entries, which cannot be left out"),
        ("YYX", "two axes are Y"),
    ],
)
def test_what_is_wrong_is_said(letters, message):
    assert message in problem_with(letters, (4, 5, 6))
    assert problem_with("ZYX", (4, 5, 6)) == ""


def test_more_axes_than_names():
    letters = guess_axes([""] * 6, (2, 3, 4, 5, 6, 7), 1)
    assert "cannot be left out" in problem_with(letters, (2, 3, 4, 5, 6, 7))


def test_words():
    assert in_words("CYX", (2, 50, 60), 2) == "2 channels, 50 × 60 px"
    assert in_words("ZYX", (9, 50, 60), 2) == "9 slices, each by itself, 50 × 60 px"
    assert in_words("ZYX", (9, 50, 60), 3) == "9 × 50 × 60 px"


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "letters", ["TCZYX", "CTZYX", "TZCYX", "XYZCT", "ZTYXC", "YZXTC"]
)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_pixels_go_where_they_belong(letters, dimensions, lazy):
    sizes = dict(zip("TCZYX", (2, 3, 4, 5, 6), strict=True))
    usual = np.arange(720).reshape(2, 3, 4, 5, 6)
    data = usual.transpose(["TCZYX".index(letter) for letter in letters])
    if lazy:
        import dask.array

        data = dask.array.from_array(data, chunks=2)
    layer = Image(data, name="odd", axis_labels=tuple(letters.lower()))
    target = target_of(layer, model(dimensions, 3))
    leading = "TZ" if dimensions == 2 else "T"
    assert target.leading == tuple(sizes[letter] for letter in leading)
    assert target.axes == tuple(
        letters.index(x) for x in leading + "ZYX"[3 - dimensions :]
    )
    seen = 0
    for place, piece in target.wanted():
        expected = usual[place[0]] if dimensions == 3 else usual[place[0], :, place[1]]
        np.testing.assert_array_equal(np.asarray(piece), expected)
        seen += 1
    assert seen == target.count == int(np.prod(target.leading))


def test_time_points_are_looked_at_one_by_one_only():
    import dask.array

    data = dask.array.zeros((20_000, 8, 8), chunks=(1, 8, 8))
    layer = Image(
        data, name="film", axis_labels=("t", "y", "x"), contrast_limits=(0, 1)
    )
    target = target_of(layer, model())
    assert target.count == 20_000
    assert target.piece((19_999,)).shape == (1, 8, 8)


def test_letters_by_hand_decide():
    layer = Image(np.zeros((12, 50, 60)), name="stack")
    assert target_of(layer, model()).leading == (12,)
    assert target_of(layer, model(channels=12)).leading == ()
    assert channels_in(layer, model(), "CYX") == 12
    target = target_of(layer, model(), (7,), "CYX")
    assert (target.leading, target.axes) == ((), (1, 2))


@pytest.mark.parametrize(
    ("size", "facts", "message"),
    [
        ((50, 60), (3, 1), "trained on 3-D images with 1 channel, but x is 2-D"),
        ((9, 50, 60), (2, 3), "with 3 channels, but x is 2-D, 1 channel"),
        ((9, 50, 60), (2, 3), "read as Z Y X"),
        ((9, 50, 60), (2, 3), "say under Axes which axis is which"),
    ],
)
def test_what_does_not_suit_names_both(size, facts, message):
    layer = Image(np.zeros(size), name="x")
    assert message in mismatch(layer, model(*facts))
    with pytest.raises(ValueError, match="choose another image or model"):
        target_of(layer, model(*facts))


@pytest.mark.parametrize("letters", ["TCYX", "YXZ", "XYC", "T.YX", "ZCYX"])
def test_results_lie_on_a_view_of_odd_images(letters):
    assert not is_usual(letters)
    sizes = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6, ".": 1}
    scales = {"T": 1.0, "C": 1.0, "Z": 3.0, "Y": 0.5, "X": 0.25, ".": 1.0}
    viewer = ViewerModel()
    data = np.random.default_rng(0).random([sizes[letter] for letter in letters])
    layer = viewer.add_image(data, name="odd", scale=[scales[x] for x in letters])
    shown, order = in_usual_order(viewer, layer, letters)
    assert is_usual(order)
    assert order == "".join(letter for letter in "CTZYX" if letter in letters)
    assert np.shares_memory(shown.data, layer.data)
    assert shown.data.shape == tuple(sizes[letter] for letter in order)
    assert tuple(shown.scale) == tuple(scales[letter] for letter in order)
    assert (layer.visible, shown.visible) == (False, True)
    again, _ = in_usual_order(viewer, layer, letters)
    assert again is shown
    assert len(viewer.layers) == 2


def test_usual_images_stay_alone():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((3, 2, 4, 5, 6)), name="usual")
    assert in_usual_order(viewer, layer, "CTZYX") == (layer, "CTZYX")
    assert is_usual("..YX")
    assert layer.visible
