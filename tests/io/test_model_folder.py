"""Models on disk: opened whole, or refused with the reason."""

import subprocess
import sys

import numpy as np
import pytest
import yaml

from napari_bioseg.io import (
    ModelError,
    open_model,
    peek_model,
    save_model,
    save_settings,
)
from napari_bioseg.settings import (
    InstanceTask,
    NetworkSettings,
    SemanticTask,
    TrainedOn,
    Workflow,
)

TINY = NetworkSettings(features=4, depth=1)
FACTS = TrainedOn(in_channels=2, spacing=(0.5, 0.5), epochs=3, best_epoch=2, score=0.1)


def model_of(seed=0, **changes):
    from napari_bioseg.engine import Model

    values = {"network": TINY, "trained": FACTS, **changes}
    return Model.create(Workflow(**values), seed=seed)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model on disk that no test changes."""
    return save_model(model_of(), tmp_path_factory.mktemp("models") / "deep" / "tiny")


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of it to spoil."""
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def weights_of(model):
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task": SemanticTask(classes=4)},
        {"task": InstanceTask(channels="BCD"), "trained": TrainedOn()},
        {"trained": TrainedOn(dimensions=3, spacing=(2.0, 0.5, 0.5))},
    ],
)
def test_there_and_back(tmp_path, changes):
    model = model_of(seed=5, **changes)
    assert save_model(model, tmp_path / "m") == tmp_path / "m"
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == [
        "weights.safetensors",
        "workflow.yaml",
    ]
    back = open_model(str(tmp_path / "m"), device="cpu")
    assert back.workflow == model.workflow == peek_model(tmp_path / "m")
    old, new = weights_of(model), weights_of(back)
    assert list(old) == list(new)
    assert all(np.array_equal(old[name], new[name]) for name in old)


def test_same_prediction(saved):
    from napari_bioseg.engine import predict_array

    image = np.random.default_rng(0).random((2, 40, 40), np.float32)
    one, two = (predict_array(image, m) for m in (model_of(), open_model(saved)))
    assert np.array_equal(one, two)


def test_either_file_stands_for_the_folder(saved):
    assert peek_model(saved / "workflow.yaml") == peek_model(saved)
    assert open_model(saved / "weights.safetensors").outputs == ("B", "C")


def test_peeking_needs_no_torch(saved):
    code = (
        "import sys; from napari_bioseg.io import peek_model;"
        f"peek_model({str(saved)!r}); print('torch' in sys.modules)"
    )
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert out.stdout.strip() == "False"


def test_saving_again_replaces_the_model_alone(folder):
    (folder / "state.safetensors").write_text("training goes on")
    save_model(model_of(seed=9), folder)
    old, new, back = (
        weights_of(m)["head.weight"]
        for m in (model_of(), model_of(seed=9), open_model(folder))
    )
    assert np.array_equal(back, new)
    assert not np.array_equal(back, old)
    assert (folder / "state.safetensors").read_text() == "training goes on"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_model_folder import model_of
from napari_bioseg.io import save_model
model = model_of(seed=9)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    save_model(model, {folder!r})
except OSError as error:
    print("OSError:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes as Unix does")
@pytest.mark.parametrize("limit", [100, 10_000])
def test_full_disk_leaves_the_old_model(folder, limit):
    before = weights_of(open_model(folder))
    tests = __file__.rsplit("/", 1)[0]
    code = FULL_DISK.format(tests=tests, limit=limit, folder=str(folder))
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert out.stdout.startswith("OSError: "), out.stderr
    assert "too large" in out.stdout
    after = weights_of(open_model(folder))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert len(list(folder.iterdir())) == 2, "nothing half-written stays"


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-7] ^= 0x40
    path.write_bytes(bytes(data))


def change_yaml(folder, **changes):
    path = folder / "workflow.yaml"
    values = yaml.safe_load(path.read_text())
    for name, value in changes.items():
        part = values
        *parents, last = name.split("__")
        for parent in parents:
            part = part[parent]
        part[last] = value
    path.write_text(yaml.safe_dump(values))


def change_tensors(folder, change, **about):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = folder / "weights.safetensors"
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    weights = load_file(path)
    change(weights)
    del metadata["sha256"]  # so that only the tensors themselves speak
    save_file(weights, path, metadata={**metadata, **about})


