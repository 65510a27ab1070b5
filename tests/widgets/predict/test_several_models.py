"""The mean of several models: chosen in the panel, equal to the engine's."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_bioseg.widgets.predict.known_models import recent_models


@pytest.fixture
def folds(kinds, own_home):
    """A training in two folds, where models are kept."""
    folder = own_home / "napari-bioseg" / "models" / "cross"
    for number, name in enumerate(("one", "two"), start=1):
        shutil.copytree(kinds[name], folder / f"fold_{number}")
    return folder


def mean_of(kinds, image):
    from napari_bioseg.engine import predict_tiles
    from napari_bioseg.io import open_model
    from napari_bioseg.settings import PredictSettings

    models = [open_model(kinds[name], "cpu") for name in ("one", "two")]
    *_, done = predict_tiles(image[None], models, PredictSettings(device="cpu"))
    *_, first = predict_tiles(image[None], models[0], PredictSettings(device="cpu"))
    assert abs(done.data - first.data).max() > 0.01  # they do differ
    return done.data


def test_a_second_model_is_averaged_and_taken_away_again(use, viewer, nuclei, kinds):
    viewer.add_image(nuclei[0], name="cells")
    panel = use.panel("two")
    panel.model.model = kinds["one"]
    assert panel.model.add.isEnabled()
    use.click(panel.model.add)
    (row,) = panel.model.more.rows
    assert row.model == kinds["two"]
    assert panel.model.models == [kinds["one"], kinds["two"]]
    assert "mean of 2 models" in panel.model.note.message
    use.predict(panel)
    mean = mean_of(kinds, nuclei[0])
    np.testing.assert_allclose(viewer.layers["cells B"].data, mean[0], atol=1e-5)
    notes = viewer.layers["cells B"].metadata["bioseg"]
    assert notes["model"] == str(kinds["one"])
    use.click(row.remove)
    assert panel.model.models == [kinds["one"]]
    assert "mean of" not in panel.model.note.message
    use.predict(panel)
    assert abs(viewer.layers["cells B"].data - mean[0]).max() > 0.01


def test_folds_are_one_entry(use, viewer, nuclei, kinds, folds):
    viewer.add_image(nuclei[0], name="cells")
    panel = use.panel()
    listed = [panel.model.combo.itemText(i) for i in range(panel.model.combo.count())]
    assert "cross (2 folds)" in listed
    use.pick(panel.model.combo, "cross (2 folds)")
    assert panel.model.problem == ""
    assert "mean of 2 models" in panel.model.note.message
    use.predict(panel)
    mean = mean_of(kinds, nuclei[0])
    np.testing.assert_allclose(viewer.layers["cells C"].data, mean[1], atol=1e-5)


def test_one_fold_alone_says_whose_it_is(use, folds):
    panel = use.panel()
    panel.model.model = folds / "fold_2"
    assert panel.model.combo.currentText() == "cross / fold_2"
    assert panel.model.models == [folds / "fold_2"]


def test_a_fold_that_is_not_finished_takes_no_part(use, folds):
    (folds / "fold_2" / "weights.safetensors").unlink()
    assert recent_models(folds.parent) == [folds]
    panel = use.panel()
    panel.model.model = folds
    assert panel.model.models == [folds / "fold_1"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("deep", "deep has dimensions 3, but one has 2"),
        ("colour", "colour has input channels 3, but one has 1"),
        ("other", "other has outputs B C D, but one has B C"),
    ],
)
def test_models_that_do_not_fit_together_are_named(
    use, viewer, nuclei, kinds, other, message
):
    viewer.add_image(nuclei[0], name="cells")
    panel = use.panel(other)
    panel.model.model = kinds["one"]
    use.click(panel.model.add)
    assert message in panel.model.note.message
    assert panel.model.note.kind == "error"
    assert not panel.predict_button.isEnabled()
    use.click(panel.model.more.rows[0].remove)
    assert panel.predict_button.isEnabled()


def test_without_another_model_nothing_can_be_added(use, kinds):
    panel = use.panel()
    assert not panel.model.add.isEnabled()
    assert "no other model" in panel.model.add.toolTip()


def test_a_model_that_went_is_not_left_out_in_silence(
    use, viewer, nuclei, own_home, kinds
):
    viewer.add_image(nuclei[0], name="cells")
    folder = own_home / "napari-bioseg" / "models" / "second"
    shutil.copytree(kinds["two"], folder)
    panel = use.panel()
    use.click(panel.model.add)
    assert panel.model.more.models == [folder]
    folder.rename(folder.with_name("elsewhere"))
    panel.model.refresh()
    assert panel.model.more.models == [folder]
    use.predict(panel)
    assert "second" in panel.note.message
    assert "cells B" not in use.names()
