from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.engine import EpochDone, train
from napari_bioseg.engine.find_learning_rate import (
    RateFound,
    RateTried,
    find_learning_rate,
    suggest_rate,
)


def test_the_rate_found_learns_and_extreme_ones_do_not(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    events = list(find_learning_rate(pairs, tiny, steps=40))
    *tried, found = events
    assert isinstance(found, RateFound)
    assert all(isinstance(event, RateTried) for event in tried)
    assert found.rates == tuple(event.rate for event in tried)
    assert list(found.rates) == sorted(found.rates)
    assert 1e-4 <= found.suggested <= 0.2

    def final(rate):
        settings = tiny.train.replace(learning_rate=rate, steps=12, schedule="none")
        events = train(pairs, tiny.replace(train=settings))
        return [e.train_loss for e in events if isinstance(e, EpochDone)][-1]

    assert final(found.suggested) < 0.95 * final(1e-5)


def test_the_same_seed_finds_the_same(disks, tiny):
    pairs = [disks(), disks(seed=1)]
    first, second = (
        list(find_learning_rate(pairs, tiny, steps=5))[-1] for _ in range(2)
    )
    assert first == second


def test_a_loss_that_never_falls():
    rates = np.geomspace(1e-6, 1, 7)
    assert suggest_rate(rates, np.arange(1.0, 8.0)) == pytest.approx(1e-7)
    with pytest.raises(ValueError, match="infinite even at the lowest"):
        suggest_rate(rates[:1], np.ones(1))
