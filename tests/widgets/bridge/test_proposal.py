"""What layers suggest: a sentence, a patch, a task."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.widgets.bridge import proposal
from napari_bioseg.widgets.bridge.proposal import propose


def squares(shape, side, step):
    labels = np.zeros(shape, np.int32)
    number = 0
    for y in range(0, shape[0] - side, step):
        for x in range(0, shape[1] - side, step):
            number += 1
            labels[y : y + side, x : x + side] = number
    return labels


def test_the_sentence_counts_and_measures():
    labels = squares((256, 256), 20, 32)
    found = propose((1, 256, 256), labels)
    assert found.sentence == (
        "2-D, 1 channel, 64 instances, median diameter 23 px → patch 128, BC"
    )


def test_several_pairs_and_channels_are_counted():
    found = propose((3, 256, 256), squares((256, 256), 20, 32), pairs=7)
    assert found.sentence.startswith("7 pairs, 2-D, 3 channels, 64 instances")


def test_many_pieces_of_few_numbers_look_like_classes():
    labels = squares((128, 128), 6, 10) % 3
    found = propose((1, 128, 128), labels)
    assert found.looks_semantic
    assert found.classes == 3
    assert found.sentence.endswith("3 classes → patch 128, semantic")


def test_many_numbers_are_objects_even_in_pieces():
    labels = np.tile(squares((64, 64), 6, 10), (5, 5))
    assert not propose((1, *labels.shape), labels).looks_semantic


def test_empty_labels_still_propose_a_patch():
    found = propose((1, 64, 64), np.zeros((64, 64), int))
    assert (found.instances, found.diameter) == (0, 0.0)
    assert found.patch == (64, 64)


def test_numbers_far_apart_and_large_are_counted():
    labels = np.zeros((40, 40), np.int64)
    labels[:5, :5], labels[20:25, 20:25] = 5_000_000_000, 3
    assert propose((1, 40, 40), labels).instances == 2


def test_only_the_middle_of_something_huge_is_read(monkeypatch):
    monkeypatch.setattr(proposal, "MOST_PIXELS", 64 * 64)
    labels = squares((256, 256), 20, 32)
    assert 0 < propose((1, 256, 256), labels).instances < 10


def test_float_labels_say_what_is_expected():
    with pytest.raises(ValueError, match="type float64, expected whole numbers"):
        propose((1, 8, 8), np.zeros((8, 8)))
