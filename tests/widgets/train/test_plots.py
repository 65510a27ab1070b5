"""The curves show what was learned, and do not keep up with a flood of steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.train.plots import LossPlot, thinned


@pytest.fixture
def palette() -> Palette:
    colours = ["#808080"] * 13
    return Palette(True, *colours)


@pytest.fixture
def plot(qtbot, palette):
    widget = LossPlot(palette)
    qtbot.addWidget(widget)
    widget.resize(330, 200)
    return widget


def test_many_steps_become_few_points_with_the_same_mean():
    values = list(np.random.default_rng(0).random(1000))
    where, means = thinned(values, points=50)
    assert len(where) == 50
    assert means.mean() == pytest.approx(np.mean(values))


def test_nothing_is_drawn_before_the_first_step(plot):
    plot._draw()
    assert plot.isHidden()


def test_best_epoch_is_marked_and_named(plot, qtbot):
    for epoch, loss in enumerate([0.9, 0.4, 0.6], start=1):
        plot.add_step(loss, steps=1)
        plot.add_epoch(epoch, loss, loss + 0.1, best=epoch <= 2)
    qtbot.waitUntil(lambda: "best (2)" in plot.legend.text(), timeout=3000)
    x, y = plot._curves["best"].getData()
    assert list(x) == [2.0]
    assert y[0] == pytest.approx(0.5)


def test_log_axis_shows_powers_of_ten(plot):
    plot.add_epoch(1, 0.1, 0.01, best=True)
    plot._draw()
    assert plot._curves["validation"].getData()[1][0] == pytest.approx(0.01)
    plot.log.setChecked(True)
    assert plot._curves["validation"].getData()[1][0] == pytest.approx(math.log10(0.01))


def test_a_flood_of_steps_redraws_a_few_times(plot, qtbot, monkeypatch):
    drawn = []
    timer = plot._timer
    timer.timeout.connect(lambda: drawn.append(1))
    for _ in range(50):
        plot.add_step(0.5, steps=10)
        qtbot.wait(5)
    qtbot.waitUntil(lambda: bool(drawn), timeout=3000)
    assert len(drawn) <= 3


def test_a_continued_run_keeps_the_curve_and_a_new_one_starts_empty(plot):
    plot.add_epoch(1, 0.5, 0.5, best=True)
    plot.reset(first_epoch=2)
    assert plot.epochs == [1]
    plot.reset()
    assert plot.epochs == []


def test_curve_fits_into_a_narrow_panel(plot):
    plot.add_epoch(1, 0.1, 0.01, best=True)
    plot._draw()
    assert plot.minimumSizeHint().width() <= 330
