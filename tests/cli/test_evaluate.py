"""``evaluate``: labels in files compared with the truth."""

import json

import numpy as np
import pandas as pd
import pytest

from napari_bioseg.cli import main
from napari_bioseg.io import read_labels, write_labels
from napari_bioseg.measure import match, pool
from napari_bioseg.samples import touching_cells_2d


@pytest.fixture
def folders(tmp_path):
    """Two images; of the second, one object is missing and two are merged."""
    for name, seed in (("cell_1", 1), ("cell_2", 2)):
        truth = touching_cells_2d(96, seed=seed)[1]
        found = truth.copy()
        if name == "cell_2":
            found[found == 1] = 0
            found[found == 3] = 2
        write_labels(tmp_path / f"truth/{name}.tif", truth, spacing=(0.5, 0.5))
        write_labels(tmp_path / f"found/labels/{name}_out.tif", found)
    return tmp_path / "truth", tmp_path / "found"


def test_two_folders(folders, tmp_path, capsys):
    truth, found = folders
    out = tmp_path / "scores"
    words = ["evaluate", "--truth", str(truth), "--predicted", str(found)]
    assert main([*words, "--iou", "range", "--output", str(out), "--associations"]) == 0
    screen = capsys.readouterr().out
    assert "all images together" in screen
    assert "mean of the images" in screen
    assert "2 images" in screen
    each = pd.read_csv(out / "metrics_per_image.csv")
    assert set(each["image"]) == {"cell_1_out", "cell_2_out"}
    over = pd.read_csv(out / "metrics.csv")
    pairs = [
        (read_labels(truth / f"{n}.tif"), read_labels(found / f"labels/{n}_out.tif"))
        for n in ("cell_1", "cell_2")
    ]
    pooled = pool([match(*pair, 0.75) for pair in pairs])[0]
    row = over[(over["over"] == "all images together") & (over["threshold"] == 0.75)]
    assert row[["tp", "fp", "fn"]].to_numpy().tolist() == [
        [pooled.tp, pooled.fp, pooled.fn]
    ]
    assert row["f1"].item() == pytest.approx(pooled.f1, rel=1e-6)
    summary = json.loads((out / "metrics.json").read_text())
    assert len(summary["images"]) == 20
    assert 0 < summary["average_precision"]["all images together"] < 1
    assert (out / "charts/scores.png").read_bytes()[:4] == b"\x89PNG"
    mistakes = pd.read_csv(out / "associations/cell_2_out_mistakes.csv")
    assert set(mistakes["kind"]) == {"missed", "merged"}
    assert mistakes.loc[mistakes["kind"] == "merged", "truth"].tolist() == ["2 3"]
    picture = read_labels(out / "associations/cell_2_out.tif")
    assert (picture[pairs[1][0] == 1] == 2).all()
    # nothing is replaced without being told
    assert main([*words, "--output", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*words, "--output", str(out), "--overwrite", "--quiet"]) == 0
    assert len(pd.read_csv(out / "metrics.csv")) == 6
    assert capsys.readouterr().out == ""


def test_two_files_and_patches(folders, capsys):
    truth, found = folders
    files = [
        *("--truth", str(truth / "cell_1.tif")),
        *("--predicted", str(found / "labels/cell_1_out.tif")),
    ]
    assert main(["evaluate", *files, "--iou", "0.5", "--patch", "48,48"]) == 0
    out = capsys.readouterr().out
    assert "1 image in 4 patches" in out
    assert "1.0000" in out


def test_classes(tmp_path, capsys):
    truth = np.array([[0, 1, 1, 2], [0, 1, 255, 2]])
    found = np.array([[0, 1, 2, 2], [0, 1, 0, 2]])
    write_labels(tmp_path / "a.tif", truth)
    write_labels(tmp_path / "b.tif", found)
    files = [
        *("--truth", str(tmp_path / "a.tif")),
        *("--predicted", str(tmp_path / "b.tif")),
    ]
    words = ["evaluate", *files, "--semantic", "--ignore", "255"]
    out = tmp_path / "out"
    assert main([*words, "--classes", "1,2", "--output", str(out)]) == 0
    assert "0.8571" in capsys.readouterr().out  # 6 of 7 pixels are right
    table = pd.read_csv(out / "metrics_per_image.csv")
    assert table["class"].tolist() == [1, 2]
    assert table["iou"].tolist() == pytest.approx([2 / 3, 2 / 3])
    confusion = pd.read_csv(out / "confusion.csv")
    assert confusion["true class"].tolist() == [0, 1, 2]
    assert confusion["predicted 2"].tolist() == [0, 1, 2]


def test_images_without_objects(tmp_path, capsys):
    for name in ("a", "b"):
        write_labels(tmp_path / f"{name}.tif", np.zeros((8, 8), int))
    words = ["--truth", str(tmp_path / "a.tif"), "--predicted", str(tmp_path / "b.tif")]
    out = tmp_path / "out"
    assert main(["evaluate", *words, "--output", str(out), "--associations"]) == 0
    assert "1.0000" in capsys.readouterr().out
    assert len(pd.read_csv(out / "associations/b_mistakes.csv")) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--iou", "2"], "overlaps are above 0 up to 1"),
        (["--iou", "high"], "write numbers above 0"),
        (["--classes", "1"], "add --semantic"),
        (["--semantic", "--classes", "one"], "write whole numbers"),
        (["--associations"], "needs a folder to write to"),
        (["--semantic", "--associations", "--output", "x"], "is about objects"),
        (["--truth", "nowhere"], "there is no file or folder nowhere"),
        (["--patch", "4,4,4,4"], "does not fit images of shape"),
    ],
)
def test_faults(folders, capsys, words, message):
    truth, found = folders
    given = ["--truth", str(truth), "--predicted", str(found), *words]
    assert main(["evaluate", *given]) == 2
    error = capsys.readouterr().err
    assert error.startswith("napari-bioseg evaluate: error: ")
    assert message in error


def test_what_does_not_match(folders, tmp_path, capsys):
    truth, found = folders
    words = ["--truth", str(truth), "--predicted", str(found / "labels/cell_1_out.tif")]
    assert main(["evaluate", *words]) == 2
    assert "give two files or two folders" in capsys.readouterr().err
    write_labels(found / "labels/cell_2_out.tif", np.zeros((5, 5), int))
    words = ["--truth", str(truth), "--predicted", str(found)]
    assert main(["evaluate", *words]) == 2
    assert "have the size (5, 5), the true labels" in capsys.readouterr().err
    write_labels(
        found / "labels/cell_1_out.tif", np.zeros((96, 96), int), spacing=(1, 1)
    )
    (found / "labels/cell_2_out.tif").unlink()
    one = [str(truth / "cell_1.tif"), str(found / "labels/cell_1_out.tif")]
    assert main(["evaluate", "--truth", one[0], "--predicted", one[1]]) == 0
    assert "compared pixel by pixel" in capsys.readouterr().err
    assert main(["evaluate", *words]) == 2
    assert "no image for cell_1.tif, cell_2.tif" in capsys.readouterr().err
