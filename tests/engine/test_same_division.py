"""What images are for stays the same when a training goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_bioseg.engine import EpochDone, train
from napari_bioseg.engine.same_division import Division, as_before


@pytest.fixture
def cells(disks):
    """Images a to f, with whatever roles: ``cells("abc", c="validation")``."""

    def make(names, **roles):
        pairs = [replace(disks(seed=ord(n)), name=n) for n in names]
        return [replace(pair, role=roles.get(pair.name, "auto")) for pair in pairs]

    return make


def roles(pairs):
    return {pair.name: pair.role for pair in pairs}


CHOSEN = Division([("b", "training"), ("a", "training"), ("c", "validation")], True)
SHARED = Division([("a", "training"), ("b", "validation"), ("c", "training")])


def test_images_get_the_role_and_place_that_they_had(cells):
    pairs, notes = as_before(cells("abc"), CHOSEN)
    assert roles(pairs) == {"a": "training", "b": "training", "c": "validation"}
    assert [pair.name for pair in pairs] == ["b", "a", "c"]
    assert notes == []


def test_a_share_of_the_same_images_is_left_to_chance_again(cells):
    pairs = cells("abc")
    assert as_before(pairs, SHARED) == (pairs, [])
    turned, _ = as_before(cells("cba"), SHARED)
    assert roles(turned) == {"a": "training", "b": "validation", "c": "training"}


def test_new_and_missing_images_are_named(cells):
    pairs, notes = as_before(cells("abxy", y="validation"), SHARED)
    assert roles(pairs)["x"] == "training"
    assert notes == [
        "new images, learned from now on: x",
        "new images, judging from now on: y",
        "images that are missing since the interruption: c",
    ]


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        ("abc", {"c": "training"}, "c judged so far and would teach now"),
        ("abc", {"a": "validation"}, "a would judge, but taught so far"),
        ("abd", {}, "c judged the training so far and cannot be found"),
    ],
)
def test_an_image_that_changes_sides_is_refused(cells, names, given, message):
    with pytest.raises(ValueError, match=f"cannot resume: {message}"):
        as_before(cells(names, **given), CHOSEN)


def test_a_single_image_that_was_cut_stays_alone(cells):
    cut = Division([("a", "training"), ("a", "validation")])
    pairs = cells("a")
    assert as_before(pairs, cut) == (pairs, [])
    with pytest.raises(ValueError, match="of a a part, or another image of the same"):
        as_before(cells("ab"), cut)


def test_images_without_names_are_left_as_they_are(cells):
    nameless = [replace(pair, name="") for pair in cells("abc")]
    assert as_before(nameless, SHARED) == (nameless, [])
    assert as_before(nameless, Division()) == (nameless, [])


def test_a_training_that_goes_on_keeps_its_validation_images(cells, tiny, tmp_path):
    pairs = cells("abcd", b="validation")
    begun = list(train(pairs, tiny, folder=tmp_path))
    assert (begun[0].learned, begun[0].judged) == (("a", "c", "d"), ("b",))
    longer = tiny.replace(train=tiny.train.replace(epochs=3))
    rest = list(train(cells("abcdef"), longer, folder=tmp_path, resume=True))
    assert (rest[0].learned, rest[0].judged) == (("a", "c", "d", "e", "f"), ("b",))
    assert any("learned from now on: e, f" in note for note in rest[0].notes)
    assert [e.epoch for e in rest if isinstance(e, EpochDone)] == [3]
