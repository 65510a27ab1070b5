"""Predictions and results on disk: whole, recognisable, never overwritten silently."""

import dask.array as da
import numpy as np
import pytest

from napari_bioseg.io import (
    create_prediction,
    image_info,
    read_image,
    read_labels,
    read_prediction,
    write_prediction,
    write_results,
    write_workflow,
)
from napari_bioseg.io.results import kept_workflow
from napari_bioseg.settings import (
    InstanceSettings,
    InstanceTask,
    PredictSettings,
    SemanticTask,
    Workflow,
    WorkflowError,
)

TUNED = Workflow(instances=InstanceSettings(seed_binary=0.4))


def channels(workflow, size=(20, 30)):
    shape = (len(workflow.outputs), *size)
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
@pytest.mark.parametrize(
    ("workflow", "size"),
    [
        (TUNED, (20, 30)),
        (TUNED.replace(task=InstanceTask(channels="BCDv2")), (5, 20, 30)),
        (TUNED.replace(task=SemanticTask()), (20, 30)),
        (TUNED.replace(task=SemanticTask(classes=4)), (3, 20, 30)),
    ],
)
def test_predictions(tmp_path, suffix, workflow, size):
    data = channels(workflow, size)
    spacing = (2.0, 0.5, 0.5)[-len(size) :]
    path = write_prediction(
        tmp_path / f"a{suffix}", data, workflow, spacing=spacing, unit="um", source="x"
    )
    found = read_prediction(path)
    assert np.array_equal(np.asarray(found.data), data)
    assert isinstance(found.data, da.Array) == (suffix == ".zarr")
    assert (found.channels, found.spacing) == (workflow.outputs, spacing)
    assert (found.unit, found.source, found.workflow) == ("um", "x", workflow)
    loaded = found.load()
    assert (loaded.channels, loaded.spacing) == (workflow.outputs, spacing)
    assert np.array_equal(loaded.data, data)


def test_filled_tile_by_tile(tmp_path):
    data = channels(TUNED)
    target = create_prediction(tmp_path / "a.zarr", (20, 30), TUNED, spacing=(2.0, 1.0))
    target[:, :10], target[:, 10:] = data[:, :10], data[:, 10:]
    found = read_prediction(tmp_path / "a.zarr")
    assert np.array_equal(found.load().data, data)
    assert (found.spacing, found.workflow) == ((2.0, 1.0), TUNED)


def test_predictions_of_other_programs(tmp_path):
    np.save(tmp_path / "a.npy", channels(TUNED))
    found = read_prediction(tmp_path / "a.npy")
    assert (found.channels, found.workflow, found.source) == ((), None, "")
    assert found.load("BC").channels == ("B", "C")
    with pytest.raises(
        ValueError, match=r"a\.npy does not say what its 2 channels are"
    ):
        found.load()
    with pytest.raises(ValueError, match=r"a\.npy: the prediction has 2 channels"):
        found.load("BCD")


def test_settings_in_a_prediction_that_cannot_be_read(tmp_path):
    path = write_prediction(tmp_path / "a.tif", channels(TUNED), TUNED)
    data = path.read_bytes()
    for coding in ("ascii", "utf-16-le", "utf-16-be"):  # wherever TIFF keeps its texts
        old, new = (f'"format": {n}'.encode(coding) for n in (1, 7))
        data = data.replace(old, new)
    path.write_bytes(data)
    with pytest.raises(WorkflowError, match=r"a\.tif has format 7, this version reads"):
        read_prediction(path)


@pytest.mark.parametrize("format", ["tif", "zarr"])
def test_results(tmp_path, format):
    data, labels = channels(TUNED), np.arange(600).reshape(20, 30)
    paths = write_results(
        tmp_path / "out",
        "cell.1",
        TUNED,
        prediction=data,
        labels=labels,
        spacing=(0.5, 0.5),
        unit="um",
        format=format,
    )
    names = [path.relative_to(tmp_path / "out").as_posix() for path in paths]
    own = "bioseg.zarr" if format == "zarr" else "tif"
    assert names == [f"predictions/cell.1.{own}", f"labels/cell.1.{own}"]
    assert np.array_equal(np.asarray(read_image(paths[0])), data)
    assert np.array_equal(read_labels(paths[1]), labels)
    assert image_info(paths[0]).spacing == (0.5, 0.5)
    assert Workflow.from_yaml(tmp_path / "out" / "workflow.yaml") == TUNED


def test_nothing_is_replaced_silently(tmp_path):
    labels = np.ones((20, 30), int)
    write_results(tmp_path, "a", TUNED, labels=labels)
    with pytest.raises(ValueError, match=r"labels.a\.tif exists already"):
        write_results(tmp_path, "a", TUNED, prediction=channels(TUNED), labels=labels)
    assert not (tmp_path / "predictions").exists(), "nothing was begun"
    write_results(tmp_path, "b", TUNED, labels=labels)
    with pytest.raises(ValueError, match=r"workflow\.yaml holds other settings"):
        write_results(tmp_path, "c", Workflow(), labels=labels)
    assert not (tmp_path / "labels" / "c.tif").exists()
    write_results(tmp_path, "a", Workflow(), labels=labels * 2, overwrite=True)
    assert read_labels(tmp_path / "labels" / "a.tif").max() == 2
    assert Workflow.from_yaml(tmp_path / "workflow.yaml") == Workflow()


def test_the_same_settings_may_be_written_again(tmp_path):
    path = write_workflow(tmp_path, TUNED)
    before = path.stat().st_mtime_ns
    assert write_workflow(tmp_path, TUNED) == path
    assert path.stat().st_mtime_ns == before


def test_how_results_are_computed_may_change(tmp_path):
    """Less memory, another device or cluster: the same values."""
    path = write_workflow(tmp_path, TUNED)
    computed = {"memory": 2.0, "cluster": "tcp://other:8786", "device": "cpu"}
    other = TUNED.replace(predict=PredictSettings(**computed))
    assert write_workflow(tmp_path, other) == path
    assert Workflow.from_yaml(path) == other
    turned = TUNED.replace(predict=PredictSettings(tta="mean"))
    with pytest.raises(ValueError, match="holds other settings"):
        write_workflow(tmp_path, turned)
    path.write_text("a shopping list")
    with pytest.raises(ValueError, match="holds other settings"):
        write_workflow(tmp_path, TUNED)


def test_settings_without_results_do_not_stay(tmp_path):
    data = np.zeros((5, 6), np.int32)
    with pytest.raises(OSError, match="gone"), kept_workflow(tmp_path, TUNED):
        raise OSError("gone")
    assert not (tmp_path / "workflow.yaml").exists()
    with pytest.raises(OSError, match="gone"), kept_workflow(tmp_path, Workflow()):
        write_results(tmp_path, "a", Workflow(), labels=data)
        raise OSError("gone")
    assert Workflow.from_yaml(tmp_path / "workflow.yaml") == Workflow()
    # those that were there before stay in any case
    before = tmp_path / "other"
    write_workflow(before, TUNED)
    with pytest.raises(OSError, match="gone"), kept_workflow(before, TUNED):
        raise OSError("gone")
    assert (before / "workflow.yaml").exists()
