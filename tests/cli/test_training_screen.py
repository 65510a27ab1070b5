"""What training says before, during and after, and what it leaves."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from napari_bioseg.cli import main
from napari_bioseg.io import read_log, write_image, write_labels
from napari_bioseg.samples import touching_cells_2d

TINY = [
    *("--network.features", "4", "--network.depth", "1", "--data.patch", "32,32"),
    *("--train.epochs", "2", "--train.steps", "2", "--train.batch-size", "2"),
    *("--train.device", "cpu"),
]


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> list[str]:
    """A command that trains on two small images."""
    folder = tmp_path_factory.mktemp("screen")
    for seed in range(2):
        image, labels = touching_cells_2d(64, seed=seed)
        write_image(folder / f"images/{seed}.tif", image[None])
        write_labels(folder / f"labels/{seed}.tif", labels)
    folders = ["--images", str(folder / "images"), "--labels", str(folder / "labels")]
    return ["train", *folders, "--model", str(folder / "model"), *TINY]


def test_time_and_memory_are_said_before_and_the_report_after(words, tmp_path, capsys):
    model = tmp_path / "model"
    command = [*words, "--model", str(model), "--train.monitor", "IoU"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert "per epoch, at most" in shown.err
    assert "GB of memory" in shown.err
    assert "epoch 2/2: loss" in shown.err
    assert ", IoU 0." in shown.err
    assert f"curves and sample predictions: {model / 'report.html'}" in shown.out
    assert [row["epoch"] for row in read_log(model)] == [1, 2]
    assert main([*command, "--resume", "--train.epochs", "3"]) == 0
    said = capsys.readouterr().err
    assert "note: training goes on with train.epochs = 3 instead of 2" in said
    assert [row["epoch"] for row in read_log(model)] == [1, 2, 3]


def test_learning_rates_are_tried_without_training(words, tmp_path, capsys):
    model = tmp_path / "model"
    assert main([*words, "--model", str(model), "--find-learning-rate"]) == 0
    shown = capsys.readouterr().out
    assert "suggested: --train.learning-rate 0." in shown
    assert not model.exists()


def test_half_numbers_need_a_gpu(words, tmp_path, capsys):
    model = ["--model", str(tmp_path / "model")]
    assert main([*words, *model, "--train.precision", "float16"]) == 2
    assert "'float16' needs a CUDA GPU" in capsys.readouterr().err


def test_a_stop_in_the_first_epoch_keeps_the_model_that_was_there(
    words, tmp_path, capsys, monkeypatch
):
    folder = tmp_path / "model"
    assert main([*words, "--model", str(folder)]) == 0
    weights = (folder / "weights.safetensors").read_bytes()

    @contextmanager
    def at_once():
        yield lambda: True

    monkeypatch.setattr("napari_bioseg.cli.training_screen.asked_to_stop", at_once)
    assert main([*words, "--model", str(folder), "--overwrite"]) != 0
    assert "before the end of the first epoch" in capsys.readouterr().err
    assert (folder / "weights.safetensors").read_bytes() == weights
