"""Small images of disks, and settings that train on them in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bioseg.engine import Pair
from napari_bioseg.settings import (
    DataSettings,
    InstanceTask,
    NetworkSettings,
    TrainSettings,
    Workflow,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Compute with one thread: several wait for each other on a busy machine.

    Set for each test, as another one, of a panel say, may have set it otherwise.
    """
    torch.set_num_threads(1)


@pytest.fixture
def disks() -> Callable[..., Pair]:
    """Make a noisy image of bright disks (balls in 3-D) and its labels."""

    def make(size: tuple[int, ...] = (64, 64), seed: int = 0, count: int = 6) -> Pair:
        rng = np.random.default_rng(seed)
        labels = np.zeros(size, np.int32)
        grid = np.indices(size)
        for label in range(1, count + 1):
            centre = [rng.integers(4, max(5, length - 4)) for length in size]
            distance = sum(
                (axis - at) ** 2 for axis, at in zip(grid, centre, strict=True)
            )
            labels[distance < 36] = label
        image = rng.normal(50, 10, size) + 100 * (labels > 0)
        return Pair(image.clip(0, 255).astype(np.uint8), labels, name=f"disks {seed}")

    return make


@pytest.fixture
def tiny() -> Workflow:
    """Settings that train in about a second."""
    return Workflow(
        task=InstanceTask(channels="BC"),
        network=NetworkSettings(features=4, depth=2),
        data=DataSettings(patch=(32, 32), validation=0.3),
        train=TrainSettings(epochs=2, steps=3, batch_size=2, device="cpu"),
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Remember limits of memory in a folder of this test alone."""
    monkeypatch.setenv("NAPARI_BIOSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
