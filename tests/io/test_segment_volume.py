"""Channels on disk to instances on disk, equal to those found in memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from scipy import ndimage

from napari_bioseg.channels import Prediction, decode, encode, object_classes
from napari_bioseg.cleanup import apply
from napari_bioseg.io import read_prediction, write_prediction
from napari_bioseg.io.block_notes import what_differs
from napari_bioseg.io.divided_cleanup import divided_cleanup
from napari_bioseg.io.segment_volume import (
    BlockDone,
    Segmented,
    fits_memory,
    segment_volume,
)
from napari_bioseg.io.unfinished import unfinished
from napari_bioseg.settings import (
    CleanupSettings,
    ClearBorder,
    FillHoles,
    InstanceSettings,
    InstanceTask,
    PredictSettings,
    RemoveLarge,
    RemoveSmall,
    SemanticTask,
    Workflow,
)

CLEAN = CleanupSettings(
    steps=(FillHoles(), RemoveSmall(size=30), ClearBorder(distance=1))
)


def channels(shape=(30, 60, 50), seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    grid = np.indices(shape)
    for label in range(1, 60):
        centre = [rng.integers(0, n) for n in shape]
        distance = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
        labels[(distance < rng.uniform(2, 6) ** 2) & (labels == 0)] = label
    soft = ndimage.gaussian_filter(encode(labels, "BC"), (0, *(0.7,) * len(shape)))
    noisy = soft + rng.normal(0, 0.03, soft.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


def stored(folder: Path, values: np.ndarray, workflow: Workflow):
    path = folder / "cells.bioseg.zarr"
    spacing = (2.0, 1.0, 1.0)[-values.ndim + 1 :]
    write_prediction(path, values, workflow, spacing=spacing, unit="um", source="cells")
    return read_prediction(path)


def same_up_to_numbers(one, other) -> bool:
    pairs = np.unique(np.stack((one.ravel(), other.ravel())).astype(np.int64), axis=1)
    firsts, seconds = len(np.unique(pairs[0])), len(np.unique(pairs[1]))
    return pairs.shape[1] == firsts == seconds


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_equal_to_memory(tmp_path, flat, dtype):
    values = channels((90, 80) if flat else (30, 60, 50))
    workflow = Workflow(cleanup=CLEAN)
    if dtype == "uint8":
        small = np.rint(values * 255).astype(np.uint8)
        found = stored(tmp_path, small, workflow)
        values = small.astype(np.float32) / np.float32(255)
    else:
        found = stored(tmp_path, values, workflow)
    whole = decode(Prediction(values, "BC"), workflow.instances)
    wanted = apply(whole.labels, CLEAN.steps)
    path = tmp_path / "out" / "cells.bioseg.zarr"
    block = (32, 32) if flat else (16, 32, 32)
    *events, done = segment_volume(found, path, workflow, block=block, halo=40)
    assert isinstance(done, Segmented)
    assert done.thresholds == pytest.approx(whole.thresholds, abs=1e-6)
    labels = zarr.open_group(path)["0"]
    assert same_up_to_numbers(labels[:], wanted)
    assert done.objects == len(np.unique(wanted)) - 1 == labels[:].max()
    assert labels.dtype == np.uint16
    assert done.notes == ()
    steps = [event.step for event in events if isinstance(event, BlockDone)]
    assert steps == sorted(steps)
    # few values are counted at the first look
    assert set(steps) == ({1, 3, 4, 5} if dtype == "uint8" else {1, 2, 3, 4, 5})
    assert not unfinished(path).exists()


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_every_pixel_votes_for_the_class_of_its_object(tmp_path, dtype):
    kinds = np.random.default_rng(1).random((3, 30, 60, 50), np.float32)
    values = np.rint(255 * np.concatenate((channels(), kinds))).astype(np.uint8)
    whole = values.astype(np.float32) / np.float32(255)
    workflow = Workflow(task=InstanceTask(classes=3))
    found = stored(tmp_path, values if dtype == "uint8" else whole, workflow)
    path = tmp_path / "a.zarr"
    *_, done = segment_volume(found, path, workflow, block=(16, 32, 32))
    labels = zarr.open_group(path)["0"][:]
    wanted = object_classes(labels, Prediction(whole, workflow.outputs))
    assert done.classes == wanted
    assert set(wanted.values()) == {1, 2}


def test_what_differs_is_said_before():
    plain, points = InstanceSettings(), ("F", "P")
    assert what_differs(("B", "C"), plain) == ()
    (said,) = what_differs(points, plain)
    assert "may lie a pixel elsewhere" in said
    (said,) = what_differs(("B", "C", "class 0", "class 1", "class 2"), plain)
    assert "into a table" in said


def test_numbers_beyond_four_billion(tmp_path):
    found = stored(tmp_path, channels((60, 50)), Workflow())
    path = tmp_path / "a.zarr"
    *_, done = segment_volume(found, path, Workflow(), first=2**33)
    labels = zarr.open_group(path)["0"]
    assert labels.dtype == np.uint64
    assert labels[:].max() == 2**33 + done.objects - 1


KILLED = """
import sys, time
from pathlib import Path
from napari_bioseg.io import read_prediction
from napari_bioseg.io.segment_volume import segment_volume
from napari_bioseg.settings import Workflow
folder, step = Path(sys.argv[1]), int(sys.argv[2])
found = read_prediction(folder / "cells.bioseg.zarr")
for event in segment_volume(found, folder / "a.zarr", Workflow(), block=(16, 32, 32)):
    if event.step == step:
        print("here", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("step", [3, 4])
def test_goes_on_after_kill_9(tmp_path, step):
    values = channels()
    found = stored(tmp_path, values, Workflow())
    run = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", KILLED, str(tmp_path), str(step)], stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    assert run.stdout.readline() == b"here\n"
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    path = tmp_path / "a.zarr"
    with pytest.raises(ValueError, match="go on with --resume"):
        next(segment_volume(found, path, Workflow()))
    *events, _ = segment_volume(found, path, Workflow(), resume=True)
    again = {event.step for event in events if isinstance(event, BlockDone)}
    assert min(again) >= step  # what was finished is not done again
    assert sum(e.step == step for e in events if isinstance(e, BlockDone)) < 16
    whole = decode(Prediction(values, "BC"), Workflow().instances)
    assert same_up_to_numbers(zarr.open_group(path)["0"][:], whole.labels)


def test_the_rest_is_not_taken_from_another_prediction(tmp_path):
    found = stored(tmp_path, channels((60, 50)), Workflow())
    path = tmp_path / "a.zarr"
    events = segment_volume(found, path, Workflow(), block=(32, 32))
    while (event := next(events)).step < 4:
        pass
    assert event.done < event.blocks
    events.close()
    again = stored(tmp_path, channels((60, 50), seed=1), Workflow())
    with pytest.raises(ValueError, match="was begun with another channels"):
        list(segment_volume(again, path, Workflow(), resume=True))


@pytest.mark.parametrize("codec", ["default", "gzip"])
def test_a_damaged_chunk_of_the_prediction_is_named(tmp_path, codec):
    found = stored(tmp_path, channels((90, 80)), Workflow())
    level = found.path / "0"
    if codec == "gzip":  # as other programs write it
        values, chunks = zarr.open_array(level)[:], zarr.open_array(level).chunks
        shutil.rmtree(level)
        kind = {"compressors": numcodecs.GZip(), "zarr_format": 2}
        zarr.create_array(level, data=values, chunks=chunks, **kind)
        found = read_prediction(found.path)
    files = (path for path in sorted(level.rglob("*")) if path.is_file())
    first = next(path for path in files if not path.name.startswith("."))
    events = segment_volume(found, tmp_path / "out.zarr", Workflow(), block=(32, 32))
    next(events)
    first.write_bytes(first.read_bytes()[:40])
    with pytest.raises(ValueError, match=r"prediction is damaged .* \(chunk 0/0/0\)"):
        list(events)


def test_on_a_cluster(tmp_path):
    values = channels()
    workflow = Workflow(predict=PredictSettings(cluster="local:2"))
    found = stored(tmp_path, values, workflow)
    path = tmp_path / "a.zarr"
    list(segment_volume(found, path, workflow, block=(16, 32, 32)))
    whole = decode(Prediction(values, "BC"), workflow.instances)
    assert same_up_to_numbers(zarr.open_group(path)["0"][:], whole.labels)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((RemoveSmall(), FillHoles()), "fill_holes after remove_small needs the whole"),
    ],
)
def test_cleanup_that_needs_the_whole_is_refused(steps, message):
    workflow = Workflow(cleanup=CleanupSettings(steps=steps))
    with pytest.raises(ValueError, match=message):
        divided_cleanup(workflow)


def test_cleanup_is_divided():
    steps = (FillHoles(), RemoveSmall(), RemoveLarge())
    workflow = Workflow(cleanup=CleanupSettings(steps=steps))
    assert divided_cleanup(workflow) == (steps[:1], steps[1:])
    with pytest.raises(ValueError, match="classes are not segmented block by block"):
        divided_cleanup(Workflow(task=SemanticTask()))


def test_what_fits_into_memory_needs_no_blocks(tmp_path):
    found = stored(tmp_path, channels((60, 50)), Workflow())
    assert fits_memory(found, Workflow())
