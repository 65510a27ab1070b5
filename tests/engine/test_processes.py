"""Two processes train what one does, and only the first of them writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from napari_bioseg.engine import EpochDone, Pair, train
from napari_bioseg.io import read_log, read_pairs, write_image, write_labels
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import (
    DataSettings,
    InstanceTask,
    NetworkSettings,
    TrainSettings,
    Workflow,
)

from . import one_of_two


def make_job(folder: Path) -> tuple[list[Pair], Workflow]:
    """Files of three images, and settings with the usual norm."""
    for seed in range(3):
        image, labels = touching_cells_2d(64, seed=seed)
        write_image(folder / f"images/{seed}.tif", image[None])
        write_labels(folder / f"labels/{seed}.tif", labels)
    workflow = Workflow(
        task=InstanceTask(channels="BCD"),
        network=NetworkSettings(features=4, depth=1, normalization="batch"),
        data=DataSettings(patch=(32, 32), validation=0.3),
        train=TrainSettings(
            epochs=2, steps=3, batch_size=4, precision="float32", device="cpu",
            averaging=0.9, optimizer="sgd", learning_rate=0.1,
        ),  # Adam divides by the size of gradients, and so enlarges their rounding
    )  # fmt: skip
    return read_pairs(folder / "images", folder / "labels"), workflow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where two processes have trained together."""
    folder = tmp_path_factory.mktemp("together")
    make_job(folder)[1].to_yaml(folder / "workflow.yaml")
    made = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"),
            *("--num_processes", "2", "--num_machines", "1"),
            *("--mixed_precision", "no", "--dynamo_backend", "no"),
            *("--main_process_port", "0", one_of_two.__file__, folder, "train"),
            *("--images", folder / "images", "--labels", folder / "labels"),
            *("--model", folder / "model", "--workflow", folder / "workflow.yaml"),
        ],
        env={**os.environ, "NAPARI_BIOSEG_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr.count("epoch 2/2") == 1  # one of them shows
    return folder


def test_two_processes_train_as_one(folder, tmp_path):
    pairs, workflow = make_job(tmp_path)
    alone = list(train(pairs, workflow, folder=tmp_path / "alone"))
    together = read_log(folder / "model")
    epochs = [event for event in alone if isinstance(event, EpochDone)]
    for row, event in zip(together, epochs, strict=True):
        assert row["training loss"] == pytest.approx(event.train_loss, rel=1e-5)
        assert row["validation loss"] == pytest.approx(event.validation_loss, rel=1e-5)
    weights = load_file(folder / "model" / "weights.safetensors")
    for name, tensor in alone[-1].model.state_dict().items():
        assert torch.allclose(weights[name].to(tensor.dtype), tensor, atol=1e-5), name


def test_two_processes_outlast_full_memory(folder):
    first, second = (json.loads((folder / f"{n}.json").read_text()) for n in (0, 1))
    assert first == second
    # the same parts of the same batches as in one process that ran out of memory
    alone = one_of_two.with_little_memory(forward=1, backward=3)
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    ran_out = ["memory ran out" in said for said in first["warnings"]]
    assert ran_out == [True, True, False]


def test_two_processes_go_by_one_clock(folder):
    first, second = (json.loads((folder / f"{n}.json").read_text()) for n in (0, 1))
    assert first["rates"] == second["rates"]
    assert len(set(first["rates"])) == 3  # they follow the clock


def test_a_batch_that_cannot_be_shared_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(ValueError, match=r"batch_size = 4 cannot be shared.*3 proc"):
        next(train(*make_job(tmp_path)))
