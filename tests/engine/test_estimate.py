from __future__ import annotations

import copy
import gc
import time
import weakref

import torch

from napari_bioseg.engine import Started, Trained, train
from napari_bioseg.engine import estimate as estimating
from napari_bioseg.engine.device import repeatable


def guess(pairs, workflow):
    events = train(pairs, workflow)
    started = next(events)
    events.close()
    assert isinstance(started, Started)
    return started.estimate


def test_memory_grows_with_what_is_computed_at_once(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    small, large, parts = (
        guess(pairs, tiny.replace(train=tiny.train.replace(**values)))
        for values in (
            {"batch_size": 2},
            {"batch_size": 8},
            {"batch_size": 8, "accumulation": 4},
        )
    )
    assert small.fits
    assert 3 < large.memory / small.memory < 4.2
    assert parts.memory == small.memory
    deep = tiny.replace(network=tiny.network.replace(features=16))
    assert guess(pairs, deep).memory > 3 * small.memory


def test_time_adds_up_to_epochs_and_keeps_to_the_limit(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    found = guess(pairs, tiny)
    assert found.epoch_seconds > 3 * found.step_seconds > 0
    assert found.seconds == 2 * found.epoch_seconds
    limited = tiny.train.replace(epochs=10**5, minutes=0.5)
    assert guess(pairs, tiny.replace(train=limited)).seconds == 30


def test_what_happens_once_is_no_time_per_step(disks, tiny, monkeypatch):
    draw, slow = estimating.draw_batch, [0.5]  # as long as compiling takes, say

    def draw_batch(*given):
        time.sleep(slow.pop() if slow else 0.0)
        return draw(*given)

    monkeypatch.setattr(estimating, "draw_batch", draw_batch)
    assert guess([disks(), disks(seed=1)], tiny).step_seconds < 0.4


def test_deterministic_operations_are_asked_for_inside_only():
    with repeatable(False):
        assert not torch.are_deterministic_algorithms_enabled()
    with repeatable(True):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.deterministic
    assert not torch.are_deterministic_algorithms_enabled()


def test_nothing_is_searched_for_garbage_while_nothing_went_wrong(
    disks, tiny, monkeypatch
):
    """It would hold Python's lock, and a window with it, for a third of a second."""

    def collect(*_):
        raise AssertionError("everything was searched for garbage")

    monkeypatch.setattr(gc, "collect", collect)
    *_, last = train([disks()], tiny)
    assert isinstance(last, Trained)


def test_the_network_that_was_tried_needs_no_search_to_be_gone(
    disks, tiny, monkeypatch
):
    copies = []
    deepcopy = copy.deepcopy

    def remembered(value, *memo):
        made = deepcopy(value, *memo)
        if isinstance(made, torch.nn.Module):
            copies.append(weakref.ref(made))
        return made

    monkeypatch.setattr("napari_bioseg.engine.estimate.copy.deepcopy", remembered)
    gc.disable()
    try:
        guess([disks()], tiny)
        assert copies
        assert not any(made() is not None for made in copies)
    finally:
        gc.enable()
