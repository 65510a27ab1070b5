"""What training will be like can be seen before it starts."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.settings import InstanceTask, Workflow
from napari_bioseg.widgets.bridge.layers import role_of
from napari_bioseg.widgets.bridge.reading import layer_source
from napari_bioseg.widgets.train.look_ahead import look_ahead, side_by_side
from napari_bioseg.widgets.train.train_panel import TrainPanel

LONG = 60_000


@pytest.fixture
def panel(make_napari_viewer_proxy, nuclei, qtbot, own_home):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(nuclei[0], name="cells", scale=(0.5, 0.5), translate=(3, 7))
    viewer.add_labels(nuclei[1], name="truth", scale=(0.5, 0.5), translate=(3, 7))
    panel = TrainPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Train")
    panel.goal.task = InstanceTask(channels="BC")
    panel.effort.network.settings = panel.effort.network.settings.replace(
        features=4, depth=2
    )
    panel.effort.train.settings = panel.effort.train.settings.replace(
        batch_size=2, steps=4
    )
    panel.effort.data.settings = panel.effort.data.settings.replace(patch=(32, 32))
    qtbot.waitUntil(lambda: panel.proposal is not None, timeout=LONG)
    return panel


def test_samples_lie_beside_the_image_and_show_targets(panel, qtbot):
    layers = panel.viewer.layers
    panel.look.samples.click()
    qtbot.waitUntil(lambda: "Augmented C" in layers, timeout=LONG)
    image, inside = layers["Augmented image"], layers["Augmented B"]
    assert image.data.shape == (3 * 32 + 8, 3 * 32 + 8)
    assert inside.data.max() == 1
    assert set(np.unique(inside.data)) == {0, 1}
    right_edge = layers["cells"].extent.world[1, 1]
    assert image.extent.world[0, 1] > right_edge
    np.testing.assert_array_equal(image.scale, (0.5, 0.5))
    # asked again they change in place, and nobody learns from them
    count = len(layers)
    panel.look.samples.click()
    qtbot.waitUntil(lambda: not panel.look._look.busy, timeout=LONG)
    assert len(layers) == count
    assert [image.name for image, _ in panel.pairs.layers.pairs] == ["cells"]


def test_places_lie_on_the_image_and_favour_objects(panel, qtbot):
    layers = panel.viewer.layers
    panel.look.places.click()
    qtbot.waitUntil(lambda: "cells patches" in layers, timeout=LONG)
    shown = layers["cells patches"]
    np.testing.assert_allclose(
        shown.extent.world, layers["cells"].extent.world, atol=1e-6
    )
    truth = np.asarray(layers["truth"].data) > 0
    assert shown.data[truth].mean() > shown.data[~truth].mean()
    assert role_of(shown) == "patches"
    assert "times an epoch" in panel.look.note.message


def test_a_trial_suggests_a_learning_rate_and_can_be_taken(panel, qtbot):
    panel.look.rate.click()
    assert panel.look.rate.text() == "Stop trial"
    assert not panel.train_button.isEnabled()
    qtbot.waitUntil(lambda: panel.session.job is None, timeout=LONG)
    suggested = panel.look.finder.suggested
    assert suggested is not None
    assert 1e-6 <= suggested <= 0.1
    panel.look.finder.use.click()
    assert panel.workflow.train.learning_rate == pytest.approx(suggested)
    assert panel.train_button.isEnabled()


def test_a_trial_that_is_stopped_changes_nothing(panel, qtbot):
    before = panel.workflow.train.learning_rate
    panel.look.rate.click()
    qtbot.waitUntil(lambda: bool(panel.look.finder._rates), timeout=LONG)
    panel.look.rate.click()
    qtbot.waitUntil(lambda: panel.session.job is None, timeout=LONG)
    assert panel.look.finder.suggested is None
    assert "stopped" in panel.look.finder.note.message
    assert panel.workflow.train.learning_rate == before


def test_without_pairs_the_buttons_say_why(make_napari_viewer_proxy, qtbot, own_home):
    viewer = make_napari_viewer_proxy()
    panel = TrainPanel(viewer)
    qtbot.addWidget(panel)
    for button in (panel.look.samples, panel.look.places, panel.look.rate):
        assert not button.isEnabled()
        assert button.toolTip().startswith("Not now: ")


def test_stacks_say_that_places_are_not_drawn(make_napari_viewer_proxy, nuclei):
    viewer = make_napari_viewer_proxy()
    image = viewer.add_image(np.stack([nuclei[0]] * 3), name="stack")
    truth = viewer.add_labels(np.stack([nuclei[1]] * 3))
    source = layer_source([(image, truth)], slices=True)
    workflow = Workflow.preset("fast")
    found = look_ahead("places", source, workflow, cancelled=lambda: False)
    assert len(found) == 2  # one of three slices is kept for validation
    assert {places.name for places in found} < {"stack z=0", "stack z=1", "stack z=2"}


def test_patches_are_laid_out_in_rows():
    patches = [np.full((2, 4, 5), n, np.float32) for n in range(4)]
    picture = side_by_side(patches)
    assert picture.shape == (2, 12, 23)
    np.testing.assert_array_equal(picture[0, 0, :5], 0)
    np.testing.assert_array_equal(picture[1, 8:, :5], 3)
    assert np.isnan(picture[0, :, 5:9]).all()
