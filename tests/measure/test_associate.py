"""What became of every object, in small cases drawn by hand."""

import numpy as np
import pytest

from napari_bioseg.measure import associate
from napari_bioseg.measure.associate import COLORS


def drawn(text: str) -> np.ndarray:
    """Turn rows of digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in row] for row in text.split()])


#                 found    missed  merged    split     invented
TRUTH = drawn("1111....22....334455....66666666........ " * 2)
FOUND = drawn("111...........333333....44445555....77.. " * 2)


def test_each_kind_of_mistake():
    found = associate(TRUTH, FOUND, 0.6)
    assert (found.match.tp, found.match.fp, found.match.fn) == (1, 4, 5)
    rows = [tuple(row) for row in found.mistakes.itertuples(index=False)]
    assert rows == [
        ("merged", (3, 4, 5), (3,), pytest.approx(1 / 3)),
        ("split", (6,), (4, 5), pytest.approx(1 / 2)),
        ("missed", (2,), (), 0),
        ("invented", (), (7,), 0),
    ]
    truth = found.truth.set_index("label")
    assert truth.loc[1, ["kind", "predicted", "iou"]].tolist() == ["TP", 1, 0.75]
    assert truth.loc[2, ["kind", "predicted", "iou"]].tolist() == ["FN", 0, 0]
    assert truth.index[truth["split"]].tolist() == [6]
    predicted = found.predicted.set_index("label")
    assert predicted.loc[3, "parts"] == (3, 4, 5)
    assert predicted.loc[3, "kind"] == "FP"


def test_a_split_object_may_be_found_too():
    """At a lower overlap one half is the object's match; it stays a split."""
    found = associate(TRUTH, FOUND, 0.5)
    assert found.match.tp == 2
    assert found.mistakes["kind"].tolist() == ["merged", "split", "missed", "invented"]


def test_picture():
    found = associate(TRUTH, FOUND, 0.6)
    picture = found.picture(TRUTH, FOUND)
    line = "".join(str(value) for value in picture[0]).replace("0", ".")
    assert line == "111.....22....222222....22222222....33.."


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5), (0, 5)])
def test_nothing_there(shape):
    nothing = np.zeros(shape, int)
    found = associate(nothing, nothing)
    assert len(found.truth) == len(found.predicted) == len(found.mistakes) == 0
    assert not found.picture(nothing, nothing).any()
    one = np.ones(shape, int)
    if one.size:
        assert associate(one, nothing).mistakes["kind"].tolist() == ["missed"]
        assert associate(nothing, one).mistakes["kind"].tolist() == ["invented"]


def test_different_shapes():
    with pytest.raises(ValueError, match="must have the shape of the"):
        associate(np.zeros((2, 3), int), np.zeros((3, 2), int))


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.75])
def test_recorded_picture(golden, threshold):
    arrays = np.load(golden / f"match371_touch2d_th{threshold}.npz")
    found = associate(arrays["gt"], arrays["pred"], threshold)
    colors = np.array([(0, 0, 0), *(COLORS[kind] for kind in (1, 2, 3))])
    drawn_picture = colors[found.picture(arrays["gt"], arrays["pred"])]
    assert np.array_equal(drawn_picture, arrays["colored"])
