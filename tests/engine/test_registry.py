"""Networks and losses of the user's own: only what is registered or allowed runs."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bioseg.engine import Model, predict_array
from napari_bioseg.engine.loss import Loss
from napari_bioseg.engine.networks import registry
from napari_bioseg.engine.networks.registry import (
    CustomError,
    allow,
    custom_network,
    register_loss,
    register_network,
)
from napari_bioseg.io import ModelError, open_model, save_model
from napari_bioseg.settings import (
    InstanceTask,
    NetworkSettings,
    TrainedOn,
    Workflow,
)

MODULE = """
from pathlib import Path
import torch

Path(__file__).with_name("was_run").touch()


class Shallow(torch.nn.Module):
    multiple = 4
    halo = 1

    def __init__(self, inputs, outputs, settings, dimensions):
        super().__init__()
        kind = torch.nn.Conv2d if dimensions == 2 else torch.nn.Conv3d
        self.only = kind(inputs, outputs, 3, padding=1)

    def forward(self, x):
        assert x.shape[-1] % 4 == 0
        return self.only(x)


NUMBER = 3
"""


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(registry, "_known", {})
    monkeypatch.setattr(registry, "_allowed", set())


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that leaves a trace when it is imported."""
    (tmp_path / "of_the_user.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "was_run"
    sys.modules.pop("of_the_user", None)


def workflow(name: str, **values) -> Workflow:
    return Workflow(network=NetworkSettings(custom=name), trained=TrainedOn(**values))


SHALLOW = "of_the_user:Shallow"


def test_a_network_by_its_path_runs_when_it_is_allowed(module: Path):
    allow(SHALLOW)
    assert not module.exists()
    model = Model.create(workflow(SHALLOW))
    assert module.exists()
    assert (model.shape.multiple, model.shape.halo) == ((4, 4), (4, 4))
    assert not model.shape.sees_all
    assert predict_array(np.ones((1, 21, 30), np.uint8), model).shape == (2, 21, 30)
    twin = Model.create(workflow(SHALLOW), seed=5)
    twin.load_state_dict(model.state_dict())


def test_settings_alone_import_nothing(module: Path, tmp_path):
    path = tmp_path / "evil.yaml"
    for custom in (SHALLOW, "of_the_user", "os:system", "builtins:exec"):
        workflow(custom).to_yaml(path)
        read = Workflow.from_yaml(path)
        with pytest.raises(CustomError, match="would run code that is not part of"):
            Model.create(read)
    task = InstanceTask(custom_loss="of_the_user:Shallow")
    with pytest.raises(CustomError, match=r"the loss 'of_the_user:Shallow'.*--allow"):
        Loss(Model.create(Workflow(task=task, trained=TrainedOn())))
    assert not module.exists()
    assert "of_the_user" not in sys.modules


def test_a_model_folder_runs_nothing_unless_it_is_allowed(module: Path, tmp_path):
    allow(SHALLOW)
    model = Model.create(workflow(SHALLOW))
    folder = save_model(model, tmp_path / "model")
    module.unlink()
    sys.modules.pop("of_the_user")
    registry._known.clear()
    registry._allowed.clear()
    with pytest.raises(ModelError, match=r"want the network 'of_the_user:Shallow'"):
        open_model(folder, "cpu")
    assert not module.exists()
    opened = open_model(folder, "cpu", allow=[SHALLOW])
    image = np.arange(400, dtype=np.uint8).reshape(1, 20, 20)
    np.testing.assert_array_equal(
        predict_array(image, opened), predict_array(image, model)
    )


def test_code_hidden_in_yaml_is_not_run(tmp_path):
    path = tmp_path / "evil.yaml"
    trace = tmp_path / "was_run"
    path.write_text(
        f"network: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:"
        f"pathlib.Path ['{trace}']]\n"
    )
    with pytest.raises(ValueError, match="cannot read workflow"):
        Workflow.from_yaml(path)
    assert not trace.exists()


def test_registered_networks_are_known_by_name():
    class Mine(torch.nn.Conv3d):
        def __init__(self, inputs, outputs, settings, dimensions):
            assert (settings.features, dimensions) == (16, 3)
            super().__init__(inputs, outputs, 1)

    register_network("mine", Mine)
    model = Model.create(workflow("mine", dimensions=3, spacing=(2.0, 1.0, 1.0)))
    assert model.shape.sees_all  # it says nothing about how far it looks
    assert predict_array(np.ones((1, 3, 9, 9)), model).shape == (2, 3, 9, 9)
    register_network("mine", Mine)  # the same again does no harm
    with pytest.raises(ValueError, match="'mine' is registered already"):
        register_network("mine", torch.nn.Conv2d)
    with pytest.raises(CustomError, match=r"'mina'.* there are mine"):
        custom_network("mina")


def test_installed_packages_offer_networks(module: Path, monkeypatch):
    offered = EntryPoint("shallow", SHALLOW, "napari_bioseg.networks")
    broken = EntryPoint("broken", "of_the_user:Gone", "napari_bioseg.networks")
    points = EntryPoints([offered, broken])
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert Model.create(workflow("shallow")).shape.multiple == (4, 4)
    with pytest.raises(CustomError, match=r"'broken' cannot be imported.*'Gone'"):
        custom_network("broken")


def test_losses_of_the_user_replace_all_others():
    register_loss("mine", lambda logits, targets: (logits - targets).abs().max())
    task = InstanceTask(custom_loss="mine")
    loss = Loss(Model.create(Workflow(task=task, trained=TrainedOn())))
    targets = torch.zeros(1, 2, 4, 4)
    assert float(loss(targets + 3, targets)) == 3


def test_a_network_that_changes_the_size_is_refused():
    register_network(
        "shrinks", lambda inputs, outputs, *_: torch.nn.Conv2d(inputs, outputs, 3)
    )
    model = Model.create(workflow("shrinks"))
    with pytest.raises(ValueError, match=r"'shrinks' returned shape \(1, 2, 30, 30\)"):
        predict_array(np.ones((1, 20, 20), np.uint8), model)


@pytest.mark.parametrize("path", ["os.system", "a:b:c", "a b:c", ":x", "x:", "../a:b"])
def test_paths_that_are_none_are_refused(path):
    with pytest.raises(
        ValueError, match=r"no Python path; write it as package\.module"
    ):
        allow(path)


def test_what_is_no_network_is_refused(module: Path):
    allow("of_the_user:NUMBER")
    with pytest.raises(CustomError, match="is a int, but must be a class or function"):
        custom_network("of_the_user:NUMBER")
    allow("of_the_user_not:There")
    with pytest.raises(CustomError, match="No module named 'of_the_user_not'"):
        custom_network("of_the_user_not:There")
