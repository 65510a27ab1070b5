"""Seeds painted and erased by hand."""

import numpy as np
import pytest

from napari_bioseg.channels import Prediction, decode

from .drawing import add_prediction, blurred, cells, settle


@pytest.fixture
def seeds(panel, viewer, qtbot):
    """The layer of the seeds."""
    panel.seeds.setChecked(True)
    settle(qtbot, panel)
    return viewer.layers["cells seeds"]


def put(layer, where, value):
    """Paint as napari does: with history, and telling."""
    layer.data_setitem(tuple(np.atleast_1d(axis) for axis in where), value)


def basin(labels, seeds, number):
    """The objects that touch one, itself included."""
    from scipy import ndimage

    near = ndimage.binary_dilation(labels == number, iterations=2)
    return np.unique(labels[near])


def test_a_seed_that_is_added_changes_its_basin_alone(panel, viewer, seeds, qtbot):
    instances = viewer.layers["cells instances"]
    before = instances.data.copy()
    number = before[48, 48] or before[before > 0][200]
    inside = np.argwhere((before == number) & (seeds.data == 0))
    spot = tuple(inside[len(inside) // 3])
    put(seeds, spot, seeds.data.max() + 1)
    qtbot.waitUntil(lambda: instances.data[spot] not in (0, number), timeout=10_000)
    settle(qtbot, panel)
    after = instances.data
    outside = ~np.isin(before, basin(before, seeds.data, number))
    assert outside.mean() > 0.5
    np.testing.assert_array_equal(after[outside], before[outside])
    assert after.max() == before.max() + 1
    assert "changed by hand" in panel.edited.note.text()
    assert [layer.name for layer in viewer.layers].count("cells seeds") == 1


def test_changes_are_kept_while_sliders_move_until_they_are_forgotten(
    panel, viewer, seeds, qtbot, prediction
):
    instances = viewer.layers["cells instances"]
    number = seeds.data[seeds.data > 0][30]
    where = np.nonzero(seeds.data == number)
    start = instances.data.copy()
    put(seeds, where, 0)
    qtbot.waitUntil(lambda: not (instances.data == number).any(), timeout=10_000)
    settle(qtbot, panel)
    for value in (0.5, 0.7, 0.6):
        panel.thresholds.rows["seed_binary"].box.setValue(value)
        settle(qtbot, panel)
        assert (seeds.data[where] == 0).all()
        assert "changed by hand" in panel.edited.note.text()
    panel.undo.click()
    panel.undo.click()
    panel.undo.click()
    settle(qtbot, panel)
    assert not (instances.data == number).any()
    panel.show()
    panel.edited.forget.click()
    settle(qtbot, panel)
    np.testing.assert_array_equal(instances.data, start)
    assert not panel.edited.forget.isVisible()
    np.testing.assert_array_equal(
        seeds.data, decode(Prediction(prediction, "BC")).seeds
    )


def test_naparis_undo_takes_a_stroke_back(panel, viewer, seeds, qtbot):
    instances = viewer.layers["cells instances"]
    start = instances.data.copy()
    number = seeds.data[seeds.data > 0][30]
    put(seeds, np.nonzero(seeds.data == number), 0)
    qtbot.waitUntil(lambda: not (instances.data == number).any(), timeout=10_000)
    settle(qtbot, panel)
    seeds.undo()
    qtbot.waitUntil(
        lambda: len(np.unique(instances.data)) == len(np.unique(start)),
        timeout=10_000,
    )
    settle(qtbot, panel)
    assert ((instances.data > 0) == (start > 0)).all()


def test_a_seed_outside_of_the_foreground_is_told(panel, viewer, seeds, qtbot):
    mask = decode(
        Prediction(
            np.stack([viewer.layers[f"cells {name}"].data for name in "BC"]), "BC"
        )
    ).foreground
    spot = tuple(np.argwhere(~mask)[0])
    put(seeds, spot, 500)
    qtbot.waitUntil(lambda: "outside" in panel.edited.note.text(), timeout=10_000)
    assert panel.edited.note.kind == "warning"
    settle(qtbot, panel)


def test_frames_have_their_own_changes(viewer, open_panel, qtbot):
    frames = np.stack([blurred(cells(seed=t)) for t in range(3)], axis=1)
    add_prediction(viewer, frames, "BC", axis_labels=("t", "y", "x"))
    panel = open_panel(viewer)
    panel.seeds.setChecked(True)
    settle(qtbot, panel)
    layer, instances = viewer.layers["cells seeds"], viewer.layers["cells instances"]
    before = instances.data.copy()
    number = layer.data[1][layer.data[1] > 0][20]
    where = np.nonzero(layer.data[1] == number)
    put(layer, (np.ones_like(where[0]), *where), 0)
    qtbot.waitUntil(lambda: not (instances.data[1] == number).any(), timeout=10_000)
    settle(qtbot, panel)
    for frame in (0, 2):
        np.testing.assert_array_equal(instances.data[frame], before[frame])
    assert len(np.unique(instances.data[1])) == len(np.unique(before[1])) - 1
