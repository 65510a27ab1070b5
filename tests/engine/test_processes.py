"""Two processes train what one does, and only the first of them writes."""

from __future__ import annotations

import subprocess
import sys

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


@pytest.fixture
def job(tmp_path) -> tuple[list[Pair], Workflow]:
    """Files of three images, and settings with the usual norm."""
    for seed in range(3):
        image, labels = touching_cells_2d(64, seed=seed)
        write_image(tmp_path / f"images/{seed}.tif", image[None])
        write_labels(tmp_path / f"labels/{seed}.tif", labels)
    workflow = Workflow(
        task=InstanceTask(channels="BC"),
        network=NetworkSettings(features=4, depth=1, normalization="batch"),
        data=DataSettings(patch=(32, 32), validation=0.3),
        train=TrainSettings(
            epochs=2, steps=3, batch_size=4, precision="float32", device="cpu",
            averaging=0.9, optimizer="sgd", learning_rate=0.1,
        ),  # Adam divides by the size of gradients, and so enlarges their rounding
    )  # fmt: skip
    return read_pairs(tmp_path / "images", tmp_path / "labels"), workflow


def test_two_processes_train_as_one(job, tmp_path):
    pairs, workflow = job
    workflow.to_yaml(tmp_path / "workflow.yaml")
    made = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"),
            *("--num_processes", "2", "--num_machines", "1"),
            *("--mixed_precision", "no", "--dynamo_backend", "no"),
            *("--main_process_port", "0", "-m", "napari_bioseg.cli", "train"),
            *("--images", tmp_path / "images", "--labels", tmp_path / "labels"),
            *("--model", tmp_path / "model"),
            *("--workflow", tmp_path / "workflow.yaml"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr.count("epoch 2/2") == 1  # one of them shows
    alone = list(train(pairs, workflow, folder=tmp_path / "alone"))
    together = read_log(tmp_path / "model")
    epochs = [event for event in alone if isinstance(event, EpochDone)]
    for row, event in zip(together, epochs, strict=True):
        assert row["training loss"] == pytest.approx(event.train_loss, rel=1e-5)
        assert row["validation loss"] == pytest.approx(event.validation_loss, rel=1e-5)
    weights = load_file(tmp_path / "model" / "weights.safetensors")
    for name, tensor in alone[-1].model.state_dict().items():
        assert torch.allclose(weights[name].to(tensor.dtype), tensor, atol=1e-5), name


def test_a_batch_that_cannot_be_shared_is_said(job, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(ValueError, match=r"batch_size = 4 cannot be shared.*3 proc"):
        next(train(*job))
