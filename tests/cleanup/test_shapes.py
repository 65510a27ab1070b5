"""Steps that change outlines, against definitions, scikit-image and the reference."""

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.morphology import disk
from skimage.segmentation import expand_labels

from napari_bioseg.cleanup import (
    apply,
    closing,
    dilate,
    erode,
    opening,
    repair_large,
    smooth,
)
from napari_bioseg.cleanup.nearest import nearest_object
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import Closing, Dilate, Erode, Opening, RepairLarge, Smooth


def drawn(text: str) -> np.ndarray:
    """Turn rows of digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in row] for row in text.split()])


CASES = [
    (dilate, {"radius": 1}, "..... .1... ....2", ".1... 111.2 .1.22"),
    (dilate, {"radius": 1.5}, "..... .1... ....2", "111.. 11122 11122"),
    (dilate, {"radius": 0}, "..... .1... ....2", "..... .1... ....2"),
    (dilate, {"radius": 9}, "1.... ..... ....2", "11122 11122 11222"),
    (erode, {"radius": 1}, "11122 11122 11122", "11..2 11..2 11..2"),
    (erode, {"radius": 1}, "..... .111. .111. .111.", "..... ..... ..1.. ..1.."),
    (erode, {"radius": 0}, "..1.. .111.", "..1.. .111."),
    (opening, {"radius": 1}, ".1.... 11111. .1....", ".1.... 111... .1...."),
    (opening, {"radius": 3}, "...... .1.... ......", "...... ...... ......"),
    (closing, {"radius": 1.5}, "111. 1... 1... 1... 111.", "111. 1... 1... 1... 111."),
    (closing, {"radius": 1.5}, "1111. 1.... 1111. .....", "1111. 1111. 1111. ....."),
    # the gap between two objects is nobody's
    (closing, {"radius": 2}, "111.222 111.222", "111.222 111.222"),
    (smooth, {"radius": 1}, "111.. 1111. 111..", "111.. 111.. 111.."),
    (smooth, {"radius": 1}, "111. 1111 111.", "1111 1111 1111"),
    (smooth, {"radius": 1}, "111 1.1 111", "111 111 111"),
    (
        repair_large,
        {"size": 8},
        "111.. 122.1 1331. 1111. ....4",
        "111.. 111.1 1111. 1111. ....4",
    ),
    (repair_large, {"size": 99}, "1111. 122.1 1331. 1111.", "1111. 122.1 1331. 1111."),
    # one that reaches out of the box is no part of it
    (repair_large, {"size": 5}, "1112. 1.22. 111..", "1112. 1.22. 111.."),
]


@pytest.mark.parametrize(("step", "values", "before", "after"), CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "uint32"])
def test_drawn(step, values, before, after, dtype):
    labels = drawn(before).astype(dtype)
    copy = labels.copy()
    out = step(labels, **values)
    assert out.tolist() == drawn(after).tolist()
    assert out.dtype == dtype
    assert np.array_equal(labels, copy), "the input is never changed"
    assert out is not labels
    assert np.array_equal(step(labels[None], **values)[0], out)
    if dtype in ("int64", "uint32"):
        factor = 400_000_000
        huge = step(labels * labels.dtype.type(factor), **values)
        assert np.array_equal(huge, out * out.dtype.type(factor))


@pytest.mark.parametrize("step", [dilate, erode, opening, closing, smooth])
def test_no_radius(step):
    with pytest.raises(ValueError, match="radius = -1: must be 0 or more pixels"):
        step(np.zeros((3, 3), int), radius=-1)


@pytest.mark.parametrize("shape", [(0, 0), (3, 0, 4), (1, 1), (1, 1, 1), (2, 1, 3)])
@pytest.mark.parametrize("value", [0, 1])
def test_extremes(shape, value):
    labels = np.full(shape, value, np.int32)
    steps = [Dilate(), Erode(), Opening(), Closing(), Smooth(), RepairLarge(size=1)]
    assert np.array_equal(apply(labels, steps), labels)


CELLS = [
    touching_cells_2d(200, seed=6)[1],
    touching_cells_3d((12, 64, 64), seed=6)[1],
]


@pytest.mark.parametrize("labels", CELLS, ids=["2-D", "3-D"])
def test_nearest_is_that_of_scipy(labels):
    few = np.where(labels % 3 == 0, labels, 0)
    volume = few.reshape((-1, *few.shape[-2:])).astype(np.int32)
    nearest, squared = nearest_object(volume)
    distance, places = ndi.distance_transform_edt(volume == 0, return_indices=True)
    assert squared == pytest.approx(distance**2, rel=1e-6)
    other = volume[tuple(places)]
    differs = nearest != other
    # of objects at the same distance either may win
    assert differs.mean() < 0.01
    for place in np.argwhere(differs)[:50]:
        own = np.argwhere(volume == nearest[tuple(place)])
        assert ((own - place) ** 2).sum(1).min() == squared[tuple(place)]


@pytest.mark.parametrize("labels", CELLS, ids=["2-D", "3-D"])
def test_growing_and_shrinking_one_by_one(labels):
    ball = np.stack(np.meshgrid(*[np.arange(-2, 3)] * labels.ndim), -1)
    ball = (ball**2).sum(-1) <= 4
    grown = dilate(labels, 2)
    assert np.array_equal(grown > 0, expand_labels(labels, 2) > 0)
    assert np.array_equal(grown[labels > 0], labels[labels > 0])
    shrunk, opened, closed = erode(labels, 2), opening(labels, 2), closing(labels, 2)
    for label in np.unique(labels)[1:]:
        mask = np.pad(labels == label, 3, "edge")  # the image's edge is no border
        inner = (slice(3, -3),) * labels.ndim
        small = ndi.binary_erosion(mask, ball, border_value=1)
        assert np.array_equal(small[inner], shrunk == label)
        back = ndi.binary_dilation(small, ball)[inner]
        touches = any((mask[inner].take(i, a)).any() for a in range(2) for i in (0, -1))
        if not touches:
            assert np.array_equal(back, opened == label)
        whole = np.pad(labels == label, 5)
        shut = ndi.binary_erosion(ndi.binary_dilation(whole, ball), ball)
        shut = shut[(slice(5, -5),) * labels.ndim]
        assert not ((closed == label) & ~shut).any(), "no more than one by one"
        assert (closed == label)[labels == label].all()
    alone = np.where(labels == labels.max(), labels, 0)
    whole = np.pad(alone > 0, 5)
    shut = ndi.binary_erosion(ndi.binary_dilation(whole, ball), ball)
    shut = shut[(slice(5, -5),) * labels.ndim]
    assert np.array_equal(closing(alone, 2) > 0, shut)


def test_smoothing_by_definition():
    labels = np.random.default_rng(2).integers(0, 3, (24, 31))
    window = np.argwhere(disk(2)) - 2
    out = smooth(labels, 2)
    for y, x in np.ndindex(labels.shape):
        near = window + np.array([y, x])
        near = near[((near >= 0) & (near < labels.shape)).all(1)]
        votes = np.bincount(labels[tuple(near.T)], minlength=3)
        if votes[labels[y, x]] == votes.max():
            assert out[y, x] == labels[y, x]
        else:
            assert out[y, x] == votes.argmax()


@pytest.mark.parametrize("name", ["edge2d", "touch2d"])
@pytest.mark.parametrize(
    ("operation", "step"),
    [("dilation", Dilate(radius=1.5)), ("erosion", Erode(radius=1.5))],
)
def test_against_the_reference(golden, name, operation, step, capsys):
    """BiaPy 3.7.1 takes the largest (smallest) number in a square of 3 x 3 pixels.

    So its objects overwrite each other where they touch; apart from there its masks
    are ours with radius 1.5.
    """
    with np.load(golden / f"refine371_{name}_{operation}.npz") as case:
        labels, theirs = case["labels"], case["result"]
    ours = apply(labels, [step])
    differs = ours != theirs
    print(f"{name}, {operation}: {differs.sum()} pixels differ, where objects touch")
    assert capsys.readouterr().out
    reach = 5 if operation == "dilation" else 3
    low = ndi.minimum_filter(np.where(labels, labels, 10**6), reach)
    high = ndi.maximum_filter(labels, reach)
    assert (low < high)[differs].all(), "two objects are near wherever they differ"
    if operation == "dilation":
        assert np.array_equal(ours > 0, theirs > 0)
        assert np.array_equal(ours[labels > 0], labels[labels > 0])
    else:
        assert not (ours > theirs).any(), "touching objects shrink from each other too"
