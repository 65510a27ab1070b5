"""How many patches a second the data pipeline gives, beside what a network eats.

Run ``python benchmarks/feeding.py``. Patches are read, normalised, changed and stacked
as training does it, by one thread; the network takes training steps (forward, backward,
optimiser) with all threads of torch on one batch in memory. Both take turns, and the
fastest of several rounds counts, so that other work on the machine hits both alike.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import zarr

from napari_bioseg.engine import Model, Pair
from napari_bioseg.engine.batch import draw_batch, epoch_order, to_device
from napari_bioseg.engine.loss import Loss
from napari_bioseg.engine.memory import keep_freed_memory
from napari_bioseg.engine.plan import Plan, make_plan
from napari_bioseg.engine.precision import autocast
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import AugmentSettings, InstanceTask, Workflow
from timing import machine, table

GEOMETRY = AugmentSettings(turn=180, zoom=0.3, shear=10, shift=0.1, elastic=4, chance=1)
EVERYTHING = GEOMETRY.replace(
    blur=2, gamma=0.5, cutout=0.3, channel_dropout=0.3, missing_sections=0.1
)
CHANGES = {
    "none": AugmentSettings(
        flips=False, rotations=False, brightness=0, contrast=0, noise=0
    ),
    "defaults": AugmentSettings(),
    "all of geometry, every patch": GEOMETRY,
    "everything, every patch": EVERYTHING,
}


def network_seconds(plan: Plan, rounds: int) -> float:
    """Return seconds of network per patch."""
    workflow = plan.workflow
    model = Model.create(workflow)
    model.network.train()
    loss = Loss(model)
    optimizer = torch.optim.AdamW(model.network.parameters(), fused=True)
    batch = draw_batch(plan, epoch_order(plan, 1), 1, 0)
    images, targets = to_device(batch, model)
    best = np.inf
    with keep_freed_memory():
        for _ in range(rounds):
            began = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            with autocast(model.device, workflow.train):
                logits = model.network(images)
            loss(logits.float(), targets).backward()
            optimizer.step()
            best = min(best, time.perf_counter() - began)
    return best / len(batch)


def data_seconds(plan: Plan, rounds: int) -> tuple[float, float]:
    """Return wall and processor seconds of data per patch, in one thread."""
    order = epoch_order(plan, 1)
    size = plan.workflow.train.batch_size
    wall = processor = np.inf
    draw_batch(plan, order, 1, 0)
    for number in range(rounds):
        began, used = time.perf_counter(), time.thread_time()
        batch = draw_batch(plan, order, 1, number % plan.steps)
        np.stack([image for image, _ in batch])
        np.stack([target for _, target in batch])
        wall = min(wall, (time.perf_counter() - began) / size)
        processor = min(processor, (time.thread_time() - used) / size)
    return wall, processor


def on_disk(folder: Path, name: str, array: np.ndarray) -> zarr.Array:
    """Store an array in chunks of about a patch, compressed."""
    chunks = tuple(min(n, 64 if array.ndim == 3 else 128) for n in array.shape)
    stored = zarr.create_array(
        folder / name, shape=array.shape, chunks=chunks, dtype=array.dtype
    )
    stored[:] = array
    return stored


def cases(folder: Path) -> list[tuple[str, Pair]]:
    """Return the training images: in memory and on disk."""
    flat = touching_cells_2d(1024, seed=1)
    deep = touching_cells_3d((64, 160, 160), seed=1)
    spacing = (2.0, 1.0, 1.0)
    return [
        ("2-D, memory", Pair(*flat)),
        ("2-D, zarr", Pair(*(on_disk(folder, f"2{n}", a) for n, a in enumerate(flat)))),
        ("3-D, memory", Pair(*deep, spacing=spacing)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--channels", default="BC")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, pair in cases(Path(folder)):
            base = Workflow.preset("fast", InstanceTask(channels=arguments.channels))
            size = 2 if pair.dimensions == 3 else 8
            base = base.replace(train=base.train.replace(steps=16, batch_size=size))
            plan = make_plan([pair], base)
            network = network_seconds(plan, max(3, arguments.rounds // 2))
            for changes, settings in CHANGES.items():
                changed = make_plan([pair], base.replace(augment=settings))
                wall, processor = data_seconds(changed, arguments.rounds)
                rows.append(
                    (
                        f"{name} {'x'.join(map(str, plan.patch))}",
                        changes,
                        f"{1e3 * processor:.2f}",
                        f"{1 / wall:.0f}",
                        f"{1 / network:.1f}",
                        f"{network / wall:.0f}",
                    )
                )
    head = ("images", "changes", "ms a patch", "patches/s", "network's", "times")
    print(
        f"{machine()}, {torch.get_num_threads()} threads of torch, {arguments.channels}"
    )
    print(table(head, rows))


if __name__ == "__main__":
    main()
