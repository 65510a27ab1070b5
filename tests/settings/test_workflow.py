"""A workflow and its YAML file are the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_bioseg.settings import (
    CleanupSettings,
    Contour,
    DataSettings,
    Distance,
    FillHoles,
    InstanceSettings,
    InstanceTask,
    RemoveSmall,
    SemanticTask,
    TrainedOn,
    Workflow,
    WorkflowError,
    ZScoreNormalization,
)

CHANGED = Workflow(
    task=InstanceTask(channels=["B", Contour(mode="inner"), Distance(scale="none")]),
    data=DataSettings(patch=(16, 64, 64), normalization=ZScoreNormalization()),
    cleanup=CleanupSettings(steps=(FillHoles(), RemoveSmall(size=3))),
    trained=TrainedOn(dimensions=3, in_channels=2, spacing=(2.0, 0.5, 0.5)),
)


@pytest.mark.parametrize(
    "workflow",
    [
        Workflow(),
        CHANGED,
        Workflow(task=SemanticTask(classes=3)),
        *(Workflow.preset(name) for name in ("fast", "balanced", "accurate")),
        Workflow.preset("fast", dimensions=3),
    ],
)
def test_yaml_round_trip(workflow: Workflow, tmp_path: Path) -> None:
    text = workflow.to_yaml(tmp_path / "w.yaml")
    assert Workflow.from_yaml(tmp_path / "w.yaml") == workflow
    assert (tmp_path / "w.yaml").read_text(encoding="utf-8") == text


def test_a_file_needs_only_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("task: {kind: instance, channels: BCM}\ntrain: {epochs: 3}\n")
    workflow = Workflow.from_yaml(path)
    assert workflow.outputs == ("B", "C", "M")
    assert workflow.train.epochs == 3
    assert workflow.data == Workflow().data


def test_outputs_of_semantic_tasks() -> None:
    assert Workflow(task=SemanticTask()).outputs == ("foreground",)
    names = Workflow(task=SemanticTask(classes=3)).outputs
    assert names == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train": {"epochs": 0}}, r"train.epochs = 0: must be 1 to 100,000$"),
        ({"train": {"epoch": 5}}, r"train.epoch: no such setting; there are .*epochs"),
        ({"trian": {}}, r"trian: no such setting; there are .*train"),
        (
            {"instances": {"seed_binary": "high"}},
            r"instances.seed_binary = 'high': must be 0 to 1, or 'auto', 'off'",
        ),
        ({"data": {"patch": [3]}}, r"data.patch.*2 or 3 sizes"),
        ({"data": {"patch": ["a", "b"]}}, r"^[^\n]*data.patch = [^\n]*'auto'$"),
        (
            {"task": {"kind": "instance", "channels": "BX"}},
            "cannot read channels 'BX'",
        ),
        ({"task": {"kind": "panoptic"}}, "'instance', 'semantic'"),
        (
            {"task": {"kind": "instance", "channels": [{"name": "C", "mode": "x"}]}},
            "task.channels.mode = 'x': must be 'thick', 'inner'",
        ),
        ({"format": 2}, "has format 2, this version reads up to 1; update"),
        (
            {"cleanup": {"steps": [{"step": "remove_small", "size": 0}]}},
            "cleanup.steps.size = 0: must be 1",
        ),
    ],
)
def test_errors_name_the_setting(values: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkflowError, match=message):
        Workflow.from_values(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "holds list, not settings"),
        ("a: [", "cannot read workflow"),
        ("!!python/object/apply:os.system ['true']", "cannot read workflow"),
    ],
)
def test_files_that_are_no_workflow(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(text)
    with pytest.raises(WorkflowError, match=message):
        Workflow.from_yaml(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="cannot read workflow"):
        Workflow.from_yaml(tmp_path / "none.yaml")


def test_off_may_be_written_without_quotes(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yaml"
    path.write_text(
        "instances: {seed_contour: off, seed_distance: off, foreground_binary: 0.25}\n"
        "semantic: {thresholds: [0.3, off]}\n"
    )
    workflow = Workflow.from_yaml(path)
    assert workflow.instances.seed_contour == "off"
    assert workflow.instances.seed_distance == "off"
    assert workflow.semantic.thresholds == (0.3, "off")
    workflow.to_yaml(path)
    assert Workflow.from_yaml(path) == workflow


def test_untrained_settings_choose_their_thresholds_anew(tmp_path):
    given = Workflow(instances=InstanceSettings(seed_contour=0.4))
    fitted = InstanceSettings(seed_binary=0.8, foreground_binary=0.3)
    found = given.instances.replace(seed_binary=0.8, foreground_binary=0.3)
    model = given.replace(instances=found, trained=TrainedOn(fitted=fitted))
    model.to_yaml(tmp_path / "workflow.yaml")
    assert Workflow.from_yaml(tmp_path / "workflow.yaml") == model
    assert model.untrained() == given
    # but what somebody set in the meantime stays
    tuned = model.replace(instances=found.replace(seed_binary=0.6))
    assert tuned.untrained().instances.seed_binary == 0.6
    assert tuned.untrained().instances.foreground_binary == "auto"
    assert CHANGED.untrained() == CHANGED.replace(trained=None)
