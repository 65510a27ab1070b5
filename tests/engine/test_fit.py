"""Thresholds are chosen by what they find; what the user has set stays."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, decode, encode
from napari_bioseg.engine import Pair, train
from napari_bioseg.engine.fit import fit_thresholds
from napari_bioseg.measure import match
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import Contour, InstanceSettings, Workflow


@pytest.fixture(scope="module")
def cells():
    """Labels, and a prediction whose objects are clear only at high thresholds."""
    _, labels = touching_cells_2d(160, seed=1)
    clean = encode(labels, ["B", Contour(mode="inner")])
    noise = np.random.default_rng(0).normal(0, 0.03, clean.shape)
    # the inside leaks over the borders between cells: 0.75 there
    inside = np.where(clean[1] > 0, 0.75, clean[0] * 0.95)
    data = np.clip(np.stack([inside, clean[1] * 0.5]) + noise, 0, 1)
    return labels, Prediction(data.astype(np.float32), "BC")


def accuracy(labels, prediction, settings):
    found = decode(prediction, settings).labels
    return np.mean([m.accuracy for m in match(labels, found, (0.5, 0.75))])


def test_the_fit_reaches_what_it_says(cells):
    labels, prediction = cells
    start = InstanceSettings(seed_binary=0.5, seed_contour="off")
    fit = fit_thresholds([prediction], [labels], start)
    assert fit.before == accuracy(labels, prediction, start)
    assert fit.score == accuracy(labels, prediction, fit.settings)
    assert fit.before < 0.2
    assert fit.score > 0.9


def test_what_is_kept_stays(cells):
    labels, prediction = cells
    start = InstanceSettings(seed_binary=0.55, smoothing=0.5)
    fit = fit_thresholds([prediction], [labels], start, keep={"seed_binary"})
    assert fit.settings.seed_binary == 0.55
    assert fit.settings.smoothing == 0.5


def test_no_tries_no_change(cells):
    labels, prediction = cells
    fit = fit_thresholds([prediction], [labels], tries=0)
    assert fit.settings == InstanceSettings()
    assert fit.score == fit.before


def test_more_tries_find_more(cells):
    labels, prediction = cells
    start = InstanceSettings(seed_binary=0.5, seed_contour="off")
    scores = [
        fit_thresholds([prediction], [labels], start, tries=tries).score
        for tries in (1, 5, 40)
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


def test_what_is_not_labelled_does_not_count(cells):
    labels, prediction = cells
    part = labels.copy()
    part[:, 80:] = 0  # nobody labelled that half
    whole = fit_thresholds([prediction], [labels], tries=0).score
    wrong = fit_thresholds([prediction], [part], tries=0).score
    part[:, 80:] = -1
    right = fit_thresholds([prediction], [part], tries=0).score
    assert wrong < 0.7 * whole
    assert right == pytest.approx(whole, abs=0.15)


def test_nothing_gets_worse_than_the_defaults(cells):
    labels, prediction = cells
    default = accuracy(labels, prediction, InstanceSettings())
    start = InstanceSettings(seed_binary=0.97, foreground_binary=0.9)
    for tries in (1, 3, 12, None):
        fit = fit_thresholds([prediction], [labels], start, tries=tries)
        assert fit.score >= max(default, fit.before)
        assert fit.score == accuracy(labels, prediction, fit.settings)


def test_a_weak_network_gets_thresholds_in_its_own_range(cells):
    labels, prediction = cells
    weak = Prediction(prediction.data * 0.3, "BC")
    start = InstanceSettings(seed_binary=0.5)
    fit = fit_thresholds([weak], [labels], start)
    assert fit.score > 0.9
    assert fit.before == 0


def test_it_ends_when_it_is_told_to(cells):
    labels, prediction = cells
    asked = []

    def enough():
        asked.append(1)
        return len(asked) == 6

    fit = fit_thresholds([prediction], [labels], cancelled=enough)
    assert len(asked) == 6
    assert fit.score == accuracy(labels, prediction, fit.settings) >= fit.before
    assert fit_thresholds([prediction], [labels], seconds=0).settings == (
        InstanceSettings()
    )


def test_predictions_and_truths_come_in_pairs(cells):
    with pytest.raises(ValueError, match="1 predictions and 0 label images"):
        fit_thresholds([cells[1]], [])


def trained(fit=True, **instances):
    image, labels = touching_cells_2d(192, seed=2)
    start = Workflow.preset("fast")
    workflow = start.replace(
        network=start.network.replace(features=8, depth=2),
        train=start.train.replace(
            epochs=8, steps=12, batch_size=4, learning_rate=5e-3, fit_thresholds=fit
        ),
        data=start.data.replace(patch=(64, 64), validation=0.4),
        instances=InstanceSettings(**instances),
    )
    *_, last = train([Pair(image, labels)], workflow)
    return last.model.workflow


def test_training_ends_with_fitted_thresholds():
    assert trained(fit=False).instances == InstanceSettings()
    workflow = trained(foreground_binary=0.45)
    fitted = workflow.instances
    assert fitted != InstanceSettings(foreground_binary=0.45)
    assert fitted.foreground_binary == 0.45
    again = trained(foreground_binary=0.45)  # however busy the machine is
    assert fitted == again.instances
    # a training that goes on chooses anew, but leaves alone what was given
    start = InstanceSettings(foreground_binary=0.45)
    assert workflow.untrained().instances == start
