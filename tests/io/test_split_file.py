from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.data_warning import DataWarning
from napari_bioseg.engine import Pair
from napari_bioseg.io import apply_split, read_split, write_split

PARTS = {"training": ["a", "b.1"], "validation": ["c"]}
FOLDS = {"fold_1": ["a"], "fold_2": ["b.1"], "fold_3": ["c"]}
PAIRS = [
    Pair(np.zeros((4, 4)), np.zeros((4, 4), int), n) for n in ("a", "b.1", "c", "d")
]


@pytest.mark.parametrize("parts", [PARTS, FOLDS])
@pytest.mark.parametrize("ending", ["yaml", "csv"])
def test_a_split_reads_back(tmp_path, parts, ending):
    write_split(tmp_path / f"s.{ending}", parts)
    assert read_split(tmp_path / f"s.{ending}") == parts


def test_pairs_get_their_part_and_others_are_left_out():
    with pytest.warns(DataWarning, match=r"^1 of 4 images take no part, .*: d$"):
        divided = apply_split(PAIRS, PARTS)
    roles = {pair.name: pair.role for pair in divided}
    assert roles == {"a": "training", "b.1": "training", "c": "validation"}
    files = {"training": ["a.tif"], "validation": ["c.ome.tif"]}
    with pytest.warns(DataWarning, match=r"2 of 4 images take no part, .*: b\.1, d"):
        named = apply_split(PAIRS, files)
    assert [pair.name for pair in named] == ["a", "c"]
    roles = {pair.name: pair.role for pair in apply_split(PAIRS[:3], FOLDS, 2)}
    assert roles == {"a": "training", "b.1": "validation", "c": "training"}


@pytest.mark.parametrize(
    ("parts", "fold", "message"),
    [
        ({"training": ["a", "x"]}, None, "names x, but there is no such image among 4"),
        (FOLDS, None, r"3 folds; say which one is for validation \(1 to 3\)"),
        (FOLDS, 4, "3 folds; say which"),
    ],
)
def test_splits_that_do_not_fit(parts, fold, message):
    with pytest.raises(ValueError, match=message):
        apply_split(PAIRS, parts, fold)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.yaml", "training: 3", "no split: it needs a list of image names"),
        ("s.yaml", "training: [a]\nvalidation: [a]", "names a twice: training and"),
        ("s.yaml", "train: [a]", "names the parts train; a split has training"),
        ("s.yaml", "a: [", "cannot read the split"),
        ("s.csv", "name,part\na,training\n", "has the columns name, part"),
    ],
)
def test_damaged_splits(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_split(tmp_path / name)


def test_unknown_endings_and_missing_files(tmp_path):
    with pytest.raises(ValueError, match=r"written as \.yaml or \.csv, not as \.txt"):
        write_split(tmp_path / "s.txt", PARTS)
    with pytest.raises(ValueError, match="cannot read the split"):
        read_split(tmp_path / "gone.yaml")


def test_a_name_counts_as_it_is_before_its_ending_is_cut():
    pairs = [Pair(np.zeros((4, 4)), np.zeros((4, 4), int), n) for n in ("a.tif", "b")]
    divided = apply_split(pairs, {"training": ["a.tif"], "validation": ["b.png"]})
    assert [pair.name for pair in divided] == ["a.tif", "b"]
