"""Measurements of objects: figures worked out by hand, and scikit-image's."""

import json

import numpy as np
import pytest
from skimage import measure as skimage_measure

from napari_bioseg.measure import properties
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d

SHAPES_2D = [(1.0, 1.0), (0.5, 0.5), (2.0, 0.5)]


def drawn(text: str) -> np.ndarray:
    """Turn rows of digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in row] for row in text.split()])


def test_a_square_and_a_line_by_hand():
    labels = drawn("1111.. 1111.. 1111.. 1111.. ...... 222222")
    table = properties(labels, spacing=(2.0, 0.5))
    assert table["label"].tolist() == [1, 2]
    assert table["npixels"].tolist() == [16, 6]
    assert table["area"].tolist() == [16.0, 6.0]
    assert table[["axis-0", "axis-1"]].to_numpy().tolist() == [[1.5, 1.5], [5, 2.5]]
    assert table["diameter"].tolist() == [4, 6]
    assert table["diameter_units"].tolist() == [8.0, 3.0]
    # three steps along each side, of 2 units down and 0.5 across
    assert table["perimeter"][0] == pytest.approx(2 * 3 * 2.0 + 2 * 3 * 0.5)
    assert table["circularity"][0] == pytest.approx(4 * np.pi * 16 / 15**2)
    assert table["elongation"][0] == pytest.approx(15**2 / (4 * np.pi * 16))
    box = table[[f"bbox-{i}" for i in range(4)]].to_numpy()
    assert box.tolist() == [[0, 0, 4, 4], [5, 0, 6, 6]]


def test_a_cube_by_hand():
    labels = np.zeros((4, 5, 6), int)
    labels[:2, 1:3, 1:3] = 9
    row = properties(labels, spacing=(2.0, 1.0, 1.0)).iloc[0]
    assert row["volume"] == 16
    assert row["diameter"] == 2
    assert row["diameter_units"] == 4
    # its corners and edges are cut half a voxel deep, so between the two shapes
    whole, core = 2 * 4 + 4 * 8, 2 * 1 + 4 * 2
    assert core < row["surface_area"] < whole
    expected = 36 * np.pi * 16**2 / row["surface_area"] ** 3
    assert row["sphericity"] == pytest.approx(expected)


@pytest.mark.parametrize("spacing", SHAPES_2D)
def test_perimeter_is_that_of_skimage(spacing):
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 4, (40, 50)) * (rng.random((40, 50)) < 0.9)
    for labels in (touching_cells_2d(200, seed=1)[1], noise):
        table = properties(labels, spacing=spacing)
        wanted = [
            skimage_measure.perimeter(labels == label, 4) for label in table["label"]
        ]
        got = table["perimeter"].to_numpy()
        if spacing[0] == spacing[1]:
            assert got == pytest.approx(np.array(wanted) * spacing[0], rel=1e-12)
        else:  # nowhere shorter than with the smaller step, nor longer
            assert (got >= np.array(wanted) * min(spacing) - 1e-9).all()
            assert (got <= np.array(wanted) * max(spacing) + 1e-9).all()
            turned = properties(labels.T.copy(), spacing=spacing[::-1])
            assert turned["perimeter"].to_numpy() == pytest.approx(got, rel=1e-12)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.5, 0.7)])
def test_surface_is_that_of_skimage(spacing):
    rng = np.random.default_rng(4)
    noise = rng.integers(0, 4, (9, 11, 13))
    for labels in (touching_cells_3d((20, 48, 48), seed=2)[1], noise):
        table = properties(labels, spacing=spacing)
        wanted = []
        for label in table["label"]:
            mask = np.pad(labels == label, 1).astype(np.float32)
            corners, faces, *_ = skimage_measure.marching_cubes(
                mask, 0.5, spacing=spacing
            )
            wanted.append(skimage_measure.mesh_surface_area(corners, faces))
        assert table["surface_area"].to_numpy() == pytest.approx(wanted, rel=2e-5)


def test_brightness_per_channel():
    labels = drawn("11.2 11.2")
    image = np.array([[1, 2, 9, 8], [3, 6, 9, 4]], np.uint8)
    one = properties(labels, image=image)
    assert one["mean_intensity"].tolist() == [3.0, 6.0]
    assert one["min_intensity"].tolist() == [1.0, 4.0]
    assert one["max_intensity"].tolist() == [6.0, 8.0]
    two = properties(labels, image=np.stack([image, image * 2.0]))
    assert two["mean_intensity-0"].tolist() == [3.0, 6.0]
    assert two["max_intensity-1"].tolist() == [12.0, 16.0]
    with pytest.raises(ValueError, match=r"image of shape \(3, 3\) does not lie under"):
        properties(labels, image=np.zeros((3, 3)))


def test_classes_by_vote_and_by_number():
    labels = drawn("11113 22223")
    classes = drawn("00021 11220")
    # the background has no vote; of 1 and 2 in equal numbers the lower wins
    assert properties(labels, classes=classes)["class"].tolist() == [2, 1, 1]
    assert properties(labels, classes={1: 5, 3: 7})["class"].tolist() == [5, 0, 7]
    with pytest.raises(ValueError, match="do not fit labels of shape"):
        properties(labels, classes=classes[:1])


@pytest.mark.parametrize("shape", [(0, 5), (4, 5), (3, 4, 5)])
def test_no_objects_give_an_empty_table(shape):
    table = properties(np.zeros(shape, int), image=np.zeros(shape))
    assert len(table) == 0
    assert "npixels" in table
    assert "mean_intensity" in table


def test_numbers_may_have_gaps_and_be_huge():
    labels = drawn("11.2 11.2")
    plain = properties(labels)
    huge = properties(labels * 4_000_000_000)
    assert huge["label"].tolist() == [4_000_000_000, 8_000_000_000]
    assert huge.drop(columns="label").equals(plain.drop(columns="label"))


@pytest.mark.parametrize(
    ("labels", "spacing", "message"),
    [
        (np.zeros((3, 3)), None, "whole numbers, one per object, not float64"),
        (np.array([[0, -1]]), None, "start at 0"),
        (np.zeros((2, 3, 4, 5), int), None, r"not shape \(2, 3, 4, 5\)"),
        (np.zeros((3, 3), int), (1, 1, 1), "give 2 sizes of a pixel"),
        (np.zeros((3, 3), int), (1, 0), "above 0"),
    ],
)
def test_bad_input(labels, spacing, message):
    with pytest.raises(ValueError, match=message):
        properties(labels, spacing=spacing)


def test_one_piece_or_many_rows_are_measured_alike():
    """Large images are cut among the cores; a column is not cut at all."""
    labels = touching_cells_2d(256, seed=5)[1]
    assert labels.size >= 1 << 15, "large enough to be cut"
    whole = properties(labels).set_index("label")
    for label in whole.index[::7]:
        alone = properties((labels == label).astype(int)).iloc[0]
        assert alone.drop("label").tolist() == pytest.approx(
            whole.loc[label].tolist(), nan_ok=True
        )


TWINS = {
    "npixels": "npixels",
    "diameters": "diameter",
    "perimeters": "perimeter",
    "areas": "area",
    "circularities": "circularity",
    "elongations": "elongation",
}


@pytest.mark.parametrize("image", ["touch2d", "edge2d"])
@pytest.mark.parametrize("spacing", ["1-1-1", "2.0-0.5-0.5"])
def test_recorded_reference(golden, image, spacing, capsys):
    """Equal to BiaPy 3.7.1 but for what it does wrong, which is printed."""
    stem = f"props371_{image}_res{spacing}"
    result = json.loads((golden / f"{stem}.json").read_text())["result"]
    labels = np.load(golden / f"{stem}.npz")["labels"]
    steps = [float(step) for step in spacing.split("-")][1:]
    pixels, table = properties(labels), properties(labels, spacing=steps)
    assert table["label"].tolist() == result["labels"]
    for theirs, ours in TWINS.items():
        reference = np.array(result[theirs], float)
        same = pixels[ours].to_numpy(float)
        if theirs == "perimeters":  # the reference cuts decimals off
            same = np.trunc(same)
        if ours in ("circularity", "elongation"):  # and calls what is undefined 0
            assert (reference[np.isnan(same)] == 0).all()
            same = np.nan_to_num(same)
        assert reference == pytest.approx(same, rel=1e-6), theirs
        off = ~np.isclose(table[ours].to_numpy(float), reference, rtol=1e-6)
        if off.any():
            print(f"{stem}: {ours} differs of {off.sum()} of {off.size} objects")
    centres = table[["axis-0", "axis-1"]].to_numpy()
    away = np.abs(centres - np.array(result["centers"])).max(axis=1)
    print(f"{stem}: centres up to {away.max():.1f} px away from a pixel of the object")
    assert capsys.readouterr().out
