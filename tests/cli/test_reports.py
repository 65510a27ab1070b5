"""The folder that ``run`` writes: labels, measurements, scores, seeds, charts."""

import json

import numpy as np
import pandas as pd
import pytest

from napari_bioseg.cli import main
from napari_bioseg.io import read_labels, write_image, write_labels
from napari_bioseg.measure import match, properties
from napari_bioseg.samples import touching_cells_2d

TINY = [
    *("--network.features", "4", "--network.depth", "1", "--train.epochs", "1"),
    *("--train.steps", "4", "--train.device", "cpu", "--predict.device", "cpu"),
]
LOW = ["--instances.seed-binary", "0.3", "--instances.foreground-binary", "0.3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two images, their truth, a region each, and a model that saw them briefly."""
    folder = tmp_path_factory.mktemp("run")
    for name, seed in (("cell_1", 1), ("cell_2", 2)):
        image, labels = touching_cells_2d(64, seed=seed)
        file = folder / f"images/{name}.tif"
        write_image(file, image[None], spacing=(0.5, 0.5), unit="um")
        write_labels(folder / f"truth/{name}_mask.tif", labels)
        half = np.zeros((64, 64), int)
        half[:, :32] = 1
        write_labels(folder / f"regions/{name}.tif", half)
    words = ["--images", str(folder / "images"), "--labels", str(folder / "truth")]
    assert main(["train", *words, "--model", str(folder / "model"), *TINY[:-2]]) == 0
    return folder


def run(folder, out, *words):
    images = [str(folder / "images"), "--output", str(folder / out)]
    return main(["run", "--model", str(folder / "model"), *images, *LOW, *words])


def test_everything(folder, capsys):
    truth = ["--truth", str(folder / "truth")]
    assert run(folder, "all", *truth, "--seeds") == 0
    out = folder / "all"
    assert sorted(path.name for path in out.iterdir()) == [
        "associations",
        "charts",
        "foreground",
        "labels",
        "measurements",
        "measurements.csv",
        "metrics.csv",
        "metrics.json",
        "metrics_per_image.csv",
        "predictions",
        "seeds",
        "workflow.yaml",
    ]
    screen = capsys.readouterr().out
    assert "all images together" in screen
    table = pd.read_csv(out / "metrics_per_image.csv")
    measured = pd.read_csv(out / "measurements.csv")
    for name in ("cell_1", "cell_2"):
        labels = read_labels(out / f"labels/{name}.tif")
        wanted = match(read_labels(folder / f"truth/{name}_mask.tif"), labels, 0.5)[0]
        row = table[(table["image"] == name) & (table["threshold"] == 0.5)]
        assert row[["tp", "fp", "fn"]].to_numpy().tolist() == [
            [wanted.tp, wanted.fp, wanted.fn]
        ]
        areas = measured.loc[measured["image"] == name, "area"]
        assert areas.tolist() == properties(labels, spacing=(0.5, 0.5))["area"].tolist()
        assert read_labels(out / f"foreground/{name}.tif").max() == 1
        seeds = read_labels(out / f"seeds/{name}.tif")
        assert set(np.unique(labels)) <= set(np.unique(seeds))
        assert (out / f"associations/{name}.tif").exists()
    assert len(json.loads((out / "metrics.json").read_text())["images"]) == 6
    for chart in ("scores", "sizes"):
        assert (out / f"charts/{chart}.png").read_bytes()[:4] == b"\x89PNG"
    # a second run replaces nothing, and goes on where one was interrupted
    before = (out / "labels/cell_1.tif").stat().st_mtime_ns
    assert run(folder, "all", *truth) == 2
    assert "exists already" in capsys.readouterr().err
    (out / "labels/cell_2.tif").unlink()
    (out / "measurements.csv").unlink()
    assert run(folder, "all", *truth, "--seeds", "--resume") == 0
    assert (out / "labels/cell_1.tif").stat().st_mtime_ns == before
    again = pd.read_csv(out / "measurements.csv")
    pd.testing.assert_frame_equal(again, measured)


def test_little(folder):
    assert run(folder, "few", "--labels-only", "--no-measurements") == 0
    assert sorted(path.name for path in (folder / "few").iterdir()) == [
        "labels",
        "workflow.yaml",
    ]


def test_region_of_interest_and_brightness(folder, capsys):
    steps = "--cleanup.steps"
    roi = ["--roi", str(folder / "regions"), steps, "roi"]
    assert run(folder, "part", "--labels-only", *roi) == 0
    labels = read_labels(folder / "part/labels/cell_1.tif")
    assert not labels[:, 32:].any()
    alone = ["--labels-only", steps, "roi"]
    assert run(folder, "none", *alone) == 2
    assert "needs a region of interest" in capsys.readouterr().err
    dark = [steps, "remove_by_properties conditions=max_intensity<1e9"]
    assert run(folder, "dark", *dark) == 0
    assert not read_labels(folder / "dark/labels/cell_1.tif").any()
    assert pd.read_csv(folder / "dark/measurements.csv").empty
    # the same from the channels, which know no brightness
    channels = [str(folder / "dark/predictions"), "--output", str(folder / "again")]
    assert main(["segment", *channels]) == 2
    assert "needs an image" in capsys.readouterr().err
    plain = [
        *channels,
        "--overwrite",
        "--cleanup.steps",
        "roi",
        "--roi",
        str(folder / "regions"),
    ]
    assert main(["segment", *plain]) == 0
    labels = read_labels(folder / "again/labels/cell_2.tif")
    assert labels.any()
    assert not labels[:, 32:].any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "--labels-only"], "--seeds needs the channels"),
        (["--truth", "nowhere"], "the folder nowhere does not exist"),
        (["--truth", "regions"], "no true labels for cell_1"),
        (["--roi", "regions", "--cleanup.steps", "roi"], "no region of interest"),
    ],
)
def test_faults(folder, tmp_path, capsys, words, message):
    (tmp_path / "regions").mkdir()
    write_labels(tmp_path / "regions/other.tif", np.zeros((64, 64), int))
    given = [str(tmp_path / w) if w == "regions" else w for w in words]
    assert run(folder, tmp_path / "out", *given) == 2
    assert message in capsys.readouterr().err
