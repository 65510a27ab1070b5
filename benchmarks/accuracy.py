"""How well objects and classes are found on held-out images, and what that takes.

Run ``python benchmarks/accuracy.py --steps 2000``: figures for so many optimiser steps
do not depend on how busy the machine is; ``--minutes`` instead shows what a user gets
for so much time. Everything comes from a preset, nothing is tuned by hand.

- ``nuclei``: dsb2018_fluo, BC and BCD, 2-D, beside the classical way: Otsu's threshold
  and a watershed, with the parameters that did best on training images.
- ``volumes``: gonuclear_ovule3d, BCD, 3-D, z 2.24 times as coarse as y and x.
- ``classes``: axonsem_3class, background, myelin and axons.

Objects: TP / (TP + FP + FN) at several overlaps, averaged over images and pooled.
Classes: intersection over union and Dice over all test pixels.
"""

from __future__ import annotations

# isort: off
import napari_bioseg.engine  # noqa: F401  (before torch: it decides how threads wait)
# isort: on

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import watershed

from napari_bioseg.channels import Prediction, classify, decode
from napari_bioseg.cleanup import apply
from napari_bioseg.engine import (
    EpochDone,
    Model,
    Pair,
    StepDone,
    Trained,
    predict_tiles,
    train,
)
from napari_bioseg.io import read_pairs
from napari_bioseg.measure import match, overlap, pool
from napari_bioseg.settings import InstanceTask, SemanticTask, Task, Workflow
from timing import machine

DATA = Path(__file__).parents[2] / "shared" / "data"
IOU = (0.5, 0.75)
STEPS_PER_EPOCH = 100
CLASSES = ("background", "myelin", "axon")
Segment = Callable[[Pair], NDArray[np.integer]]


