"""Predictions that are found, shown, and that come and go."""

import threading

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.settings import InstanceTask
from napari_bioseg.widgets.jobs.worker import Job
from napari_bioseg.widgets.session import session_of

from .drawing import add_prediction, names, notes, settle


def test_a_prediction_is_found_decoded_and_shown(panel, viewer, prediction):
    assert panel.choice.choice.currentText() == "cells · B C"
    assert "2-D, 96 × 96 px" in panel.choice.info.text()
    expected = decode(Prediction(prediction, "BC"))
    shown = viewer.layers["cells instances"]
    np.testing.assert_array_equal(shown.data, expected.labels)
    assert 30 <= expected.labels.max() <= 38
    assert f"{expected.labels.max()} objects · " in panel.status.text()
    assert names(viewer) == ["cells", "cells B", "cells C", "cells instances"]


def test_only_the_thresholds_of_the_channels_at_hand_are_shown(viewer, open_panel):
    expected = {
        "BC": "seed_binary seed_contour foreground_binary foreground_contour",
        "BCM": "seed_binary seed_contour foreground_binary foreground_contour",
        "BP": "seed_points seed_binary foreground_binary",
        "BD": "seed_binary seed_distance foreground_binary foreground_distance",
        "Dv2": "seed_dv2",
        "BDv2": "seed_binary seed_dv2",
    }
    panel = open_panel(viewer)
    for channels, rows in expected.items():
        parts = [channel.name for channel in InstanceTask(channels=channels).channels]
        data = np.random.default_rng(0).random((len(parts), 32, 32), np.float32)
        panel.thresholds.show_channels(
            parts,
            {n: np.histogram(d, 8, (0, 1)) for n, d in zip(parts, data, strict=True)},
        )
        assert list(panel.thresholds.rows) == rows.split()


def test_automatic_thresholds_say_which_number_they_stand_for(panel, prediction):
    used = decode(Prediction(prediction, "BC")).thresholds
    row = panel.thresholds.rows["seed_binary"]
    assert row.value == "auto"
    assert row.box.value() == pytest.approx(used["seed_binary"], abs=6e-4)
    assert row.slider.value == pytest.approx(used["seed_binary"])
    off = panel.thresholds.rows["foreground_contour"]
    assert off.value == "off"
    assert off.slider.value is None


def test_without_a_prediction_it_says_what_to_do(viewer, open_panel, qtbot, prediction):
    panel = open_panel(viewer)
    panel.show()
    assert "Run Predict" in panel.choice.info.text()
    assert not panel.undo.isVisible()
    add_prediction(viewer, prediction, "BC")
    settle(qtbot, panel)
    assert "objects" in panel.status.text()
    assert panel.undo.isVisible()


def test_a_prediction_layer_that_is_removed_is_missed(panel, viewer, qtbot):
    panel.show()
    viewer.layers.remove("cells C")
    assert "Layer 'cells C' was removed" in panel.choice.info.text()
    settle(qtbot, panel)
    # what is left is a prediction of its own
    assert panel.choice.choice.currentText() == "cells · B"
    assert list(panel.thresholds.rows) == ["seed_binary", "foreground_binary"]
    viewer.layers.remove("cells B")
    settle(qtbot, panel)
    assert panel.source is None
    assert "Layer 'cells B' was removed" in panel.choice.info.text()
    assert not panel.thresholds.isVisible()


def test_a_result_layer_that_is_removed_comes_back_at_the_next_change(
    panel, viewer, qtbot
):
    panel.thresholds.rows["seed_binary"].box.setValue(0.6)
    viewer.layers.remove("cells instances")
    settle(qtbot, panel)
    assert "cells instances" not in names(viewer)
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    settle(qtbot, panel)
    assert names(viewer).count("cells instances") == 1


def test_layers_that_fill_are_not_read_before_their_job_ends(
    viewer, open_panel, qtbot, prediction
):
    go_on = threading.Event()

    def filling():
        yield 1
        go_on.wait(10)

    session = session_of(viewer)
    job = Job(filling, name="Prediction")
    session.claim(job)
    job.start()
    panel = open_panel(viewer)
    add_prediction(viewer, prediction, "BC")
    settle(qtbot, panel)
    assert panel.source is None
    go_on.set()
    qtbot.waitUntil(lambda: not job.active)
    settle(qtbot, panel)
    assert "objects" in panel.status.text()


def test_the_newest_prediction_is_offered_first_and_others_can_be_chosen(
    viewer, open_panel, qtbot, prediction
):
    add_prediction(viewer, prediction, "BC")
    for name, channel in zip("BC", np.flip(prediction, 2), strict=True):
        other = notes(name, "BC", source="other", run="x")
        viewer.add_image(channel, name=f"other {name}", metadata=other)
    panel = open_panel(viewer)
    box = panel.choice.choice
    assert [box.itemText(i) for i in range(box.count())] == [
        "other · B C",
        "cells · B C",
        "Choose layers…",
    ]
    assert "other instances" in names(viewer)
    box.setCurrentIndex(1)
    box.activated.emit(1)
    settle(qtbot, panel)
    assert "cells instances" in names(viewer)


def test_a_prediction_made_again_goes_on_with_the_thresholds_tuned(
    panel, viewer, qtbot, prediction
):
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    settle(qtbot, panel)
    again = np.roll(prediction, 20, axis=2)
    for layer, channel, name in zip(
        [viewer.layers["cells B"], viewer.layers["cells C"]], again, "BC", strict=True
    ):
        layer.data = channel
        layer.metadata["bioseg"] = notes(name, "BC", run="second")["bioseg"]
    panel.choice.refresh()
    settle(qtbot, panel)
    assert panel.tuning.instances.seed_binary == 0.7
    expected = decode(Prediction(again, "BC"), panel.tuning.instances).labels
    np.testing.assert_array_equal(viewer.layers["cells instances"].data, expected)
