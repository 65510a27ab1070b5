"""Figures over images, overlaps and patches, worked out by hand."""

import numpy as np
import pytest

from napari_bioseg.measure import (
    IOU_RANGE,
    Match,
    average_precision,
    dsb2018,
    match,
    mean_scores,
    overlap,
    patch_pairs,
    pool,
    pool_overlaps,
)


def line(text: str) -> np.ndarray:
    """Turn digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in text]])


# four of four pixels, three of four, and two of four, where one more is invented
TRUTH = line("1111.2222.3333......")
FOUND = line("1111.222..33.....44.")


def test_average_precision_by_hand():
    """At 0.5 three are found of 4, from 0.55 on two, above 0.75 one."""
    found = match(TRUTH, FOUND, IOU_RANGE)
    assert [one.tp for one in found] == [3, 2, 2, 2, 2, 2, 1, 1, 1, 1]
    expected = [3 / 4] + 5 * [2 / 5] + 4 * [1 / 6]
    assert [one.accuracy for one in found] == pytest.approx(expected)
    assert average_precision(found) == pytest.approx(sum(expected) / 10)
    with pytest.raises(ValueError, match="nothing to average"):
        average_precision([])


def test_pooled_and_averaged_images_differ():
    images = [match(TRUTH, FOUND, (0.5, 0.75)), match(TRUTH, TRUTH, (0.5, 0.75))]
    pooled, averaged = pool(images), mean_scores(images)
    assert pooled[1].precision == pytest.approx(5 / 7)
    assert averaged[1]["precision"] == pytest.approx((2 / 4 + 1) / 2)
    assert pooled[1].recall == pytest.approx(5 / 6)
    assert averaged[1]["recall"] == pytest.approx((2 / 3 + 1) / 2)
    assert averaged[1]["threshold"] == 0.75
    assert averaged[1]["tp"] == pooled[1].tp == 5
    with pytest.raises(ValueError, match="nothing to pool"):
        mean_scores([])


@pytest.mark.parametrize(("empty", "expected"), [(1.0, 1.0), (0.0, 0.5)])
def test_images_without_objects(empty, expected):
    """They are right here; the reference counts them 0. Pooled they count nothing."""
    nothing = np.zeros((1, 20), int)
    images = [match(TRUTH, TRUTH, 0.5), match(nothing, nothing, 0.5)]
    assert mean_scores(images, empty=empty)[0]["f1"] == expected
    assert pool(images)[0].f1 == 1
    assert mean_scores([match(nothing, FOUND, 0.5)], empty=empty)[0]["f1"] == 0


def test_data_science_bowl_counts_more_than_an_overlap():
    found = dsb2018([(TRUTH, FOUND)])
    # overlaps of exactly 0.5 and 0.75 are not enough there
    assert found == pytest.approx(np.mean([2 / 5] * 5 + [1 / 6] * 5))
    assert found < average_precision(match(TRUTH, FOUND, IOU_RANGE))
    nothing = np.zeros((1, 20), int)
    both = dsb2018([(TRUTH, FOUND), (nothing, nothing)])
    assert both == pytest.approx((found + 1) / 2)
    with pytest.raises(ValueError, match="nothing to score"):
        dsb2018([])


def test_patches_cut_both_images_alike():
    truth = np.arange(35).reshape(5, 7)
    pairs = list(patch_pairs(truth, -truth, (2, 3)))
    assert len(pairs) == 3 * 3
    assert sorted(np.concatenate([a.ravel() for a, _ in pairs])) == list(range(35))
    assert all(np.array_equal(a, -b) for a, b in pairs)
    stack = np.zeros((3, 4, 4))
    shapes = [a.shape for a, _ in patch_pairs(stack, stack, (4, 2))]
    assert shapes == 6 * [(1, 4, 2)]
    with pytest.raises(ValueError, match="must have the shape of the"):
        list(patch_pairs(truth, truth.T, (2, 2)))
    with pytest.raises(ValueError, match="does not fit images of shape"):
        list(patch_pairs(truth, truth, (2, 2, 2)))


def test_patches_pooled_are_the_whole_of_classes_but_not_of_objects():
    rng = np.random.default_rng(1)
    truth, found = rng.integers(0, 3, (2, 20, 30))
    parts = [overlap(a, b, 3) for a, b in patch_pairs(truth, found, (8, 8))]
    pooled, whole = pool_overlaps(parts), overlap(truth, found, 3)
    assert np.array_equal(pooled.confusion, whole.confusion)
    assert pooled.iou == whole.iou
    assert pooled.dice == whole.dice
    assert pooled.pixel_accuracy == whole.pixel_accuracy
    assert pooled.mean_iou != pytest.approx(np.mean([p.mean_iou for p in parts]))
    # an object cut by a border is two objects of two patches
    cut = pool([match(a, b, 0.5) for a, b in patch_pairs(TRUTH, TRUTH, (1, 2))])
    assert cut[0].tp == 7
    with pytest.raises(ValueError, match="nothing to pool"):
        pool_overlaps([])


def test_classes_pooled_from_images_that_have_different_ones():
    one = overlap(np.array([1, 1]), np.array([1, 1]))
    other = overlap(np.array([5, 1]), np.array([5, 5]))
    both = pool_overlaps([one, other])
    assert both.values == (1, 5)
    assert both.iou == {1: pytest.approx(2 / 3), 5: 0.5}


def test_a_match_without_images():
    assert Match(0.5, 0, 0, 0, 0).accuracy == 1
