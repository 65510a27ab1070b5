from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_bioseg.engine import Model, predict_array
from napari_bioseg.engine.device import choose_device
from napari_bioseg.settings import (
    Binary,
    Distance,
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    TrainedOn,
    Workflow,
)

SMALL = NetworkSettings(features=4, depth=2)


def model_for(task=None, **facts) -> Model:
    workflow = Workflow(
        task=task or InstanceTask(), network=SMALL, trained=TrainedOn(**facts)
    )
    return Model.create(workflow)


def test_a_model_knows_what_it_is_for():
    model = model_for(InstanceTask(channels="BCD"), dimensions=3, in_channels=2,
                      spacing=(2.0, 1.0, 1.0))  # fmt: skip
    assert (model.outputs, model.dimensions, model.in_channels) == (
        ("B", "C", "D"), 3, 2,
    )  # fmt: skip
    assert model.device == torch.device("cpu")
    assert model.shape.multiple == (2, 4, 4)
    assert model.parameters == sum(w.numel() for w in model.network.parameters())


def test_weights_depend_on_the_seed_and_leave_torch_alone():
    before = torch.random.get_rng_state()
    workflow = Workflow(network=SMALL, trained=TrainedOn())
    first, same, other = (Model.create(workflow, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    weight = "head.weight"
    assert torch.equal(first.state_dict()[weight], same.state_dict()[weight])
    assert not torch.equal(first.state_dict()[weight], other.state_dict()[weight])


def test_a_copy_has_weights_of_its_own():
    model = model_for()
    copy = model.copy()
    with torch.no_grad():
        copy.network.head.weight.zero_()
    assert model.network.head.weight.abs().sum() > 0


def test_a_workflow_that_saw_no_images_makes_no_model():
    with pytest.raises(ValueError, match=r"workflow\.trained is empty"):
        Model.create(Workflow())


def test_weights_of_another_network_are_refused():
    other = Model.create(
        Workflow(network=SMALL.replace(features=8), trained=TrainedOn())
    )
    with pytest.raises(ValueError, match=r"belong to another network.*features=4"):
        model_for().load_state_dict(other.state_dict())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32, 32), r"shape \(32, 32\), but the model was trained on 2-D"),
        ((1, 8, 32, 32), r"shape \(1, 8, 32, 32\), but .* 2-D images, \(C, Y, X\)"),
        ((3, 32, 32), r"3 channels .* but the model was trained on 1;"),
        ((1, 0, 32), "the image is empty"),
    ],
)
def test_images_that_do_not_suit_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        predict_array(np.zeros(shape, np.uint8), model_for())


@pytest.mark.parametrize(
    ("task", "channels"),
    [
        (InstanceTask(channels="BCD"), 3),
        (SemanticTask(classes=2), 1),
        (SemanticTask(classes=4), 4),
    ],
)
def test_predictions_are_probabilities(task, channels):
    image = np.random.default_rng(0).integers(0, 255, (1, 21, 34)).astype(np.uint8)
    values = predict_array(image, model_for(task))
    assert values.shape == (channels, 21, 34)
    assert values.dtype == np.float32
    assert 0 <= values.min() < values.max() <= 1
    if channels == 4:
        np.testing.assert_allclose(values.sum(axis=0), 1, rtol=1e-5)


def test_distances_in_units_are_left_linear():
    model = model_for(InstanceTask(channels=[Binary(), Distance(scale="none")]))
    logits = torch.full((1, 2, 2, 2), 5.0)
    values = model.activate(logits)
    assert torch.equal(values[:, 1], logits[:, 1])
    assert torch.equal(values[:, 0], torch.sigmoid(logits[:, 0]))


def test_prediction_leaves_a_learning_network_learning():
    model = model_for()
    model.network.train()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    predict_array(np.ones((1, 20, 20), np.uint8), model)
    assert model.network.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_device_that_is_not_there_is_refused():
    assert choose_device("cpu").type == "cpu"
    missing = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(ValueError, match=f"device = '{missing}', but torch finds only"):
        choose_device(missing)
