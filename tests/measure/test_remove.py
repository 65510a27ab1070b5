"""Objects taken out by conditions on their measurements."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from napari_bioseg.measure import meets, properties, remove_by_properties
from napari_bioseg.settings import Condition, conditions

LABELS = np.array([[1, 1, 1, 0, 2], [1, 1, 1, 0, 2], [0, 0, 0, 0, 0], [7, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("npixels < 2", [7]),
        ("npixels <= 2", [2, 7]),
        ("npixels > 2", [1]),
        ("npixels ge 2", [1, 2]),
        ("npixels > 1 and diameter < 3", [2]),
        ("npixels > 1 & npixels < 1", []),
        ("circularity < 1000", [1]),  # not defined of one pixel or two
    ],
)
def test_conditions_by_hand(text, gone):
    labels, table = remove_by_properties(LABELS, [conditions(text)])
    assert set(np.unique(LABELS)) - set(np.unique(labels)) == set(gone)
    assert table.loc[table["comment"] == "Removed", "label"].tolist() == gone
    assert np.array_equal(labels[labels > 0], LABELS[labels > 0])


def test_any_group_removes_and_the_table_says_which():
    groups = [conditions("npixels<2"), conditions("npixels<3"), ()]
    labels, table = remove_by_properties(LABELS, groups)
    assert table["conditions"].tolist() == ["", "2", "1 2"]
    assert table["comment"].tolist() == ["Correct", "Removed", "Removed"]
    assert np.unique(labels).tolist() == [0, 1]
    assert meets(properties(LABELS), []).shape == (3, 0)


def test_brightness_of_a_channel():
    image = np.stack([LABELS, 10 - LABELS])
    kept, _ = remove_by_properties(
        LABELS, [conditions("mean_intensity-1 < 5")], image=image
    )
    assert np.unique(kept).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="needs an image"):
        remove_by_properties(LABELS, [conditions("mean_intensity < 5")])


@pytest.mark.parametrize(
    ("labels", "text", "message"),
    [
        (LABELS, "volume < 3", "measured of 3-D labels only; here there is area"),
        (LABELS[None], "area < 3", "measured of 2-D labels only; here there is volume"),
        (LABELS, "sphericity < 3", "here there is circularity"),
        (LABELS[None], "elongation < 3", "elongation was not measured; there are npix"),
        (LABELS, "class > 3", "class was not measured"),
    ],
)
def test_what_was_not_measured(labels, text, message):
    with pytest.raises(ValueError, match=message):
        remove_by_properties(labels, [conditions(text)])


def test_a_table_of_other_labels_is_refused():
    table = properties(LABELS)
    remove_by_properties(LABELS, [], table=table)
    edited = LABELS.copy()
    edited[3, 1] = 7
    with pytest.raises(ValueError, match="object 7 has 1 pixels in the table and 2 in"):
        remove_by_properties(edited, [], table=table)
    with pytest.raises(ValueError, match="no columns 'label' and 'npixels'"):
        remove_by_properties(LABELS, [], table=table.drop(columns="npixels"))


def test_huge_numbers():
    labels, _ = remove_by_properties(LABELS * 10**12, [conditions("npixels < 3")])
    assert np.unique(labels).tolist() == [0, 10**12]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("npixels", "no condition; write a measurement"),
        ("npixels < many", "no condition"),
        ("", "no condition"),
        ("size < 3", "nothing is called 'size'; there are npixels"),
    ],
)
def test_unreadable_conditions(text, message):
    with pytest.raises(ValueError, match=message):
        conditions(text)


def test_conditions_are_settings():
    condition = Condition(property="max_intensity", comparison="ge", value=3, channel=2)
    assert conditions(str(condition)) == (condition,)
    with pytest.raises(ValidationError, match="property"):
        Condition(property="weight")


@pytest.mark.parametrize("image", ["touch2d", "edge2d"])
@pytest.mark.parametrize("spacing", ["1-1-1", "2.0-0.5-0.5"])
def test_recorded_reference(golden, image, spacing):
    stem = f"props371_{image}_res{spacing}"
    recorded = json.loads((golden / f"{stem}.json").read_text())
    arrays = np.load(golden / f"{stem}.npz")
    wanted = recorded["filters"]
    groups = [
        [
            Condition(property=name, comparison=sign, value=value)
            for name, sign, value in zip(*group, strict=True)
        ]
        for group in zip(
            wanted["PROPS"], wanted["SIGNS"], wanted["VALUES"], strict=True
        )
    ]
    kept, table = remove_by_properties(arrays["labels"], groups)
    assert np.array_equal(kept, arrays["filtered"])
    assert table["comment"].tolist() == recorded["result"]["comment"]
    assert meets(table, groups).tolist() == recorded["result"]["conditions"]
