"""Thresholds fitted to ground truth."""

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.channels.cuts import cuts_of
from napari_bioseg.measure import match
from napari_bioseg.settings import (
    CONFIGURATIONS,
    FillHoles,
    InstanceSettings,
    RemoveSmall,
    SemanticSettings,
    SemanticTask,
    channel_list,
)
from napari_bioseg.widgets.tune.threshold import thresholds_of
from napari_bioseg.widgets.tune.truth import (
    Truth,
    annotated_box,
    counted,
    resolve_scope,
)
from napari_bioseg.widgets.tune.tuning import Tuning

from .drawing import add_prediction, blurred, cells, settle, volume

BAD = InstanceSettings(seed_binary=0.97, seed_contour="off", foreground_binary=0.9)


@pytest.fixture
def fit(qtbot):
    """Runs a search to its end."""

    def run(panel, layer, **choices):
        part = panel.fitting
        part.truth.layer = layer
        for name, value in choices.items():
            combo = getattr(part, name)
            combo.setCurrentIndex(combo.findData(value))
        assert part.fit.isEnabled()
        part.fit.click()
        qtbot.waitUntil(lambda: not part.job.active, timeout=60_000)
        settle(qtbot, panel)
        return part.note.text()

    return run


def f1(truth, predicted):
    return np.mean([found.f1 for found in match(truth, predicted, (0.5, 0.75))])


def test_thresholds_are_found_in_one_undo_step(panel, viewer, fit, qtbot, prediction):
    truth = cells()
    layer = viewer.add_labels(truth, name="truth")
    start = Tuning(instances=BAD, cleanup=panel.tuning.cleanup)
    panel.tuning = start
    settle(qtbot, panel)
    before = f1(truth, viewer.layers["cells instances"].data)
    text = fit(panel, layer)
    after = f1(truth, viewer.layers["cells instances"].data)
    default = f1(truth, decode(Prediction(prediction, "BC")).labels)
    assert after > before + 0.1
    assert after >= default
    assert f"{before:.3f} with yours, {after:.3f} with these" in text
    assert "36 annotated objects" in text
    assert not panel.fitting.cancel.isVisible()
    panel.undo.click()
    assert panel.tuning == start
    settle(qtbot, panel)


def test_thresholds_fitted_to_one_image_suit_another(panel, viewer, fit, qtbot):
    panel.tuning = Tuning(instances=BAD)
    fit(panel, viewer.add_labels(cells(), name="truth"))
    fitted = panel.tuning.instances
    held_out = cells(seed=7)
    other = Prediction(blurred(held_out, seed=9), "BC")
    reached = f1(held_out, decode(other, fitted).labels)
    assert reached >= f1(held_out, decode(other).labels) - 1e-9
    assert reached > f1(held_out, decode(other, BAD).labels)


def test_ties_are_told_and_what_is_good_is_left_alone(viewer, open_panel, fit):
    truth = np.zeros((60, 60), np.int32)
    truth[10:25, 10:25], truth[35:50, 30:50] = 1, 2
    clean = np.where(truth > 0, 0.9, 0.0).astype(np.float32)
    add_prediction(viewer, clean[np.newaxis], ["B"])
    panel = open_panel(viewer)
    before = panel.tuning
    text = fit(panel, viewer.add_labels(truth, name="truth"))
    assert "F1 at IoU 0.5 and 0.75: 1.000 (2 annotated objects)" in text
    assert "Nothing better than yours was found" in text
    # shares of the largest value, 0.9
    assert "Just as good: seeds with Inside (B) above 0.09 to 0.81" in text
    assert panel.tuning == before


def test_of_a_few_annotated_objects_only_these_count(viewer, open_panel, fit):
    truth = cells(160)
    data = blurred(truth)
    data[:, :80] = blurred(truth, noise=0.4, seed=3)[:, :80]  # cannot be got right
    few = np.where(np.isin(truth, (61, 64, 77, 79)), truth, 0)
    assert (few[:80] == 0).all()
    add_prediction(viewer, data, "BC")
    panel = open_panel(viewer)
    panel.tuning = Tuning(instances=BAD)
    text = fit(panel, viewer.add_labels(few, name="few"))
    assert "(4 annotated objects, these alone)" in text
    found = decode(Prediction(data, "BC"), panel.tuning.instances).labels
    held = counted(few, found, "objects")
    assert f1(few, held) > 0.85
    text = fit(panel, viewer.layers["few"], scope="everything")
    assert "(4 annotated objects)" in text


def test_a_crop_in_place_is_enough(viewer, open_panel, fit):
    truth = cells(160)
    add_prediction(viewer, blurred(truth), "BC", scale=(2, 2), translate=(5, 7))
    panel = open_panel(viewer)
    panel.tuning = Tuning(instances=BAD)
    crop = viewer.add_labels(
        truth[40:120, 30:130], name="crop", scale=(2, 2), translate=(85, 67)
    )
    assert "0.9" in fit(panel, crop, measure="PQ", scope="everything")
    away = viewer.add_labels(truth[:50], name="away", scale=(1, 1))
    text = fit(panel, away)
    assert "layer 'away' has shape (50, 160)" in text
    assert "the prediction has shape (160, 160)" in text


