"""Turned, zoomed and bent patches, against encoding labels that were moved whole."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bioseg.channels import encode
from napari_bioseg.engine import Pair
from napari_bioseg.engine.geometry import Geometry, draw_geometry
from napari_bioseg.engine.targets import Subject, make_subjects
from napari_bioseg.engine.warp import read_warped
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import (
    AugmentSettings,
    DataSettings,
    InstanceTask,
    RangeNormalization,
    SemanticTask,
    Workflow,
)

RAW = DataSettings(normalization=RangeNormalization())
CHANGES = {
    "turn": AugmentSettings(turn=180, chance=1),
    "zoom": AugmentSettings(zoom=0.3, chance=1),
    "shift": AugmentSettings(shift=0.2, chance=1),
    "shear": AugmentSettings(shear=15, chance=1),
    "elastic": AugmentSettings(elastic=6, chance=1),
}


def subject(image, labels, workflow, spacing=None, **more) -> Subject:
    pair = Pair(image, labels, spacing=spacing, **more)
    part = tuple(slice(0, n) for n in labels.shape)
    return make_subjects(pair, workflow, (part,), np.random.default_rng(0))[0]


def still(axes: int, **changes) -> Geometry:
    kept = {
        "matrix": np.eye(axes),
        "offset": np.zeros(axes),
        "bends": np.empty(0),
        "zoom": 1.0,
    }
    return Geometry(**{**kept, **changes})


def moved_whole(labels, geometry, start, patch):
    """Labels of a patch, from the whole image by nearest neighbour."""
    axes = labels.ndim
    places = geometry.places(patch) + np.reshape(start, (-1, *(1,) * axes))
    index = np.floor(places + 0.5).astype(int)
    return labels[tuple(index)]


def whole_objects(labels):
    """Pixels of objects that the patch does not cut."""
    cut = set()
    for axis in range(labels.ndim):
        for end in (0, -1):
            cut |= set(np.unique(np.take(labels, end, axis=axis)))
    return (labels > 0) & ~np.isin(labels, sorted(cut))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_targets_equal_the_encoding_of_moved_labels(dimensions, change):
    if dimensions == 2:
        (image, labels), spacing = touching_cells_2d(320, seed=1), (1.0, 1.0)
        patch, start = (96, 96), (112, 112)
    else:
        (image, labels), spacing = touching_cells_3d(seed=1), (2.0, 1.0, 1.0)
        patch = (24, 48, 48)
        start = [(n - p) // 2 for n, p in zip(labels.shape, patch, strict=True)]
    workflow = Workflow(task=InstanceTask(channels="BCDF"), data=RAW)
    made = subject(image, labels, workflow, spacing)
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(4):
        geometry = draw_geometry(CHANGES[change], patch, spacing, rng)
        _, targets = read_warped(made, start, patch, geometry, workflow)
        moved = moved_whole(labels, geometry, start, patch)
        wanted = encode(moved, workflow.channels, spacing=spacing)
        inner = (slice(1, -1),) * dimensions  # beyond lie labels the patch cannot see
        for number in (0, 1, 3):  # B, C, F
            np.testing.assert_array_equal(targets[number][inner], wanted[number][inner])
        whole = whole_objects(moved)
        errors.append(np.abs(targets[2] - wanted[2])[whole])
        np.testing.assert_array_equal(targets[-1], moved > 0)
    errors = np.concatenate(errors)
    assert errors.size > 500
    assert errors.mean() < 0.05  # of a deepest distance of 1: a fraction of a pixel


def test_distances_in_units_grow_with_the_zoom():
    grid = np.indices((128, 128)) - 63.5
    labels = (np.hypot(*grid) < 20).astype(np.int32)
    task = {"kind": "instance", "channels": [{"name": "D", "scale": "none"}]}
    workflow = Workflow(task=task, data=RAW)
    made = subject(labels, labels, workflow, (0.5, 0.5))
    start, patch = (32, 32), (64, 64)

    def deepest(geometry: Geometry) -> float:
        return float(read_warped(made, start, patch, geometry, workflow)[1][0].max())

    plain = deepest(still(2))
    assert plain == pytest.approx(10, abs=0.5)
    larger = deepest(still(2, matrix=np.eye(2) / 1.4, zoom=1.4))
    assert larger == pytest.approx(1.4 * plain, rel=0.02)
    relative = Workflow(task=InstanceTask(channels="D"), data=RAW)
    made = subject(labels, labels, relative)
    zoomed = still(2, matrix=np.eye(2) / 1.4, zoom=1.4)
    targets = read_warped(made, start, patch, zoomed, relative)[1]
    assert targets[0].max() == pytest.approx(1, abs=0.02)


def test_contours_keep_their_width_under_zoom():
    labels = np.zeros((128, 128), np.int32)
    labels[34:94, 34:94] = 1
    workflow = Workflow(task=InstanceTask(channels="BC"), data=RAW)
    made = subject(labels, labels, workflow)
    twice = still(2, matrix=np.eye(2) / 2, zoom=2.0)
    contour = read_warped(made, (0, 32), (64, 64), twice, workflow)[1][1]
    line = contour[:, 32]
    assert line.sum() == 1


def test_a_turn_keeps_shapes_where_pixels_are_not_square():
    y, x = (np.indices((120, 120)) - 59.5) * np.array([2.0, 1.0])[:, None, None]
    labels = (np.hypot(y, x) < 30).astype(np.int32)  # a circle, in units
    workflow = Workflow(task=InstanceTask(channels="F"), data=RAW)
    made = subject(labels, labels, workflow, (2.0, 1.0))
    settings = AugmentSettings(turn=90, chance=1)
    rng = np.random.default_rng(0)
    geometry = draw_geometry(settings, (80, 80), (2.0, 1.0), rng)
    moved = read_warped(made, (20, 20), (80, 80), geometry, workflow)[1][0]
    plain = labels[20:100, 20:100] > 0
    assert abs(geometry.matrix[0, 1]) > 0.1
    union = ((moved > 0) | plain).sum()
    assert ((moved > 0) & plain).sum() / union > 0.95


def test_the_image_moves_with_its_targets():
    labels = np.zeros((100, 100), np.int32)
    labels[40:60, 30:50] = 1
    workflow = Workflow(task=InstanceTask(channels="F"), data=RAW)
    made = subject(labels.astype(np.float32), labels, workflow)
    rng = np.random.default_rng(0)
    settings = AugmentSettings(turn=180, zoom=0.3, shear=10, elastic=5, chance=1)
    for _ in range(5):
        geometry = draw_geometry(settings, (64, 64), (1, 1), rng)
        image, targets = read_warped(made, (18, 10), (64, 64), geometry, workflow)
        assert image.min() >= 0
        assert image.max() <= 1
        assert (targets[0][image[0] > 0.75] == 1).all()
        assert ((image[0] > 0.5) != (targets[0] > 0)).mean() < 0.02


def test_places_outside_are_mirrored_and_classes_stay_whole():
    labels = np.zeros((40, 40), np.uint8)
    labels[:20], labels[20:, 20:] = 1, 2
    workflow = Workflow(task=SemanticTask(classes=3), data=RAW)
    made = subject(labels, labels, workflow)
    geometry = still(2, matrix=np.eye(2) * 2, zoom=0.5)  # twice as much as there is
    _, targets = read_warped(made, (0, 0), (40, 40), geometry, workflow)
    assert set(np.unique(targets)) == {0, 1, 2}
    middle = targets[0, :, 20]
    assert (middle[1:19] == 1).all()  # the top half, and its mirror image above
    assert (middle[21:39] == 2).all()


def test_classes_of_objects_move_with_them():
    labels = np.zeros((80, 80), np.int32)
    labels[20:40, 20:40], labels[45:60, 45:60] = 1, 2
    classes = np.where(labels == 1, 2, 0) + np.where(labels == 2, 1, 0)
    workflow = Workflow(task=InstanceTask(channels="B", classes=3), data=RAW)
    made = subject(labels, labels, workflow, classes=classes)
    geometry = draw_geometry(
        CHANGES["turn"], (60, 60), (1, 1), np.random.default_rng(1)
    )
    _, targets = read_warped(made, (10, 10), (60, 60), geometry, workflow)
    moved = moved_whole(classes, geometry, (10, 10), (60, 60))
    np.testing.assert_array_equal(targets[1], moved)
    assert set(np.unique(moved)) == {0, 1, 2}


@pytest.mark.parametrize("change", CHANGES)
def test_chance_none_leaves_patches_alone_and_asks_for_no_number(change):
    rng = np.random.default_rng(0)
    off = CHANGES[change].replace(chance=0.0)
    assert draw_geometry(off, (8, 8), (1, 1), rng) is None
    assert draw_geometry(AugmentSettings(), (8, 8), (1, 1), rng) is None
    assert rng.random() == np.random.default_rng(0).random()
    half = CHANGES[change].replace(chance=0.5)
    drawn = [draw_geometry(half, (8, 8), (1, 1), rng) is None for _ in range(200)]
    assert 0.3 < np.mean(drawn) < 0.7


def test_bends_move_no_further_than_asked_for_in_places():
    settings = AugmentSettings(elastic=4, elastic_spacing=16, chance=1)
    rng = np.random.default_rng(0)
    furthest = 0.0
    for _ in range(20):
        bends = draw_geometry(settings, (64, 64), (1, 1), rng)
        off = bends.places((64, 64)) - still(2).places((64, 64))
        furthest = max(furthest, float(np.abs(off).max()))
    assert 2 < furthest <= 6
