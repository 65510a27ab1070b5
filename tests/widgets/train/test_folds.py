"""Training in folds from the panel: several models, a summary, stop and continue."""

from __future__ import annotations

import csv

import pytest

from napari_bioseg.engine import Pair
from napari_bioseg.io import open_model, write_split
from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.predict.known_models import name_of
from napari_bioseg.widgets.train.fold_training import (
    FoldStarted,
    earlier_folds,
    training_folds,
)
from napari_bioseg.widgets.train.previews import Previews
from napari_bioseg.widgets.train.train_panel import TrainPanel


@pytest.fixture
def viewer(make_napari_viewer_proxy, own_home):
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def panel(viewer, nuclei, qtbot):
    panel = TrainPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Train", area="right")
    image, labels = nuclei
    layers = []
    for number in range(2):
        part = slice(80 * number, 80 * number + 80)
        layers.append(
            (
                viewer.add_image(image[part], name=f"cells {number}"),
                viewer.add_labels(labels[part], name=f"labels {number}"),
            )
        )
    panel.pairs.layers._touch()
    panel.pairs.layers.pairs = layers
    effort = panel.effort
    effort.network.settings = effort.network.settings.replace(features=4, depth=2)
    effort.train.settings = effort.train.settings.replace(
        epochs=12, steps=2, batch_size=2, fit_thresholds=False
    )
    effort.data.settings = effort.data.settings.replace(patch=(32, 32))
    qtbot.waitUntil(panel.train_button.isEnabled)
    return panel


def finish(panel, qtbot):
    job = panel.job
    qtbot.waitUntil(lambda: not job.active, timeout=60_000)
    assert panel.note.message == ""


def test_folds_are_trained_stopped_and_continued(panel, qtbot):
    panel.effort.folds.setValue(2)
    panel.train_button.click()
    texts = []
    panel.job.event.connect(lambda _: texts.append(panel.view.progress.format()))
    stops = []

    def stop_in_first_fold(event):
        if type(event).__name__ == "EpochDone" and not stops:
            stops.append(event)
            panel.stop_button.click()

    panel.job.event.connect(stop_in_first_fold)
    finish(panel, qtbot)
    folder = panel.place.folder
    assert any("fold 1 of 2" in text for text in texts)
    assert "of 2 folds are trained" in panel.view.result.message
    assert panel.session.model == folder  # never one fold alone

    assert "Go on with fold" in panel.continue_button.toolTip()
    panel.continue_button.click()
    finish(panel, qtbot)
    assert "2 of 2 folds are trained" in panel.view.result.message
    assert "mean" in panel.view.result.message
    assert [fold.interrupted for fold in earlier_folds(folder)] == [False, False]
    for number in (1, 2):
        assert open_model(folder / f"fold_{number}").outputs == ("B", "C")
    with (folder / "folds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["fold"] for row in rows] == ["1", "2", "mean", "sd"]
    assert panel.session.model == folder
    assert name_of(panel.session.model).endswith("(2 folds)")
    assert not panel.continue_button.isEnabled()
    assert "all 2 folds" in panel.continue_button.toolTip()


@pytest.mark.parametrize("late", ["StepDone", "Trained", "Saved"])
def test_no_fold_begins_after_stop(nuclei, tmp_path, late):
    image, labels = nuclei
    pairs = [Pair(image[:80], labels[:80], "a"), Pair(image[80:], labels[80:], "b")]
    start = Workflow.preset("fast")
    workflow = start.replace(
        network=start.network.replace(features=4, depth=2),
        train=start.train.replace(epochs=1, steps=1, batch_size=2, report=False),
        data=start.data.replace(patch=(32, 32)),
    )
    jobs = training_folds(
        lambda: pairs, workflow, tmp_path / "model", Previews(), count=2
    )
    seen = [next(jobs)]
    answer = None
    while True:
        try:
            seen.append(jobs.send(answer))
        except StopIteration:
            break
        answer = "stop" if type(seen[-1]).__name__ == late else None
    begun = [event for event in seen if isinstance(event, FoldStarted)]
    assert len(begun) == 1
    assert (tmp_path / "model" / "fold_1" / "weights.safetensors").exists() or (
        late == "StepDone"  # stopped before its first epoch was over
    )


def test_fewer_images_than_folds_is_said_beside_the_button(panel, qtbot):
    panel.effort.folds.setValue(3)
    panel.train_button.click()
    job = panel.job
    with pytest.raises(ValueError, match="3 folds need as many images"):
        qtbot.waitUntil(lambda: not job.active, timeout=60_000)
        raise job.exception
    assert "3 folds need as many images, but there are 2" in panel.note.message


def test_the_split_of_one_model_is_no_training_in_folds(tmp_path):
    write_split(tmp_path / "split.yaml", {"training": ["a"], "validation": ["b"]})
    assert earlier_folds(tmp_path) == []