SPOILED = {
    "no yaml": (
        lambda f: (f / "workflow.yaml").unlink(),
        r"incomplete: workflow\.yaml is missing",
    ),
    "no weights": (
        lambda f: (f / "weights.safetensors").unlink(),
        r"incomplete: weights\.safetensors is missing",
    ),
    "cut in the numbers": (
        lambda f: cut(f / "weights.safetensors", 0.7),
        r"weights\.safetensors is damaged or cut short \(.*\); copy the model again",
    ),
    "cut in the header": (
        lambda f: cut(f / "weights.safetensors", 0.01),
        "damaged or cut short",
    ),
    "empty weights": (
        lambda f: (f / "weights.safetensors").write_bytes(b""),
        "damaged or cut short",
    ),
    "a flipped bit": (
        lambda f: flip(f / "weights.safetensors"),
        "damaged: its numbers are not the ones that were saved",
    ),
    "a pickle": (
        lambda f: (f / "weights.safetensors").write_bytes(b"\x80\x02}q\x00."),
        "damaged or cut short",
    ),
    "other network": (
        lambda f: change_yaml(f, network__features=8),
        r"does not belong to the network in workflow\.yaml: .*\.weight has shape",
    ),
    "deeper network": (
        lambda f: change_yaml(f, network__depth=2),
        r"does not belong .* missing",
    ),
    "tensor lost": (
        lambda f: change_tensors(f, lambda w: w.pop(sorted(w)[0])),
        r"does not belong to the network .*: \S+ is missing; one of the two files",
    ),
    "tensors too many": (
        lambda f: change_tensors(f, lambda w: w.update(extra=w[sorted(w)[0]].clone())),
        "extra is unknown",
    ),
    "newer weights": (
        lambda f: change_tensors(f, lambda w: None, format="2"),
        "has format 2, this version reads up to 1; update napari-bioseg",
    ),
    "newer settings": (
        lambda f: change_yaml(f, format=2),
        "has format 2, this version reads up to 1; update napari-bioseg",
    ),
    "unknown setting": (
        lambda f: change_yaml(f, train__magic=1),
        r"workflow\.yaml: train\.magic: no such setting",
    ),
    "yaml that runs code": (
        lambda f: (f / "workflow.yaml").write_text("!!python/object/apply:os.abort []"),
        r"cannot read workflow .*workflow\.yaml",
    ),
    "never trained": (
        lambda f: change_yaml(f, trained=None),
        "settings that were never trained",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_damage_is_named(folder, how):
    act, message = SPOILED[how]
    act(folder)
    with pytest.raises(ModelError, match=message):
        open_model(folder)


def test_what_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"there is no model folder .*gone"):
        open_model(tmp_path / "gone")
    with pytest.raises(ModelError, match=r"is no model: it lacks workflow\.yaml and w"):
        peek_model(tmp_path)
    (tmp_path / "checkpoint.pth").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ModelError, match=r"another program \(checkpoint\.pth\)"):
        open_model(tmp_path)
    with pytest.raises(
        ModelError, match=r"is a file, but a model is a folder .* not op"
    ):
        open_model(tmp_path / "checkpoint.pth")


def test_device_that_is_not_there(saved):
    import torch

    absent = "mps" if torch.cuda.is_available() else "cuda"  # no machine has both
    with pytest.raises(ValueError, match=absent):
        open_model(saved, device=absent)


def test_new_thresholds_are_kept(folder):
    old = peek_model(folder)
    tuned = old.replace(instances=old.instances.replace(seed_binary=0.4))
    save_settings(tuned, folder)
    assert open_model(folder).workflow.instances.seed_binary == 0.4
    other = tuned.replace(task=InstanceTask(channels="BCD"))
    with pytest.raises(ModelError, match=r"belong to another model .*: task is"):
        save_settings(other, folder)
    assert peek_model(folder) == tuned


def test_whoever_may_read_the_settings_may_read_the_weights(saved):
    modes = {file.name: file.stat().st_mode for file in saved.iterdir()}
    assert modes["weights.safetensors"] == modes["workflow.yaml"]
