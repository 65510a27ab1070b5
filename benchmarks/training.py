"""What the engine adds to bare training and bare prediction.

Run ``python benchmarks/training.py``. Training: steps of `train` beside a plain torch
loop with the same network, loss and optimiser on patches that are already cut and
augmented; the two take turns, so that other work on the machine hits both alike. The
data pipeline alone is timed too. Prediction: tiles of a large image by `predict_tiles`
beside the bare network on the same tiles in memory, already normalised.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from napari_bioseg.engine import Model, Pair, predict_tiles, train
from napari_bioseg.engine.batch import draw_batch, epoch_order, to_device
from napari_bioseg.engine.choose_tiles import choose_tiling
from napari_bioseg.engine.loss import Loss
from napari_bioseg.engine.memory import keep_freed_memory
from napari_bioseg.engine.model import run_network
from napari_bioseg.engine.normalize import scale_of
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.engine.precision import autocast
from napari_bioseg.settings import PredictSettings, TrainedOn, Workflow


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def training(rounds: int) -> None:
    """Compare a step of `train` with a bare one."""
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(8):
        labels = np.kron(rng.integers(0, 9, (32, 32)), np.ones((16, 16), int))
        image = rng.normal(50, 10, labels.shape) + 20 * labels
        pairs.append(Pair(image.clip(0, 255).astype(np.uint8), labels))
    workflow = Workflow.preset("fast")
    workflow = workflow.replace(train=workflow.train.replace(steps=100))
    plan = make_plan(pairs, workflow)
    order = epoch_order(plan, 1)
    model = Model.create(plan.workflow)
    model.network.train()
    loss = Loss(model)
    batches = [to_device(draw_batch(plan, order, 1, n), model) for n in range(8)]
    optimizer = torch.optim.AdamW(model.network.parameters(), fused=True)

    def bare(number: int) -> None:
        images, targets = batches[number % len(batches)]
        optimizer.zero_grad(set_to_none=True)
        with autocast(model.device, workflow.train, model.dimensions):
            logits = model.network(images)
        value = loss(logits.float(), targets)
        value.backward()
        optimizer.step()
        float(value.detach())

    events = train(pairs, workflow)
    next(events)
    ours, plain, data = [], [], []
    with keep_freed_memory():
        for number in range(rounds + 2):
            ours.append(seconds(lambda: next(events)))
            plain.append(seconds(lambda n=number: bare(n)))
            data.append(
                seconds(
                    lambda n=number: to_device(draw_batch(plan, order, 1, n), model)
                )
            )
    events.close()
    step, base, cut = (statistics.median(t[2:]) for t in (ours, plain, data))
    print(
        f"patch {plan.patch}, batch {workflow.train.batch_size}, "
        f"{torch.get_num_threads()} threads"
    )
    print(f"step of train      {step * 1e3:7.1f} ms")
    print(f"bare torch step    {base * 1e3:7.1f} ms, ratio {base / step:.3f}")
    print(
        f"data of one step   {cut * 1e3:7.1f} ms, {base / cut:.0f} times the network's "
        "rate"
    )


def prediction(rounds: int) -> None:
    """Compare tiles of `predict_tiles` with the bare network on the same tiles."""
    workflow = Workflow.preset("fast").replace(trained=TrainedOn())
    model = Model.create(workflow)
    image = np.random.default_rng(0).integers(0, 255, (1, 2000, 2000)).astype(np.uint8)
    settings = PredictSettings(tile=(512, 512), device="cpu")
    tiling = choose_tiling(image.shape[1:], [model], settings)
    scale = scale_of(image, workflow.data.normalization)
    tiles = [
        scale(image[(slice(None), *tiling.read(index))]) for index in tiling.indices()
    ]
    ours, plain = [], []
    for _ in range(rounds):
        with keep_freed_memory():
            plain.append(seconds(lambda: [run_network(model, tile) for tile in tiles]))
        ours.append(seconds(lambda: list(predict_tiles(image, model, settings))))
    fast, slow = min(plain), min(ours)
    print(f"\n{len(tiles)} tiles of 2000 x 2000 px")
    print(f"predict_tiles      {slow:7.2f} s")
    print(f"bare network       {fast:7.2f} s, ratio {fast / slow:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    training(arguments.rounds)
    prediction(max(3, arguments.rounds // 10))


if __name__ == "__main__":
    main()