def learn(
    pairs: Sequence[Pair], task: Task, arguments: argparse.Namespace, batch: int
) -> tuple[Model, str]:
    """Train with a preset for so many steps or minutes; say what it took."""
    workflow = Workflow.preset(arguments.preset, task)
    settings = workflow.train.replace(
        seed=arguments.seed, batch_size=batch, device=arguments.device
    )
    if arguments.steps:
        per_epoch = min(STEPS_PER_EPOCH, arguments.steps)
        settings = settings.replace(
            steps=per_epoch, epochs=-(-arguments.steps // per_epoch), patience=0
        )
    else:
        settings = settings.replace(minutes=arguments.minutes, epochs=10_000)
    wall, processor, steps = time.perf_counter(), time.process_time(), 0
    for event in train(pairs, workflow.replace(train=settings)):
        steps += isinstance(event, StepDone)
        if isinstance(event, EpochDone):
            scores = ", ".join(f"{k} {v:.3f}" for k, v in event.metrics.items())
            print(
                f"  epoch {event.epoch}: {event.seconds:.0f} s, training "
                f"{event.train_loss:.4f}, validation {event.validation_loss:.4f}, "
                f"{scores}",
                flush=True,
            )
    assert isinstance(event, Trained)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return event.model, (
        f"{steps} steps of {batch} patches, {wall / 60:.1f} min "
        f"({processor / 60:.1f} min of processor time), best epoch {event.best_epoch}"
    )


def channel_first(pair: Pair) -> NDArray[np.generic]:
    return pair.image if pair.has_channel_axis else pair.image[np.newaxis]


def predicted(pair: Pair, model: Model) -> Prediction:
    *_, done = predict_tiles(channel_first(pair), model, model.workflow.predict)
    return Prediction(done.data, model.outputs, pair.pixel_size)


def segment_with(model: Model) -> Segment:
    def segment(pair: Pair) -> NDArray[np.integer]:
        instances = decode(predicted(pair, model), model.workflow.instances)
        return apply(instances.labels, model.workflow.cleanup.steps)

    return segment


def score(pairs: Sequence[Pair], segment: Segment, iou: Sequence[float]) -> list[float]:
    """Return accuracy per image at every overlap, then pooled at every overlap."""
    found = [match(pair.labels, segment(pair), iou=iou) for pair in pairs]
    means = [float(np.mean([m[i].accuracy for m in found])) for i in range(len(iou))]
    return means + [m.accuracy for m in pool(found)]


def classical(smoothing: float, distance: int) -> Segment:
    """Otsu's threshold, then a watershed from the peaks of the smoothed distance."""

    def segment(pair: Pair) -> NDArray[np.integer]:
        plane = channel_first(pair)[0]
        mask = ndimage.binary_fill_holes(plane > threshold_otsu(plane))
        depth = gaussian(ndimage.distance_transform_edt(mask), smoothing)
        peaks = peak_local_max(
            depth,
            min_distance=distance,
            labels=ndimage.label(mask)[0],
            exclude_border=False,
        )
        seeds = np.zeros(plane.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        labels = watershed(-depth, seeds, mask=mask)
        return np.where(np.bincount(labels.ravel())[labels] >= 20, labels, 0)

    return segment


def best_classical(pairs: Sequence[Pair]) -> tuple[Segment, str]:
    """Choose the parameters that find most on every fourth training image."""
    choices = list(itertools.product((1.0, 2.0), (5, 7, 10)))
    scores = {c: sum(score(pairs[::4], classical(*c), IOU)[:2]) for c in choices}
    smoothing, distance = max(scores, key=scores.__getitem__)
    name = f"Otsu + watershed (sigma {smoothing:g}, peaks {distance} px apart)"
    return classical(smoothing, distance), name


def halves(folder: Path) -> tuple[list[Pair], list[Pair]]:
    training, test = (
        read_pairs(folder / part / "images", folder / part / "labels")
        for part in ("train", "test")
    )
    return list(training), list(test)


def print_scores(rows: Sequence[tuple[str, Sequence[float], str]]) -> None:
    heads = [
        f"AP{100 * iou:.0f} {how}" for how in ("per image", "pooled") for iou in IOU
    ]
    print(f"\n| | {' | '.join(heads)} | |\n|---|{'---|' * (len(heads) + 1)}")
    for name, values, note in rows:
        cells = " | ".join(f"{value:.3f}" for value in values)
        print(f"| {name} | {cells} | {note} |")


def nuclei(arguments: argparse.Namespace) -> None:
    """Touching nuclei in 2-D."""
    training, test = halves(arguments.data / "dsb2018_fluo")
    print(f"dsb2018_fluo: {len(training)} training images, {len(test)} test images")
    segment, name = best_classical(training)
    rows = [(name, score(test, segment, IOU), "no training")]
    for channels in arguments.channels or ("BC", "BCD"):
        print(f"learning {channels}")
        task = InstanceTask(channels=channels)
        model, note = learn(training, task, arguments, arguments.batch or 8)
        values = score(test, segment_with(model), IOU)
        rows.append((f"{channels}, preset {arguments.preset}", values, note))
    print_scores(rows)


def is_noise(pair: Pair) -> bool:
    """Tell volumes whose neighbouring voxels have nothing in common.

    Three of the training crops were cut to 8 bits by overflow and show no nuclei.
    """
    image = channel_first(pair)[0].astype(np.float32)
    alike = np.corrcoef(image[..., 1:].ravel(), image[..., :-1].ravel())[0, 1]
    return bool(alike < 0.3)


def volumes(arguments: argparse.Namespace) -> None:
    """Nuclei in 3-D."""
    folder = arguments.data / "gonuclear_ovule3d"
    sizes = json.loads((folder / "manifest.json").read_text())
    parts = [
        [
            Pair(
                pair.image,
                pair.labels,
                pair.name,
                tuple(sizes[f"{part}/{pair.name}"]["voxel_um_zyx"]),
            )
            for pair in half
        ]
        for part, half in zip(("train", "test"), halves(folder), strict=True)
    ]
    left_out = [pair.name for pair in parts[0] if is_noise(pair)]
    training = [pair for pair in parts[0] if pair.name not in left_out]
    print(f"gonuclear_ovule3d: {len(training)} training, {len(parts[1])} test volumes")
    if left_out:
        print(f"  left out, noise instead of nuclei: {', '.join(left_out)}")
    rows = []
    for channels in arguments.channels or ("BCD",):
        print(f"learning {channels}")
        task = InstanceTask(channels=channels)
        model, note = learn(training, task, arguments, arguments.batch or 2)
        values = score(parts[1], segment_with(model), IOU)
        rows.append((f"{channels}, preset {arguments.preset}", values, note))
    print_scores(rows)


def classes(arguments: argparse.Namespace) -> None:
    """Myelin and axons."""
    training, test = halves(arguments.data / "axonsem_3class")
    print(f"axonsem_3class: {len(training)} training images, {len(test)} test images")
    task = SemanticTask(classes=len(CLASSES))
    model, note = learn(training, task, arguments, arguments.batch or 2)
    found = [classify(predicted(p, model), model.workflow.semantic) for p in test]
    truth = np.concatenate([pair.labels.ravel() for pair in test])
    found = np.concatenate([labels.ravel() for labels in found])
    result = overlap(truth, found, len(CLASSES))
    print(f"preset {arguments.preset}: {note}\n\n| class | IoU | Dice |\n|---|---|---|")
    for value, name in enumerate(CLASSES):
        print(f"| {name} | {result.iou[value]:.3f} | {result.dice[value]:.3f} |")
    print(f"| mean | {result.mean_iou:.3f} | |")
    print(f"right pixels: {result.pixel_accuracy:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    calls = {"nuclei": nuclei, "volumes": volumes, "classes": classes}
    parser.add_argument("what", nargs="*", help=", ".join(calls))
    parser.add_argument("--steps", type=int, help="optimiser steps, 2000 if not given")
    parser.add_argument("--minutes", type=float, help="train by time instead")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--batch", type=int, help="patches per step")
    parser.add_argument("--channels", nargs="+", help="instead of the usual ones")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    unknown = set(arguments.what) - set(calls)
    if unknown or (arguments.steps and arguments.minutes):
        parser.error(f"choose of {', '.join(calls)}, and --steps or --minutes")
    if not arguments.minutes:
        arguments.steps = arguments.steps or 2000
    torch.set_num_threads(arguments.threads)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"{machine()}, {gpu}, {torch.get_num_threads()} threads")
    for name in arguments.what or calls:
        print()
        calls[name](arguments)


if __name__ == "__main__":
    main()
