from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr

from napari_bioseg.engine import Pair
from napari_bioseg.engine.patches import (
    draw_order,
    grid_starts,
    random_start,
    read_patch,
)
from napari_bioseg.engine.targets import Subject, make_subjects
from napari_bioseg.settings import (
    DataSettings,
    RangeNormalization,
    SemanticTask,
    Workflow,
)

RAW = Workflow(data=DataSettings(normalization=RangeNormalization()))


def subject(image, labels, part=None, workflow: Workflow = RAW) -> Subject:
    part = part or tuple(slice(0, n) for n in labels.shape)
    rng = np.random.default_rng(0)
    return make_subjects(Pair(image, labels), workflow, (part,), rng)[0]


def numbered(*size: int) -> np.ndarray:
    return np.arange(np.prod(size), dtype=np.float32).reshape(size)


def spot(*size: int) -> np.ndarray:
    labels = np.zeros(size, np.int32)
    labels[tuple(slice(2, 5) for _ in size)] = 1
    return labels


def as_dask(array):
    return dask.array.from_array(array, chunks=16)


@pytest.mark.parametrize(
    "kind", [np.asarray, as_dask, zarr.array], ids=lambda k: k.__name__
)
@pytest.mark.parametrize("size", [(30, 40), (2, 30, 40), (12, 30, 40), (2, 12, 30, 40)])
def test_patches_are_cut_from_any_array(kind, size):
    axes = 2 if size[0] in (30, 2) and len(size) < 4 else 3
    labels = spot(*size[-axes:])
    image = numbered(*size)
    made = subject(kind(image), kind(labels))
    start, patch = [4, 5, 6][-axes:], [8, 16, 12][-axes:]
    cut, targets = read_patch(made, start, patch)
    region = tuple(slice(a, a + n) for a, n in zip(start, patch, strict=True))
    wanted = image[(..., *region)]
    np.testing.assert_array_equal(cut, wanted if len(size) > axes else wanted[None])
    assert targets.shape == (2, *patch)
    assert targets.dtype == np.float32


def test_zarr_is_read_patch_by_patch(tmp_path):
    class Counting:
        def __init__(self, array):
            self.array, self.read = array, 0
            self.shape, self.dtype = array.shape, array.dtype

        def __getitem__(self, index):
            out = self.array[index]
            self.read += out.size
            return out

    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(1, 256, 256), chunks=(1, 32, 32), dtype="float32"
    )
    array[:] = numbered(1, 256, 256)
    made = subject(array, spot(256, 256))
    counting = Counting(array)
    made = Subject(**{**vars(made), "pair": Pair(counting, made.pair.labels)})
    read_patch(made, (100, 100), (32, 32))
    assert counting.read == 32 * 32


@pytest.mark.parametrize("size", [(5, 40), (40, 3), (1, 1), (2, 3)])
def test_small_images_are_mirrored(size):
    labels = np.ones(size, np.int32)
    image = numbered(*size)
    made = subject(image, labels)
    start = random_start(made, (32, 32), True, np.random.default_rng(0))
    cut, targets = read_patch(made, start, (32, 32))
    assert cut.shape == (1, 32, 32)
    before = [max(0, -at) for at in start]
    after = [max(0, 32 - b - n) for b, n in zip(before, size, strict=True)]
    visible = image[tuple(slice(max(0, a), max(0, a) + 32) for a in start)]
    pad = list(zip(before, after, strict=True))
    np.testing.assert_array_equal(cut[0], np.pad(visible, pad, mode="reflect"))
    encoded = np.pad(made.targets.arrays[0], pad, mode="reflect")[:32, :32]
    if min(size) < 32 and max(size) <= 32:
        np.testing.assert_array_equal(targets[0], encoded)


def test_patches_stay_in_their_part():
    part = (slice(10, 34), slice(0, 40))
    made = subject(numbered(40, 40), spot(40, 40), part)
    rng = np.random.default_rng(0)
    for _ in range(50):
        start = random_start(made, (16, 16), False, rng)
        assert 10 <= start[0] <= 18
        assert 0 <= start[1] <= 24
    cut, _ = read_patch(made, (8, 0), (32, 32))  # beyond it on either side
    rows = cut[0, :, 0] / 40
    np.testing.assert_array_equal(rows[[0, 1, 2]], [12, 11, 10])
    np.testing.assert_array_equal(rows[[-3, -2, -1]], [29, 28, 27])


def test_an_object_is_in_patches_centred_on_it():
    labels = np.zeros((400, 400), np.int32)
    labels[300:304, 50:54] = 7
    made = subject(numbered(400, 400), labels)
    rng = np.random.default_rng(0)

    def share(on_object: bool) -> float:
        starts = (random_start(made, (32, 32), on_object, rng) for _ in range(100))
        return np.mean([read_patch(made, s, (32, 32))[1][0].any() for s in starts])

    assert share(True) == 1
    assert share(False) < 0.2


def test_rare_classes_are_centred_on_as_often():
    labels = np.ones((100, 100), np.uint8)
    labels[:2, :2] = 2
    workflow = Workflow(task=SemanticTask(classes=3))
    made = subject(numbered(100, 100), labels, workflow=workflow)
    corner = (made.centres < 2).all(axis=1).mean()
    assert 0.45 < corner < 0.55


def test_targets_are_made_from_the_whole_image():
    labels = np.zeros((64, 64), np.int32)
    labels[8:56, 8:56] = 1
    workflow = Workflow(task={"kind": "instance", "channels": "BD"})
    made = subject(numbered(64, 64), labels, workflow=workflow)
    _, targets = read_patch(made, (8, 24), (16, 16))
    depth = targets[1, :, 8]
    assert depth[0] == 0  # the true border
    assert (np.diff(depth) > 0).all()
    assert depth[-1] < 0.7  # its middle, 24 pixels deep, lies outside the patch
    np.testing.assert_array_equal(targets[2], 1)  # where D counts


def test_order_shares_patches_by_area_and_evenly():
    subjects = [subject(numbered(*s), spot(*s)) for s in [(64, 64), (32, 32), (16, 32)]]
    rng = np.random.default_rng(0)
    order = draw_order(subjects, (32, 32), 60, rng)
    assert np.bincount(order).tolist() == [40, 10, 10]
    assert order.tolist() != sorted(order)


@pytest.mark.parametrize("size", [(64, 64), (65, 40), (20, 100)])
def test_grid_covers_everything(size):
    made = subject(numbered(*size), spot(*size))
    covered = np.zeros(size, bool)
    for y, x in grid_starts(made, (32, 32)):
        covered[max(0, y) : y + 32, max(0, x) : x + 32] = True
    assert covered.all()
