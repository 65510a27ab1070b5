"""``measure``: objects in files measured, filtered and written."""

import numpy as np
import pandas as pd
import pytest

from napari_bioseg.cli import main
from napari_bioseg.io import label_info, read_labels, write_image, write_labels
from napari_bioseg.measure import properties, remove_by_properties
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import conditions


@pytest.fixture
def folder(tmp_path):
    for name, seed in (("cell_1", 1), ("cell_2", 2)):
        image, labels = touching_cells_2d(96, seed=seed)
        path = tmp_path / f"results/labels/{name}.tif"
        write_labels(path, labels, spacing=(0.5, 0.5), unit="um")
        write_image(tmp_path / f"images/{name}.tif", image[None])
    return tmp_path


def test_a_folder(folder, capsys):
    out = folder / "out"
    words = ["measure", str(folder / "results"), "--images", str(folder / "images")]
    assert main([*words, "--output", str(out)]) == 0
    assert "2 images" in capsys.readouterr().out
    table = pd.read_csv(out / "measurements.csv")
    assert table.columns[:2].tolist() == ["image", "label"]
    labels = read_labels(folder / "results/labels/cell_2.tif")
    image = touching_cells_2d(96, seed=2)[0]
    wanted = properties(labels, spacing=(0.5, 0.5), image=image)
    one = pd.read_csv(out / "measurements/cell_2.csv")
    pd.testing.assert_frame_equal(one, wanted, check_dtype=False, rtol=1e-6)
    assert len(table[table["image"] == "cell_2"]) == len(wanted)
    assert (out / "charts/sizes.png").read_bytes()[:4] == b"\x89PNG"
    assert not (out / "labels").exists()
    assert main([*words, "--output", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_conditions(folder, capsys):
    out = folder / "out"
    groups = ["area < 120", "circularity < 0.8 and npixels > 3"]
    removed = [word for text in groups for word in ("--remove", text)]
    words = ["measure", str(folder / "results"), "--output", str(out), *removed]
    assert main(words) == 0
    labels = read_labels(folder / "results/labels/cell_1.tif")
    kept, table = remove_by_properties(
        labels, [conditions(text) for text in groups], spacing=(0.5, 0.5)
    )
    assert 0 < (table["comment"] == "Removed").sum() < len(table)
    assert np.array_equal(read_labels(out / "labels/cell_1.tif"), kept)
    assert label_info(out / "labels/cell_1.tif").spacing == (0.5, 0.5)
    written = pd.read_csv(out / "measurements/cell_1.csv")
    assert written["comment"].tolist() == table["comment"].tolist()
    assert "removed" in capsys.readouterr().out
    # the same in one text
    together = ["--remove", " or ".join(groups), "--overwrite"]
    assert main([*words[: -len(removed)], *together]) == 0
    again = pd.read_csv(out / "measurements/cell_1.csv")
    pd.testing.assert_frame_equal(again, written)


def test_time_points_are_measured_on_their_own(tmp_path):
    labels = np.zeros((3, 8, 8), int)
    labels[0, :2, :2], labels[1, :3, :3], labels[2, :4, :4] = 5, 5, 5
    np.save(tmp_path / "series.npy", labels)
    image = np.broadcast_to(np.arange(3.0).reshape(3, 1, 1), labels.shape)
    np.save(tmp_path / "bright.npy", image.copy())
    out = tmp_path / "out"
    words = ["measure", str(tmp_path / "series.npy"), "--output", str(out), "--time"]
    words += ["--images", str(tmp_path / "bright.npy"), "--spacing", "2,2"]
    assert main([*words, "--remove", "area < 20"]) == 0
    table = pd.read_csv(out / "measurements/series.csv")
    assert table["frame"].tolist() == [0, 1, 2]
    assert table["area"].tolist() == [16, 36, 64]
    assert table["mean_intensity"].tolist() == [0, 1, 2]
    kept = read_labels(out / "labels/series.tif", axes="ZYX")
    assert [frame.any() for frame in kept] == [False, True, True]


def test_no_pixel_size_and_no_objects(tmp_path, capsys):
    np.save(tmp_path / "empty.npy", np.zeros((6, 6), int))
    out = tmp_path / "out"
    file = str(tmp_path / "empty.npy")
    assert main(["measure", file, "--output", str(out)]) == 0
    said = capsys.readouterr()
    assert "measured in pixels" in said.err
    assert "0" in said.out
    assert len(pd.read_csv(out / "measurements.csv")) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--remove", "size < 3"], "nothing is called 'size'"),
        (["--remove", "volume < 3"], "measured of 3-D labels only"),
        (["--remove", "mean_intensity < 3"], "needs an image"),
        (["--spacing", "1,1,1"], "has 3 numbers, but"),
        (["--spacing", "small"], "write numbers"),
        (["--spacing", "0,1"], "above 0"),
        (["--time"], "do not suit"),
        (["--images", "nowhere"], "there is no file or folder nowhere"),
    ],
)
def test_faults(folder, capsys, words, message):
    given = [str(folder / "results"), "--output", str(folder / "out"), *words]
    assert main(["measure", *given]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("napari-bioseg measure: error: ")
    assert message in error


def test_images_of_other_labels(folder, capsys):
    words = ["measure", str(folder / "results"), "--output", str(folder / "out")]
    one = str(folder / "images/cell_1.tif")
    assert main([*words, "--images", one]) == 2
    assert "is one image for 2 label images" in capsys.readouterr().err
    write_image(folder / "images/cell_1.tif", np.zeros((1, 7, 7)))
    assert main([*words, "--images", str(folder / "images")]) == 2
    assert "cell_1.tif: an image of shape (1, 7, 7) does" in capsys.readouterr().err


def test_unknown_pixel_sizes_are_said_once(tmp_path, capsys):
    for name in ("a", "b", "c"):
        write_labels(tmp_path / f"labels/{name}.tif", touching_cells_2d(64)[1])
    words = ["measure", str(tmp_path / "labels"), "--output", str(tmp_path / "out")]
    assert main(words) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert "a.tif and 2 more do not say how large a pixel is" in note
