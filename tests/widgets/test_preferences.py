"""What is set in napari's Preferences is what panels begin with."""

from __future__ import annotations

import importlib.resources

import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

from napari_bioseg.settings import PredictSettings, describe
from napari_bioseg.widgets.evaluate.evaluate_panel import EvaluatePanel
from napari_bioseg.widgets.predict.predict_panel import PredictPanel
from napari_bioseg.widgets.preferences import preferred_prediction, set_preference


@pytest.fixture
def open_panel(qtbot):
    opened = []

    def make(kind):
        opened.append(kind(ViewerModel()))
        qtbot.addWidget(opened[-1])
        return opened[-1]

    yield make
    for panel in opened:
        if isinstance(panel, EvaluatePanel):
            panel.close_threads()


def offered(group):
    path = importlib.resources.files("napari_bioseg") / "napari.yaml"
    manifest = PluginManifest.from_file(path)
    return manifest.contributions.configurations[group].properties


def test_words_are_those_of_the_settings():
    specs = {spec.name: spec for spec in describe(PredictSettings)}
    found = offered("prediction")
    for name in ("device", "tta"):
        assert tuple(found[name].enum) == specs[name].choices
        assert found[name].default == specs[name].default
    assert preferred_prediction() == PredictSettings()


def test_prediction_begins_as_preferred(open_panel):
    set_preference("prediction", "device", "cpu")
    set_preference("prediction", "tta", "mean")
    set_preference("prediction", "memory", 0.1)  # less than prediction can do with
    settings = open_panel(PredictPanel).advanced.settings
    assert (settings.device, settings.tta, settings.memory) == ("cpu", "mean", 0.25)
    set_preference("prediction", "memory", 6)
    assert preferred_prediction().memory == 6


def test_evaluation_begins_as_preferred(open_panel):
    assert open_panel(EvaluatePanel).iou.value() == 0.5
    set_preference("evaluation", "iou", 0.7)
    assert open_panel(EvaluatePanel).iou.value() == 0.7
