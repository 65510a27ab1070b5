import pytest

from napari_bioseg.settings import (
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    TrainedOn,
    Workflow,
)
from napari_bioseg.widgets.train.effort import Effort, scores


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
