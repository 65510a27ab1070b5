"""That volumes and classes are learned too: a few minutes each, on held-out images.

Run ``python benchmarks/accuracy_3d_semantic.py --minutes 4``. In 3-D: nuclei of plant
ovules (four training crops, one test crop, z 2.24 times as coarse as y and x), scored
by TP / (TP + FP + FN). Classes: background, myelin and axons in electron micrographs
(seven training images, three test images of other animals), scored by intersection over
union and Dice of each class, over all test pixels.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from napari_bioseg.channels import Prediction, classify, decode
from napari_bioseg.cleanup import apply
from napari_bioseg.engine import EpochDone, Model, Pair, Trained, predict_tiles, train
from napari_bioseg.io import read_pairs
from napari_bioseg.measure import match, overlap
from napari_bioseg.settings import InstanceTask, SemanticTask, Workflow

DATA = Path(__file__).parents[2] / "shared" / "data"
CLASSES = ("background", "myelin", "axon")


def learn(pairs: list[Pair], workflow: Workflow, minutes: float, batch: int) -> Model:
    """Train for some minutes, telling about every epoch."""
    settings = workflow.train.replace(
        minutes=minutes, epochs=10_000, patience=0, batch_size=batch
    )
    began = time.process_time()
    for event in train(pairs, workflow.replace(train=settings)):
        if isinstance(event, EpochDone):
            scores = ", ".join(f"{k} {v:.3f}" for k, v in event.metrics.items())
            print(
                f"  epoch {event.epoch}: {event.seconds:.0f} s, validation "
                f"{event.validation_loss:.4f}, {scores}",
                flush=True,
            )
    assert isinstance(event, Trained)
    processor = (time.process_time() - began) / 60
    print(f"  best epoch {event.best_epoch}; {processor:.1f} min of processor time")
    return event.model


def is_noise(pair: Pair) -> bool:
    """Tell volumes whose neighbouring voxels have nothing in common.

    Three of the training crops were cut to 8 bits by overflow and show no nuclei.
    """
    image = channel_first(pair)[0].astype(np.float32)
    alike = np.corrcoef(image[..., 1:].ravel(), image[..., :-1].ravel())[0, 1]
    return bool(alike < 0.3)


def channel_first(pair: Pair) -> np.ndarray:
    return pair.image if pair.has_channel_axis else pair.image[np.newaxis]


def predicted(pair: Pair, model: Model) -> np.ndarray:
    *_, done = predict_tiles(channel_first(pair), model, model.workflow.predict)
    return done.data


def volumes(data: Path, minutes: float, channels: str, batch: int) -> None:
    """Nuclei in 3-D."""
    folder = data / "gonuclear_ovule3d"
    sizes = json.loads((folder / "manifest.json").read_text())
    pairs: dict[str, list[Pair]] = {}
    for part in ("train", "test"):
        pairs[part] = [
            Pair(
                p.image,
                p.labels,
                p.name,
                tuple(sizes[f"{part}/{p.name}"]["voxel_um_zyx"]),
            )
            for p in read_pairs(folder / part / "images", folder / part / "labels")
        ]
    print(f"3-D nuclei, {channels}, {minutes:g} min, batches of {batch}")
    left_out = [pair.name for pair in pairs["train"] if is_noise(pair)]
    if left_out:
        print(f"  left out, noise instead of nuclei: {', '.join(left_out)}")
    pairs["train"] = [pair for pair in pairs["train"] if pair.name not in left_out]
    workflow = Workflow.preset("fast", InstanceTask(channels=channels))
    model = learn(pairs["train"], workflow, minutes, batch)
    for pair in pairs["test"]:
        prediction = Prediction(predicted(pair, model), model.outputs, pair.spacing)
        found = decode(prediction, model.workflow.instances).labels
        found = apply(found, model.workflow.cleanup.steps)
        for m in match(pair.labels, found, iou=(0.3, 0.5, 0.75)):
            print(
                f"  IoU {m.threshold:.2f}: accuracy {m.accuracy:.3f}, F1 {m.f1:.3f} "
                f"({m.tp} found, {m.fp} invented, {m.fn} missed)"
            )


def classes(data: Path, minutes: float, batch: int) -> None:
    """Myelin and axons."""
    folder = data / "axonsem_3class"
    training, test = (
        read_pairs(folder / part / "images", folder / part / "labels")
        for part in ("train", "test")
    )
    print(f"three classes, {minutes:g} min, batches of {batch}")
    workflow = Workflow.preset("fast", SemanticTask(classes=len(CLASSES)))
    model = learn(training, workflow, minutes, batch)
    truth, found = [], []
    for pair in test:
        prediction = Prediction(predicted(pair, model), model.outputs)
        found.append(classify(prediction, model.workflow.semantic).ravel())
        truth.append(pair.labels.ravel())
    score = overlap(np.concatenate(truth), np.concatenate(found), len(CLASSES))
    for value, name in enumerate(CLASSES):
        print(f"  {name}: IoU {score.iou[value]:.3f}, Dice {score.dice[value]:.3f}")
    print(f"  mean IoU {score.mean_iou:.3f}, right pixels {score.pixel_accuracy:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--batch", type=int, default=2, help="patches per step")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--channels", nargs="+", default=["BC", "BCD"])
    parser.add_argument("--only", choices=("3d", "classes"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.only != "classes":
        for channels in arguments.channels:
            volumes(arguments.data, arguments.minutes, channels, arguments.batch)
    if arguments.only != "3d":
        classes(arguments.data, arguments.minutes, arguments.batch)


if __name__ == "__main__":
    main()
