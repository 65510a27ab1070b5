"""How well nuclei are found after some minutes of training on this machine.

Run ``python benchmarks/accuracy_dsb2018.py --minutes 2 5 10``. For each budget a
network learns BC from the 437 training images of the 2018 Data Science Bowl pack
(fluorescence, beside the checkout), segments the 52 test images with the settings that
a user gets, and is scored beside the classical way: Otsu's threshold and a watershed of
the distance to the background, with the parameters that did best on training images.
Accuracy is TP / (TP + FP + FN), averaged over images and pooled.
"""

from __future__ import annotations

import argparse
import itertools
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

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.cleanup import apply
from napari_bioseg.engine import (
    EpochDone,
    Pair,
    StepDone,
    Trained,
    predict_tiles,
    train,
)
from napari_bioseg.io import read_pairs
from napari_bioseg.measure import match, pool
from napari_bioseg.settings import Workflow

DATA = Path(__file__).parents[2] / "shared" / "data" / "dsb2018_fluo"
IOU = (0.5, 0.75)
Segment = Callable[[NDArray[np.uint8]], NDArray[np.integer]]


def score(pairs: Sequence[Pair], segment: Segment) -> list[float]:
    """Return accuracy per image at both overlaps, then pooled at both."""
    found = [match(pair.labels, segment(pair.image), iou=IOU) for pair in pairs]
    means = [float(np.mean([m[i].accuracy for m in found])) for i in range(len(IOU))]
    return means + [m.accuracy for m in pool(found)]


def classical(smoothing: float, distance: int) -> Segment:
    """Otsu's threshold, then a watershed from the peaks of the smoothed distance."""

    def segment(image: NDArray[np.uint8]) -> NDArray[np.integer]:
        plane = image[0]
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
    scores = {c: sum(score(pairs[::4], classical(*c))[:2]) for c in choices}
    smoothing, distance = max(scores, key=scores.__getitem__)
    name = f"Otsu + watershed (sigma {smoothing:g}, peaks {distance} px apart)"
    return classical(smoothing, distance), name


def learn(pairs: Sequence[Pair], minutes: float, seed: int) -> tuple[Trained, str]:
    """Train with the fast preset and a limit of time; say what was done in it."""
    workflow = Workflow.preset("fast")
    limits = workflow.train.replace(minutes=minutes, seed=seed)
    wall, processor, steps = time.perf_counter(), time.process_time(), 0
    for event in train(pairs, workflow.replace(train=limits)):
        steps += isinstance(event, StepDone)
        if isinstance(event, EpochDone):
            print(
                f"  epoch {event.epoch}: {event.seconds:.0f} s, training loss "
                f"{event.train_loss:.4f}, validation {event.validation_loss:.4f}",
                flush=True,
            )
    wall = time.perf_counter() - wall
    processor = time.process_time() - processor
    note = (
        f"{wall / 60:.1f} min ({processor / 60:.1f} min of processor time), {steps} "
        f"steps, {steps / wall:.2f} steps/s"
    )
    assert isinstance(event, Trained)
    return event, note


def segment_with(trained: Trained) -> Segment:
    model, workflow = trained.model, trained.model.workflow

    def segment(image: NDArray[np.uint8]) -> NDArray[np.integer]:
        *_, done = predict_tiles(image, model, workflow.predict)
        instances = decode(Prediction(done.data, model.outputs), workflow.instances)
        return apply(instances.labels, workflow.cleanup.steps)

    return segment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 5, 10])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    training, test = (
        read_pairs(arguments.data / part / "images", arguments.data / part / "labels")
        for part in ("train", "test")
    )
    print(f"{len(training)} training images, {len(test)} test images")
    rows = []
    segment, name = best_classical(training)
    rows.append((name, score(test, segment), "no training"))
    for minutes in arguments.minutes:
        print(f"training for {minutes:g} min")
        trained, note = learn(training, minutes, arguments.seed)
        began = time.perf_counter()
        scores = score(test, segment_with(trained))
        note += f", {(time.perf_counter() - began) / len(test):.2f} s per test image"
        rows.append((f"fast preset, {minutes:g} min", scores, note))
        print(f"  {scores}", flush=True)
    print("\n| | AP50 per image | AP75 per image | AP50 pooled | AP75 pooled | |")
    print("|---|---|---|---|---|---|")
    for name, scores, note in rows:
        cells = " | ".join(f"{value:.3f}" for value in scores)
        print(f"| {name} | {cells} | {note} |")


if __name__ == "__main__":
    main()
