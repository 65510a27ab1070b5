"""Every clean-up step: what goes, what stays, in 2-D and 3-D."""

import inspect
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage as ndi

from napari_bioseg.cleanup import (
    FILTERS,
    NEEDS,
    STEPS,
    apply,
    clear_border,
    fill_holes,
    keep_largest,
    remove_large,
    remove_small,
)
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import (
    CleanupSettings,
    ClearBorder,
    FillHoles,
    KeepLargest,
    RemoveLarge,
    RemoveSmall,
    describe,
)


def drawn(text: str) -> np.ndarray:
    """Turn rows of digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in row] for row in text.split()])


CASES = [
    (remove_small, {"size": 3}, "11.2 11.2 3..2", "11.2 11.2 ...2"),
    (remove_small, {"size": 4}, "11.2 11.2 3..2", "11.. 11.. ...."),
    (remove_small, {"size": 1}, "11.2 11.2 3..2", "11.2 11.2 3..2"),
    (remove_large, {"size": 3}, "11.2 11.2 3..2", "...2 ...2 3..2"),
    (remove_large, {"size": 1}, "11.2 11.2 3..2", ".... .... 3..."),
    # A hole, an object in a hole, a bay that is open, and one open at the edge.
    (fill_holes, {}, "111. 1.1. 111.", "111. 111. 111."),
    (fill_holes, {}, "11111 1...1 1.2.1 1...1 11111", "11111 11111 11211 11111 11111"),
    (fill_holes, {}, "111 1.. 111", "111 1.. 111"),
    (fill_holes, {}, "1.1 1.1 111", "1.1 1.1 111"),
    # A corner lets nothing through: steps go over sides.
    (fill_holes, {}, "11.. 1.1. .111", "11.. 111. .111"),
    # The gap between objects that touch is nobody's hole.
    (fill_holes, {}, "112 1.2 332", "112 1.2 332"),
    # Nested: the innermost object gets the hole they share.
    (
        fill_holes,
        {},
        "11111 12221 12.21 12221 11111",
        "11111 12221 12221 12221 11111",
    ),
    (
        clear_border,
        {},
        "1.... ..2.. ...33 ..... .4...",
        "..... ..2.. ..... ..... .....",
    ),
    (clear_border, {"distance": 1}, "..... .1... ..2.. .....", "..... " * 4),
    (
        clear_border,
        {"distance": 1},
        "..... ..... .22.. ..2.. ..3.. ..... .....",
        "..... ..... ..... ..... ..3.. ..... .....",
    ),
    (clear_border, {"distance": 99}, "..... .1... ..2.. .....", "..... " * 4),
    # The whole object goes with the one piece that touches the edge.
    (clear_border, {}, "1.... ..1.. .....", "..... ..... ....."),
    (keep_largest, {}, "11.2 ...2 11.. 1...", "...2 ...2 11.. 1..."),
    (keep_largest, {}, "1.. .1. ..1", "1.. .1. ..1"),
    (keep_largest, {}, "1.1 ... 22.", "1.. ... 22."),
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
    # One slice of a stack is an image, and numbers do not matter.
    assert np.array_equal(step(labels[None], **values)[0], out)
    if dtype in ("int64", "uint32"):
        factor = 400_000_000
        huge = step(labels * labels.dtype.type(factor), **values)
        assert np.array_equal(huge, out * out.dtype.type(factor))


@pytest.mark.parametrize(("field", "known"), [("steps", STEPS), ("filters", FILTERS)])
def test_every_step_is_registered_with_its_settings(field, known):
    (union,) = [s for s in describe(CleanupSettings) if s.name == field]
    assert {m.model_fields["step"].default for m in union.models} == set(known)
    for model in union.models:
        name = model().step
        arguments = list(inspect.signature(known[name]).parameters.values())
        needs = {a.name for a in arguments[1:] if a.kind is a.KEYWORD_ONLY}
        assert needs == set(NEEDS.get(name, ()))
        wanted = {f.name: f.default for f in describe(model) if not f.switch}
        given = {a.name: a.default for a in arguments[1:] if a.name not in needs}
        assert given == wanted


def test_steps_run_in_order():
    ring = drawn("..... .111. .1.1. .111. .....")
    assert apply(ring, []).tolist() == ring.tolist()
    filled_first = apply(ring, [FillHoles(), RemoveSmall(size=9)])
    assert (filled_first == 1).sum() == 9
    assert not apply(ring, [RemoveSmall(size=9), FillHoles()]).any()


def test_all_steps_together_keep_numbers():
    labels = drawn("1..... .222.2 .2.2.. .222.. 3..... 333333").astype("uint16") * 100
    steps = [
        KeepLargest(),
        FillHoles(),
        RemoveSmall(size=2),
        RemoveLarge(size=20),
        ClearBorder(),
    ]
    out = apply(labels, steps)
    assert np.unique(out).tolist() == [0, 200]
    assert (out == 200).sum() == 9
    assert out.dtype == np.uint16


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (RemoveSmall(size=3), "222.... 2.2.1.. 222..1. ...11.. ......."),
        (RemoveLarge(size=5), "......1 ....1.. .....1. ...11.. ......."),
        (ClearBorder(), "....... ....1.. .....1. ...11.. ......."),
        # These two are about a class as a whole.
        (KeepLargest(), "222.... 2.2.1.. 222..1. ...11.. ......."),
        (FillHoles(), "222...1 222.1.. 222..1. ...11.. ......."),
    ],
)
def test_pieces_of_classes(step, after):
    classes = drawn("222...1 2.2.1.. 222..1. ...11.. .......")
    assert apply(classes, [step], classes=True).tolist() == drawn(after).tolist()


def test_many_pieces_of_one_class():
    rng = np.random.default_rng(1)
    for shape in ((60, 70), (12, 20, 20)):
        classes = rng.integers(0, 3, shape).astype("uint8")
        kept = apply(classes, [RemoveSmall(size=5)], classes=True)
        full = ndi.generate_binary_structure(len(shape), len(shape))
        for value in (1, 2):
            pieces, _ = ndi.label(classes == value, full)
            large = np.bincount(pieces.ravel()) >= 5
            large[0] = False
            assert np.array_equal(kept == value, large[pieces])
    # One piece that fills everything: the search has to remember many places.
    solid = np.ones((300, 300), np.uint8)
    assert apply(solid, [RemoveSmall(size=90_000)], classes=True).all()
    assert not apply(solid, [RemoveSmall(size=90_001)], classes=True).any()


@pytest.mark.parametrize("steps", [[s] for s in (FillHoles(), KeepLargest())])
@pytest.mark.parametrize("shape", [(0, 0), (3, 0, 4), (1, 1), (1, 1, 1), (2, 1, 3)])
@pytest.mark.parametrize("value", [0, 1])
def test_extremes(steps, shape, value):
    labels = np.full(shape, value, np.int32)
    every = [*steps, RemoveSmall(size=1), RemoveLarge(size=100)]
    assert np.array_equal(apply(labels, every), labels)
    assert not apply(labels, [ClearBorder()]).any()


def test_holes_in_3d_are_closed_all_around():
    cube = np.zeros((5, 5, 5), np.int32)
    cube[1:4, 1:4, 1:4] = 6
    cube[2, 2, 2] = 0
    assert fill_holes(cube)[2, 2, 2] == 6
    cube[1, 2, 2] = 0  # a shaft to the outside
    assert fill_holes(cube)[2, 2, 2] == 0
    # The same shaft is a hole in each slice of its own.
    assert fill_holes(cube[2])[2, 2] == 6


def test_first_and_last_slice_are_edges():
    stack = np.zeros((4, 5, 5), np.int32)
    stack[0, 2, 2], stack[1:3, 1, 1], stack[3, 3, 3] = 1, 2, 3
    assert np.unique(clear_border(stack)).tolist() == [0, 2]


def filled_by_scipy(labels):
    """Fill each object on its own, innermost last."""
    out = labels.copy()
    boxes = ndi.find_objects(labels)
    order = sorted(
        np.unique(labels[labels > 0]), key=lambda n: -labels[boxes[n - 1]].size
    )
    for number in order:
        inside = ndi.binary_fill_holes(labels == number)
        out[inside & (labels == 0)] = number
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        arrays(np.int32, (7, 8), elements=st.integers(0, 2)),
        arrays(np.int32, (4, 4, 4), elements=st.integers(0, 1)),
    )
)
def test_holes_and_pieces_against_scipy(labels):
    reference = filled_by_scipy(labels)
    out = fill_holes(labels)
    # Where boxes are of one size either object may own the background in between.
    assert np.array_equal(out > 0, reference > 0)
    full = ndi.generate_binary_structure(labels.ndim, labels.ndim)
    kept = keep_largest(labels)
    for number in np.unique(labels[labels > 0]):
        pieces, _ = ndi.label(labels == number, full)
        sizes = np.bincount(pieces.ravel())[1:]
        assert np.array_equal(kept == number, pieces == 1 + sizes.argmax())


@pytest.mark.parametrize(
    "labels",
    [touching_cells_2d(640, seed=4)[1], touching_cells_3d((20, 128, 128), seed=4)[1]],
    ids=["2-D", "3-D"],
)
def test_large_images_in_threads(labels):
    rng = np.random.default_rng(0)
    torn = np.where(rng.random(labels.shape) < 0.3, 0, labels).astype(np.int32)
    assert torn.size > 1 << 18, "large enough for several threads"
    assert np.array_equal(fill_holes(torn), filled_by_scipy(torn))
    torn[rng.random(labels.shape) < 0.8] = 0
    kept = keep_largest(torn)
    assert 0 < (kept > 0).sum() < (torn > 0).sum()
    # Called from several threads at once, as a panel and a preview may.
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(keep_largest(torn)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert all(np.array_equal(result, kept) for result in results)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((3, 3), np.float32), "whole numbers, one per object, not float32"),
        (np.zeros((3, 3), bool), "not bool; round them, or number the parts"),
        (np.zeros(3, np.int32), r"\(Y, X\) or \(Z, Y, X\), not shape \(3,\)"),
        (np.full((3, 3), -1), "start at 0 .* but -1 occurs"),
    ],
)
@pytest.mark.parametrize(
    "step", [*STEPS.values(), lambda labels: apply(labels, [])], ids=[*STEPS, "apply"]
)
def test_no_labels(labels, message, step):
    with pytest.raises(ValueError, match=message):
        step(labels)


def test_negative_distance():
    with pytest.raises(ValueError, match="distance = -1: must be 0 or more"):
        clear_border(np.zeros((3, 3), np.int32), distance=-1)


@pytest.mark.parametrize("name", ["edge2d", "touch2d"])
@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("clear_border", ClearBorder()),
        ("fill_holes", FillHoles()),
        ("remove_big_objects", RemoveLarge(size=500)),
        ("remove_small_objects", RemoveSmall(size=30)),
    ],
)
def test_as_the_reference_does(golden, name, operation, step):
    with np.load(golden / f"refine371_{name}_{operation}.npz") as case:
        assert np.array_equal(apply(case["labels"], [step]), case["result"])
