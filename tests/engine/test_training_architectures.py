"""Every architecture through the whole engine: it learns, saves, predicts in tiles."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import EpochDone, Model, Pair, Started, Trained, train
from napari_bioseg.engine.model import predict_array
from napari_bioseg.engine.predict_tiles import predict_tiles
from napari_bioseg.settings import InstanceTask, NetworkSettings, PredictSettings

LIGHT = [
    "unet",
    "residual_unet",
    "attention_unet",
    "se_unet",
    "resunet_se",
    "multiresunet",
    "resunet_plus_plus",
    "unext",
    "unetr_mini",
]


def train_all(pairs, workflow) -> tuple[list[str], list[float], Model]:
    notes: list[str] = []
    losses = []
    for event in train(pairs, workflow):
        if isinstance(event, Started):
            notes += event.notes
        elif isinstance(event, EpochDone):
            losses.append(event.train_loss)
        elif isinstance(event, Trained):
            model = event.model
    return notes, losses, model


@pytest.mark.parametrize("architecture", LIGHT)
def test_quick_training_lowers_the_loss(architecture, disks, tiny):
    workflow = tiny.replace(
        network=NetworkSettings(architecture=architecture, features=8, depth=2),
        train=tiny.train.replace(
            epochs=4, steps=8, learning_rate=6e-3, fit_thresholds=False
        ),
        data=tiny.data.replace(validation=0.0),
    )
    _, losses, model = train_all([disks(seed=n) for n in range(2)], workflow)
    assert losses[-1] < 0.9 * losses[0]
    assert model.workflow.network.architecture == architecture


def test_unetr_learns_patches_and_predicts_images_of_any_size(disks, tiny):
    workflow = tiny.replace(
        network=NetworkSettings(architecture="unetr_mini", features=4, depth=3),
        data=tiny.data.replace(patch=(30, 20)),
        train=tiny.train.replace(epochs=1, steps=2),
    )
    notes, _, model = train_all([disks(seed=n) for n in range(2)], workflow)
    assert model.trained.patch == (32, 32)
    assert any(
        "32 × 32 px instead of 30 × 20, whole multiples" in note for note in notes
    )
    assert any("network.depth = 3 is not used by unetr_mini" in note for note in notes)
    image = disks((150, 90), seed=7).image[np.newaxis]
    whole = predict_array(image, model)
    assert whole.shape == (2, 150, 90)
    *tiles, done = predict_tiles(image, model, PredictSettings(tile=(40, 40)))
    assert len(tiles) > 4
    np.testing.assert_allclose(done.data, whole, atol=1e-4)


def test_classes_of_objects_are_learned_with_distances(disks, tiny):
    pairs = []
    for seed in range(3):
        pair = disks(seed=seed)
        classes = np.where(pair.labels > 0, 1 + pair.labels % 2, 0)
        brighter = (pair.image + 60 * (classes == 2)).clip(0, 255).astype(np.uint8)
        pairs.append(Pair(brighter, pair.labels, classes=classes))
    workflow = tiny.replace(
        task=InstanceTask(channels="BCD", classes=3, class_weights=("auto",)),
        network=NetworkSettings(features=8, depth=2),
        train=tiny.train.replace(epochs=10, steps=10, learning_rate=1e-2),
    )
    _, losses, model = train_all(pairs, workflow)
    assert model.outputs == ("B", "C", "D", "class 0", "class 1", "class 2")
    assert losses[-1] < losses[0]
    values = predict_array(pairs[0].image[np.newaxis], model)
    np.testing.assert_allclose(values[3:].sum(axis=0), 1, rtol=1e-5)
    inside = pairs[0].labels > 0
    found = values[3:].argmax(axis=0)
    assert (found == pairs[0].classes)[inside].mean() > 0.7
    assert (found == 0)[~inside].mean() > 0.7
