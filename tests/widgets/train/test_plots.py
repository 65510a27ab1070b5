"""The curves show what was learned, and do not keep up with a flood of steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_bioseg.widgets.forms.look import Palette
from napari_bioseg.widgets.train.plots import LearningPlot, thinned


@pytest.fixture
def palette() -> Palette:
    colours = ["#808080"] * 13
    return Palette(True, *colours)


@pytest.fixture
def plot(qtbot, palette):
    widget = LearningPlot(palette)
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


def test_the_best_epoch_is_told_by_what_chose_it(plot):
    plot.add_epoch(1, 0.9, 0.8, best=True, judged=("IoU", 0.75))
    plot._draw()
    assert plot.legend.toolTip() == "Best IoU: 0.75 in epoch 1."
    assert plot._curves["best"].getData()[1][0] == pytest.approx(0.8)
    plot.add_epoch(2, 0.5, math.nan, best=True, judged=("training loss", 0.5))
    plot._draw()
    assert "Best training loss: 0.5" in plot.legend.toolTip()
    assert plot._curves["best"].getData()[1][0] == pytest.approx(0.5)


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


def test_scores_have_the_colours_of_their_channels(plot):
    for epoch in (1, 2):
        plot.add_epoch(
            epoch, 1.0, 1.0, best=True, scores={"IoU B": 0.4 * epoch, "IoU C": 0.1}
        )
    plot.what.setCurrentText("Scores")
    x, y = plot._curves["score IoU B"].getData()
    assert list(x) == [1, 2]
    assert list(y) == pytest.approx([0.4, 0.8])
    assert plot._curves["score IoU B"].opts["pen"].color().name() == "#1fa8f2"
    assert plot._curves["validation"].getData()[0] is None or not len(
        plot._curves["validation"].getData()[0]
    )
    assert "IoU B</span> 0.80" in plot.legend.text()
    plot.what.setCurrentText("Loss")
    assert list(plot._curves["validation"].getData()[0]) == [1, 2]


def test_the_learning_rate_is_drawn_on_request(plot):
    plot.add_epoch(1, 1.0, 1.0, best=True, rate=1e-3)
    plot.add_epoch(2, 1.0, 1.0, best=True, rate=5e-4)
    plot.what.setCurrentText("Learning rate")
    assert list(plot._curves["rate"].getData()[1]) == pytest.approx([1e-3, 5e-4])
    assert "0.0005" in plot.legend.text()
