import pytest

from napari_bioseg.settings import (
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    TrainedOn,
    Workflow,
)
from napari_bioseg.settings.network_size import network_size
from napari_bioseg.widgets.train.effort import Effort, scores


def test_the_fast_preset_is_smaller_for_volumes(qtbot):
    effort = Effort(72)
    qtbot.addWidget(effort)
    image, volume = (Workflow.preset("fast", dimensions=axes) for axes in (2, 3))
    assert effort.workflow(InstanceTask()) == image
    effort.propose(3)
    assert effort.workflow(InstanceTask()) == volume
    effort.preset.buttons["accurate"].click()
    assert effort.network.settings == Workflow.preset("accurate").network
    effort.preset.buttons["fast"].click()
    assert effort.workflow(InstanceTask()) == volume
    effort.propose(2)
    assert effort.workflow(InstanceTask()) == image


def test_depth_and_batch_follow_the_data_unless_changed(qtbot):
    effort = Effort(72)
    qtbot.addWidget(effort)

    def suited(base):
        return network_size(base, (224, 224), 150.0, 900, free=2**36, gpu=True)

    effort.propose(2, suited)
    shown = effort.workflow(InstanceTask())
    assert (shown.network.depth, shown.train.batch_size) == (4, 16)
    assert effort.reasons == (
        "depth 4, as objects are large",
        "batch 16, as the GPU has room",
    )
    effort.train.settings = effort.train.settings.replace(batch_size=5)
    effort.propose(2, None)
    shown = effort.workflow(InstanceTask())
    assert (shown.network.depth, shown.train.batch_size) == (3, 5)
    effort.propose(2, suited)
    assert effort.workflow(InstanceTask()).train.batch_size == 5
    assert effort.reasons == ("depth 4, as objects are large",)
    effort.preset.buttons["balanced"].click()
    shown = effort.workflow(InstanceTask())
    assert (shown.network.depth, shown.train.batch_size) == (5, 16)


def test_what_was_changed_stays_when_volumes_come(qtbot):
    effort = Effort(72)
    qtbot.addWidget(effort)
    effort.network.settings = effort.network.settings.replace(features=20, depth=2)
    effort.train.settings = effort.train.settings.replace(epochs=7)
    effort.propose(3)
    shown = effort.workflow(InstanceTask())
    assert (shown.network.features, shown.network.depth, shown.train.epochs) == (
        20,
        2,
        7,
    )
    assert (
        shown.train.batch_size == Workflow.preset("fast", dimensions=3).train.batch_size
    )


@pytest.mark.parametrize(
    "task",
    [
        InstanceTask(channels="BCD"),
        InstanceTask(channels="Dv2"),
        InstanceTask(channels="BP", classes=3),
        SemanticTask(),
        SemanticTask(classes=4),
    ],
)
def test_the_scores_offered_to_monitor_are_those_that_training_measures(qtbot, task):
    from napari_bioseg.engine.model import Model
    from napari_bioseg.engine.validate import score_names

    small = NetworkSettings(architecture="unet", features=4, depth=1)
    workflow = Workflow(task=task, network=small, trained=TrainedOn())
    model = Model.create(workflow)
    assert sorted(scores(task)) == sorted(score_names(model))

    effort = Effort(72)
    qtbot.addWidget(effort)
    effort.show_task(task)
    box = effort.train.editor("monitor").box
    offered = [box.itemText(index) for index in range(box.count())]
    assert offered == ["validation loss", "training loss", *scores(task)]
