"""What layers and model folders keep of the tuning."""

import numpy as np

from napari_bioseg.channels import Prediction, decode
from napari_bioseg.cleanup import apply
from napari_bioseg.settings import (
    FillHoles,
    InstanceSettings,
    InstanceTask,
    NetworkSettings,
    RemoveSmall,
    SemanticSettings,
    TrainedOn,
    Workflow,
)
from napari_bioseg.widgets.tune.tuned_model import save_tuning
from napari_bioseg.widgets.tune.tuning import Tuning

from .drawing import add_prediction, settle


def test_layers_say_how_they_were_made(panel, viewer, qtbot):
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    panel.cleanup.editor("steps").add(FillHoles())
    settle(qtbot, panel)
    held = viewer.layers["cells instances"].metadata["bioseg"]
    assert (held["role"], held["source"], held["run"]) == (
        "instances",
        "cells",
        "first",
    )
    workflow = Workflow.from_values(held["workflow"])
    assert workflow.outputs == ("B", "C")
    assert workflow.instances == InstanceSettings(seed_binary=0.7)
    assert workflow.cleanup.steps == (FillHoles(),)


def test_tuning_starts_from_the_settings_of_the_model(viewer, open_panel, prediction):
    workflow = Workflow(
        task=InstanceTask(channels="BC"),
        instances=InstanceSettings(seed_binary=0.66),
    )
    values = workflow.model_dump(mode="json")
    add_prediction(viewer, prediction, "BC", notes={"workflow": values})
    panel = open_panel(viewer)
    assert panel.tuning.instances.seed_binary == 0.66
    assert panel.thresholds.rows["seed_binary"].box.value() == 0.66


def test_settings_of_another_version_do_not_stand_in_the_way(
    viewer, open_panel, prediction
):
    more = {"workflow": {"format": 99, "magic": True}}
    add_prediction(viewer, prediction, "BC", notes=more)
    panel = open_panel(viewer)
    assert panel.tuning == Tuning()
    assert "objects" in panel.status.text()


def test_save_to_model(viewer, open_panel, qtbot, prediction, tmp_path):
    before = Workflow(task=InstanceTask(channels="BC")).replace()
    before.to_yaml(tmp_path / "workflow.yaml")
    more = {"model": str(tmp_path)}
    add_prediction(viewer, prediction, "BC", notes=more)
    panel = open_panel(viewer)
    assert panel.saving.button.isEnabled()
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    panel.cleanup.editor("steps").add(RemoveSmall(size=7))
    panel.saving.button.click()
    assert "Saved to" in panel.saving.note.text()
    after = Workflow.from_yaml(tmp_path / "workflow.yaml")
    assert after.instances.seed_binary == 0.7
    assert after.cleanup.steps == (RemoveSmall(size=7),)
    assert after.task == before.task
    assert [path.name for path in tmp_path.iterdir()] == ["workflow.yaml"]

    (tmp_path / "workflow.yaml").write_text("train: nonsense")
    panel.saving.button.click()
    assert "not saved" in panel.saving.note.text()
    settle(qtbot, panel)


def test_without_a_model_nothing_can_be_saved_and_it_says_why(panel):
    assert not panel.saving.button.isEnabled()
    assert "does not say which model" in panel.saving.button.toolTip()


def test_labels_edited_unseen_are_set_aside(panel, viewer, qtbot):
    """A layer that was edited while nobody watched it becomes the user's own."""
    layer = viewer.layers["cells instances"]
    twin = viewer.add_labels(layer.data.copy(), name="other")
    notes = dict(layer.metadata["bioseg"])
    viewer.layers.remove("cells instances")
    settle(qtbot, panel)
    twin.name = "cells instances"
    twin.data[3, 4] = 77
    twin.metadata["bioseg"] = {**notes, "edited": True}
    panel.thresholds.rows["seed_binary"].box.setValue(0.7)
    settle(qtbot, panel)
    assert twin.name == "cells instances edited"
    assert twin.data[3, 4] == 77
    assert viewer.layers["cells instances"].data[3, 4] != 77


def test_what_is_shown_is_what_the_command_line_computes(panel, viewer, qtbot):
    """The workflow noted in the layer gives the layer's labels, exactly."""
    panel.thresholds.rows["seed_binary"].box.setValue(0.62)
    panel.cleanup.editor("steps").add(RemoveSmall(size=25))
    settle(qtbot, panel)
    layer = viewer.layers["cells instances"]
    workflow = Workflow.from_values(layer.metadata["bioseg"]["workflow"])
    data = np.stack([viewer.layers[f"cells {n}"].data for n in workflow.outputs])
    found = decode(Prediction(data, workflow.outputs), workflow.instances)
    expected = apply(found.labels, workflow.cleanup.steps)
    np.testing.assert_array_equal(layer.data, expected)


def test_a_model_with_tuned_settings_opens_as_before(tmp_path):
    from napari_bioseg.engine import Model
    from napari_bioseg.io import open_model, peek_model, save_model

    workflow = Workflow(
        task=InstanceTask(channels="BC"),
        network=NetworkSettings(features=4, depth=1),
        trained=TrainedOn(),
    )
    folder = tmp_path / "model"
    save_model(Model.create(workflow), folder)
    tuned = Tuning(InstanceSettings(seed_binary=0.7), SemanticSettings())
    save_tuning(folder, tuned)
    opened = open_model(folder, device="cpu").workflow
    assert opened == peek_model(folder)
    assert opened.instances == tuned.instances
    assert opened.network == workflow.network
