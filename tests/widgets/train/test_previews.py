"""When a training thread makes previews, and what becomes of those it cannot make."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from napari_bioseg.engine import Model, Pair
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import TrainedOn, Workflow
from napari_bioseg.widgets.train import previews as module
from napari_bioseg.widgets.train.previews import (
    Previewer,
    PreviewReady,
    Previews,
    PreviewSkipped,
    View,
)
from napari_bioseg.widgets.train.training import Saved, training

VIEW = View(np.zeros((1, 512, 512)), (slice(0, 512), slice(0, 512)))


def test_previews_take_a_tenth_of_the_time_at_most():
    now = [0.0]
    previews = Previews()
    previews.post(View(np.zeros((1, 64, 64)), (slice(0, 64), slice(0, 64))))
    previewer = Previewer(previews, clock=lambda: now[0])
    taken = 0
    while now[0] < 100:
        now[0] += 0.05  # a training step
        if previewer.due() is not None:
            taken += 1
            began = now[0]
            now[0] += 0.4  # a slow preview
            previewer._plan(began, now[0])
            previews.painted()
    assert taken > 5
    assert taken * 0.4 <= 0.1 * now[0] + 0.4


def test_no_preview_before_the_last_one_is_painted():
    previews = Previews()
    view = View(np.zeros((1, 8, 8)), (slice(0, 8), slice(0, 8)))
    previews.post(view)
    assert previews.take() is view
    assert previews.take() is None
    previews.painted()
    assert previews.take() is view


@pytest.fixture
def model():
    workflow = Workflow.preset("fast").replace(trained=TrainedOn())
    network = workflow.network.replace(features=4, depth=1)
    return Model.create(workflow.replace(network=network))


def full_above(pixels, monkeypatch):
    """Let previews of more pixels run out of memory."""
    from napari_bioseg.engine.model import run_network

    sizes = []

    def run(model, image):
        sizes.append(image.shape[-1])
        if image[0].size > pixels:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run_network(model, image)

    monkeypatch.setattr("napari_bioseg.engine.model.run_network", run)
    return sizes


def test_a_preview_that_is_too_large_becomes_smaller_and_stays_so(model, monkeypatch):
    sizes = full_above(128 * 128, monkeypatch)
    now = [0.0]
    previews = Previews()
    previews.post(VIEW)
    previewer = Previewer(previews, clock=lambda: now[0])
    told = []
    for _ in range(6):
        now[0] += 10
        told.append(previewer.predict(previewer.due(), model))
        previews.painted()
    assert [type(event) for event in told] == [PreviewSkipped, *[PreviewReady] * 5]
    assert sizes == [256, *[128] * 5]


def test_without_any_memory_there_are_no_previews_and_it_is_said_once(
    model, monkeypatch
):
    sizes = full_above(0, monkeypatch)
    now = [0.0]
    previews = Previews()
    previews.post(VIEW)
    previewer = Previewer(previews, clock=lambda: now[0])
    told = []
    for _ in range(6):
        now[0] += 10
        if (view := previewer.due()) is not None:
            told.append(previewer.predict(view, model))
    assert sizes == [256, 128]
    assert isinstance(told[0], PreviewSkipped)
    assert "memory ran out in the live preview" in told[0].message
    assert told[1:] == [None]


def test_another_error_is_not_taken_for_a_lack_of_memory(model, monkeypatch):
    def fail(model, image):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("napari_bioseg.engine.model.run_network", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        Previewer(Previews()).predict(VIEW, model)


def test_training_goes_on_and_is_saved_without_previews(tmp_path, monkeypatch):
    full_above(0, monkeypatch)
    monkeypatch.setattr(module, "PREVIEW_INTERVAL", 0.0)
    workflow = Workflow.preset("fast")
    workflow = workflow.replace(
        network=workflow.network.replace(features=4, depth=1),
        data=workflow.data.replace(patch=(32, 32)),
        train=workflow.train.replace(
            epochs=2, steps=4, batch_size=1, device="cpu", report=False
        ),
    )
    image, labels = touching_cells_2d(96, seed=0)
    previews = Previews()
    previews.post(View(image[None], (slice(0, 96), slice(0, 96))))
    events = training(lambda: [Pair(image, labels)], workflow, tmp_path, previews)
    kinds = Counter(type(event) for event in events)
    assert kinds[PreviewSkipped] == 1
    assert kinds[PreviewReady] == 0
    assert kinds[Saved] == 1