def test_what_counts():
    truth = np.zeros((20, 40), np.int32)
    truth[2:8, 2:8], truth[2:8, 9:15] = 1, 2
    found = np.zeros_like(truth)
    found[2:8, 2:15] = 1  # covers both
    found[7:18, 2:8] = 2  # leaks into one, by a line
    found[9:15, 25:30] = 3  # elsewhere
    assert annotated_box(truth) == (slice(2, 8), slice(2, 15))
    assert set(np.unique(counted(truth, found, "everything"))) == {0, 1, 2, 3}
    assert set(np.unique(counted(truth, found, "area"))) == {0, 1}
    assert set(np.unique(counted(truth, found, "objects"))) == {0, 1}
    whole = cells()
    part = np.where(np.arange(96) < 48, whole, 0)
    some = np.where(np.isin(whole, (1, 12, 33)), whole, 0)
    truths = {"everything": whole, "area": part, "objects": some}
    for scope, labels in truths.items():
        box = tuple(slice(0, size) for size in labels.shape)

        assert resolve_scope(Truth((), labels, box), whole) == scope


def test_it_can_be_cancelled(panel, viewer, qtbot):
    layer = viewer.add_labels(cells(), name="truth")
    before = panel.tuning
    panel.show()
    panel._fitting_part.expanded = True
    assert not panel.fitting.fit.isEnabled()
    assert "Choose a layer" in panel.fitting.fit.toolTip()
    panel.fitting.truth.layer = layer
    panel.fitting.fit.click()
    assert panel.fitting.cancel.isVisible()
    panel.fitting.cancel.click()
    qtbot.waitUntil(lambda: not panel.fitting.job.active)
    settle(qtbot, panel)
    assert "nothing was changed" in panel.fitting.note.text()
    assert panel.tuning == before
    assert panel.fitting.fit.isEnabled()


def test_float_labels_are_ground_truth_and_anything_else_is_told(
    panel, viewer, fit, prediction
):
    layer = viewer.add_image(cells().astype(np.float32), name="opened")
    assert "annotated objects" in fit(panel, layer)
    layer.data = layer.data + 0.25
    assert "layer 'opened' holds 1.25" in fit(panel, layer)
    empty = viewer.add_labels(np.zeros((96, 96), np.uint8), name="empty")
    assert "holds no object" in fit(panel, empty)


def test_our_own_labels_are_offered_once_they_were_corrected(panel, viewer, fit):
    found = viewer.layers["cells instances"]
    names = [layer.name for layer in panel.fitting.truth.layers]
    assert "cells instances" not in names
    found.data_setitem((np.array([3]), np.array([4])), 77)
    panel.fitting.truth.refresh()
    assert found in panel.fitting.truth.layers
    assert "annotated objects" in fit(panel, found)
    assert found.data[3, 4] == 77


def test_classes(viewer, open_panel, fit):
    rng = np.random.default_rng(0)
    truth = (np.indices((50, 60)).sum(axis=0) // 20 % 3).astype(np.int32)
    data = np.stack([truth == k for k in range(3)]) * 0.3 + rng.random((3, 50, 60)) / 5
    data[0] += 0.25  # a network that likes the background too much
    add_prediction(viewer, data.astype(np.float32), SemanticTask(classes=3).outputs)
    panel = open_panel(viewer)
    text = fit(panel, viewer.add_labels(truth, name="truth"))
    assert "mean Dice: " in text
    assert "1.000 with these" in text
    assert len(panel.tuning.semantic.thresholds) == 2
    np.testing.assert_array_equal(viewer.layers["cells classes"].data, truth)


def test_a_foreground_threshold(viewer, open_panel, fit):
    truth = cells() > 0
    data = np.where(truth, 0.35, 0.1).astype(np.float32)[np.newaxis]
    add_prediction(viewer, data, ["foreground"])
    panel = open_panel(viewer)
    text = fit(panel, viewer.add_labels(truth.astype(np.uint8), name="truth"))
    assert "0.000 with yours, 1.000 with these" in text
    assert 0.1 < panel.tuning.semantic.threshold < 0.35
    assert panel.tuning.semantic != SemanticSettings()


def test_frames_and_volumes(viewer, open_panel, fit, qtbot):
    truth = np.stack([cells(seed=t) for t in range(3)])
    data = np.stack([blurred(frame) for frame in truth], axis=1)
    add_prediction(viewer, data, "BC", axis_labels=("t", "y", "x"))
    panel = open_panel(viewer)
    panel.tuning = Tuning(instances=BAD)
    some = truth.copy()
    some[1] = 0  # not annotated
    text = fit(panel, viewer.add_labels(some, name="truth"))
    objects = sum(len(np.unique(some[t])) - 1 for t in (0, 2))
    assert f"{objects} annotated objects" in text
    viewer.dims.set_current_step(0, 1)
    text = fit(panel, viewer.add_labels(truth[1], name="one frame"))
    assert f"{len(np.unique(truth[1])) - 1} annotated objects" in text


def test_clean_up_steps_take_part(viewer, open_panel, fit):
    labels = volume()
    data = blurred(labels)
    add_prediction(viewer, data, "BC", scale=(2, 1, 1))
    panel = open_panel(viewer)
    steps = panel.cleanup.editor("steps")
    steps.add(FillHoles())
    steps.add(RemoveSmall(size=2000))
    layer = viewer.add_labels(labels, name="truth", scale=(2, 1, 1))
    assert "3 annotated objects" in fit(panel, layer)


@pytest.mark.parametrize("name", [*CONFIGURATIONS, "FC", "BD", "foreground", "classes"])
def test_the_search_knows_the_thresholds_that_are_shown(name):
    if name in ("foreground", "classes"):
        channels = SemanticTask(classes=2 if name == "foreground" else 4).outputs
        settings = SemanticSettings()
    else:
        channels = [kind.name for kind in channel_list(name)]
        settings = InstanceSettings()
    shown = {(row.key, row.channel) for row in thresholds_of(channels)}
    if "P" in channels:  # points are enough while they are not off
        shown = {row for row in shown if row[0] != "seed_binary"}
    assert {(cut.key, cut.channel) for cut in cuts_of(channels, settings)} == shown
