from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from napari_bioseg.measure import Match, match, pool

LABELS = hnp.arrays(np.int32, (6, 9), elements=st.integers(0, 4))


def by_definition(truth: np.ndarray, predicted: np.ndarray, least: float) -> tuple:
    """All pairs in a dense table, assigned in one go."""
    a, b = (np.unique(image[image > 0]) for image in (truth, predicted))
    table = np.zeros((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            common = ((truth == one) & (predicted == other)).sum()
            union = ((truth == one) | (predicted == other)).sum()
            table[i, j] = common / union
    gain = np.where(table >= least, 1 + table / (2 * max(1, min(table.shape))), 0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    scores = table[rows, columns][gain[rows, columns] > 0]
    tp = len(scores)
    return tp, len(b) - tp, len(a) - tp, scores.sum()


@settings(max_examples=200, deadline=None)
@given(LABELS, LABELS, st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.75, 1.0]))
def test_equals_the_dense_table(a: np.ndarray, b: np.ndarray, least: float) -> None:
    found = match(a, b, least)[0]
    tp, fp, fn, score = by_definition(a, b, least)
    assert (found.tp, found.fp, found.fn) == (tp, fp, fn)
    assert found.score == pytest.approx(score)


def test_a_drawn_example() -> None:
    truth = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3, 3]])
    guess = np.array([[5, 5, 5, 0, 0, 9, 0, 0, 0, 4]])
    strict, loose = match(truth, guess, (0.75, 0.5))
    assert (strict.tp, strict.fp, strict.fn) == (1, 2, 2)
    assert (loose.tp, loose.fp, loose.fn) == (3, 0, 0)
    assert strict.pairs == ((1, 5, 0.75),)
    assert strict.precision == strict.recall == strict.f1 == pytest.approx(1 / 3)
    assert strict.accuracy == pytest.approx(1 / 5)
    assert strict.panoptic_quality == pytest.approx(0.75 / 3)
    assert strict.mean_matched_score == 0.75
    assert strict.mean_true_score == pytest.approx(0.25)
    assert (strict.n_true, strict.n_predicted) == (3, 3)
    assert loose.mean_matched_score == pytest.approx((0.75 + 0.5 + 0.5) / 3)


def test_as_many_pairs_as_possible_before_overlap() -> None:
    # greedily 1-1 would leave nothing for 2: object 2 overlaps predicted 1 only
    truth = np.array([[1] * 6 + [2] * 4])
    guess = np.array([[3] * 2 + [1] * 8])
    found = match(truth, guess, 0.3)[0]
    assert found.tp == 2
    assert {pair[:2] for pair in found.pairs} == {(1, 3), (2, 1)}


def test_two_empty_images_agree() -> None:
    empty = np.zeros((4, 5), int)
    for found in match(empty, empty):
        values = found.as_dict()
        assert [values.pop(name) for name in ("tp", "fp", "fn")] == [0, 0, 0]
        del values["threshold"]
        assert set(values.values()) == {1.0}


def test_one_empty_image_has_nothing_right() -> None:
    empty, full = np.zeros((4, 5), int), np.ones((4, 5), int)
    missed, invented = match(full, empty)[0], match(empty, full)[0]
    assert (missed.fn, invented.fp) == (1, 1)
    for found in (missed, invented):
        assert found.f1 == found.precision == found.recall == found.accuracy == 0
        assert found.panoptic_quality == found.mean_true_score == 0
    assert match(np.zeros((0, 4), int), np.zeros((0, 4), int))[0].f1 == 1


def test_pooled_counts_are_sums() -> None:
    a = match(np.array([[1, 0, 2]]), np.array([[1, 0, 0]]))
    b = match(np.array([[1, 1, 1]]), np.array([[1, 1, 0]]))
    pooled = pool([a, b])
    assert [found.threshold for found in pooled] == [0.3, 0.5, 0.75]
    assert [(p.tp, p.fp, p.fn) for p in pooled] == [(2, 0, 1), (2, 0, 1), (1, 1, 2)]
    assert pooled[0].mean_matched_score == pytest.approx((1 + 2 / 3) / 2)


def test_many_objects_need_no_dense_table() -> None:
    side = 320
    truth = np.kron(np.arange(1, side**2 + 1).reshape(side, side), np.ones((3, 3), int))
    guess = np.roll(truth, 1, axis=1)
    begun = time.perf_counter()
    found = match(truth, guess, (0.1, 0.4, 0.6))
    print(f"{side**2} objects matched in {time.perf_counter() - begun:.2f} s")
    assert [f.tp >= side * (side - 1) for f in found] == [True, True, False]
    assert found[1].n_true == side**2 == 102_400


def test_the_reference_agrees(golden) -> None:
    import json

    for path in sorted(golden.glob("match371_*.npz")):
        stats = json.loads(path.with_suffix(".json").read_text())["stats"]
        with np.load(path) as file:
            found = match(file["gt"], file["pred"], stats["thresh"])[0]
        for name, value in found.as_dict().items():
            if name != "threshold":
                assert stats[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize(
    ("truth", "guess", "iou", "message"),
    [
        (np.zeros((3, 3), int), np.zeros((3, 4), int), 0.5, r"must have the shape"),
        (np.zeros((3, 3)), np.zeros((3, 3), int), 0.5, r"true labels are float64"),
        (np.zeros((3, 3), int), -np.ones((3, 3), int), 0.5, r"go down to -1, below 0"),
        (np.zeros((3, 3), int), np.zeros((3, 3), int), 0.0, r"above 0 up to 1, not 0"),
        (np.zeros((3, 3), int), np.zeros((3, 3), int), 1.5, r"above 0 up to 1"),
    ],
)
def test_wrong_input_says_why(
    truth: np.ndarray, guess: np.ndarray, iou: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        match(truth, guess, iou)


def test_only_equal_thresholds_are_pooled() -> None:
    with pytest.raises(ValueError, match="nothing to pool"):
        pool([])
    with pytest.raises(ValueError, match="match all with the same thresholds"):
        pool([[Match(0.5, 1, 0, 0, 1.0)], [Match(0.6, 1, 0, 0, 1.0)]])
