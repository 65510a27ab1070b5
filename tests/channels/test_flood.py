from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed

from napari_bioseg.channels import Cancelled, descent
from napari_bioseg.channels.connected import components
from napari_bioseg.channels.flood import flood, flood_components, neighbours
from napari_bioseg.channels.parallel import never


def by_definition(
    landscape: np.ndarray, seeds: np.ndarray, mask: np.ndarray, connectivity: int
) -> np.ndarray:
    """Flood with sorted lists in plain Python: level, then the order of arrival."""
    steps = [
        step
        for step in itertools.product((-1, 0, 1), repeat=landscape.ndim)
        if 0 < sum(map(abs, step)) <= connectivity
    ]
    steps.sort(key=lambda step: sum(map(abs, step)))
    labels = np.where(mask, seeds, 0)
    queues: dict[int, list[tuple[int, ...]]] = {}
    for pixel in np.argwhere(labels):
        queues.setdefault(int(landscape[tuple(pixel)]), []).append(tuple(pixel))
    while queues:
        level = min(queues)
        for pixel in (queue := queues[level]):
            for step in steps:
                near = tuple(a + b for a, b in zip(pixel, step, strict=True))
                inside = all(0 <= a < n for a, n in zip(near, mask.shape, strict=True))
                if inside and mask[near] and not labels[near]:
                    labels[near] = labels[pixel]
                    rise = max(level, int(landscape[near]))
                    (queue if rise == level else queues.setdefault(rise, [])).append(
                        near
                    )
        del queues[level]
    return labels


@st.composite
def problems(draw: st.DrawFn, ties: bool) -> tuple[np.ndarray, ...]:
    ndim = draw(st.integers(2, 3))
    shape = tuple(draw(st.integers(1, 14 if ndim == 2 else 7)) for _ in range(ndim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    depth = draw(st.sampled_from([1, 2, 5, 60, 30_000]))
    landscape = rng.integers(0, depth, shape)
    seeds = np.zeros(shape, np.int32)
    count = min(draw(st.integers(0, 9)), landscape.size)
    place = rng.permutation(landscape.size)[:count]
    seeds.flat[place] = rng.integers(1, 5, count)
    if not ties:
        # no two seed pixels of one level, and the others as level as they like
        landscape.flat[place] = rng.permutation(2 * count + depth)[:count]
    mask = rng.random(shape) < draw(st.sampled_from([0.5, 0.8, 1.1]))
    return landscape.astype(np.uint16), seeds, mask, draw(st.integers(1, ndim))


@settings(max_examples=400, deadline=None)
@given(problems(ties=False))
def test_equals_skimage_pixel_for_pixel(problem: tuple) -> None:
    landscape, seeds, mask, connectivity = problem
    expected = watershed(landscape, seeds, connectivity, mask=mask)
    np.testing.assert_array_equal(flood(landscape, seeds, mask, connectivity), expected)


@pytest.mark.parametrize("too_many", [-1.0, 2.0])
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(problem=problems(ties=True))
def test_plain_ways_change_nothing(
    monkeypatch: pytest.MonkeyPatch, too_many: float, problem: tuple
) -> None:
    monkeypatch.setattr(descent, "_TOO_MANY", too_many)
    np.testing.assert_array_equal(flood(*problem), by_definition(*problem))


@pytest.mark.parametrize("levels", [3, 40, 3000])
@pytest.mark.parametrize("shape", [(60, 70), (8, 18, 21)])
def test_soft_landscapes_with_plateaus(shape: tuple[int, ...], levels: int) -> None:
    rng = np.random.default_rng(levels)
    soft = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    soft = np.clip(soft / soft.std() + 1, 0, 3) / 3
    landscape = (soft * (levels - 1)).astype(np.uint16)
    seeds, _ = ndimage.label(ndimage.gaussian_filter(soft, 1) < 0.2)
    mask = soft < 0.8
    for connectivity in range(1, len(shape) + 1):
        problem = (landscape, seeds.astype(np.int32), mask, connectivity)
        rest = flooded_with_a_queue(*problem)
        assert 0 < rest.sum() <= (mask & (seeds == 0)).sum()
        np.testing.assert_array_equal(flood(*problem), by_definition(*problem))


def flooded_with_a_queue(
    landscape: np.ndarray, seeds: np.ndarray, mask: np.ndarray, connectivity: int
) -> np.ndarray:
    shape = (1,) * (3 - mask.ndim) + mask.shape
    areas = components(mask.reshape(shape), connectivity)
    offsets = neighbours(shape[0], connectivity)
    landscape = landscape.reshape(shape)
    return descent.descend(
        descent.ways_down(landscape, areas, offsets, never),
        landscape,
        seeds.reshape(shape),
        areas,
        np.ones(areas.count + 1, bool),
        offsets,
        np.zeros(shape, np.int32),
        never,
    )


def test_a_ramp_needs_no_queue_and_a_plateau_nothing_else() -> None:
    ramp = np.array([[0, 1, 2, 3, 4, 3, 2, 1]], np.uint16)
    seeds = np.array([[1, 0, 0, 0, 0, 0, 0, 2]], np.int32)
    mask = np.ones((1, 8), bool)

    def queued() -> list[int]:
        rest = flooded_with_a_queue(ramp, seeds, mask, 1)
        return rest[0, 0].astype(int).tolist()

    # the top has two lowest neighbours, and both may reach it
    assert queued() == [0, 1, 1, 1, 1, 1, 1, 0]
    ramp[0, 5:] = 2, 1, 0
    assert queued() == [0] * 8
    ramp[...] = 7
    assert queued() == [0, 1, 1, 1, 1, 1, 1, 0]


@settings(max_examples=200, deadline=None)
@given(problems(ties=True))
def test_ties_go_to_the_seed_first_in_scan_order(problem: tuple) -> None:
    expected = by_definition(*problem)
    np.testing.assert_array_equal(flood(*problem), expected)


def test_the_tie_that_skimage_leaves_to_its_heap() -> None:
    landscape = np.zeros((1, 3), np.uint16)
    seeds = np.array([[1, 0, 2]], np.int32)
    assert flood(landscape, seeds).tolist() == [[1, 1, 2]]


def test_everything_may_be_flooded_without_a_mask() -> None:
    landscape = np.array([[0, 3, 1, 2]], np.uint16)
    assert flood(landscape, np.array([[0, 0, 7, 0]], np.int32)).tolist() == [[7] * 4]


def test_pieces_of_the_mask_without_a_seed_stay_empty() -> None:
    mask = np.array([[1, 1, 0, 1, 1]], bool)
    seeds = np.array([[3, 0, 0, 0, 0]], np.int32)
    labels = flood(np.zeros((1, 5), np.uint16), seeds, mask)
    assert labels.tolist() == [[3, 3, 0, 0, 0]]


@pytest.mark.parametrize(("shape", "parts"), [((700, 900), 60), ((40, 120, 130), 12)])
def test_large_images_flooded_side_by_side(shape: tuple[int, ...], parts: int) -> None:
    rng = np.random.default_rng(2)
    landscape = rng.permutation(np.prod(shape)).reshape(shape) // 16 % 60_000
    landscape = landscape.astype(np.uint16)
    axis = np.arange(shape[-1]) % (shape[-1] // parts) > 0
    mask = np.broadcast_to(axis, shape) & (rng.random(shape) < 0.95)
    seeds = np.zeros(shape, np.int32)
    place = rng.permutation(landscape.size)[: 30 * parts]
    seeds.flat[place] = np.arange(1, place.size + 1)
    landscape.flat[place] = 60_000 + np.arange(place.size)  # no two are tied
    np.testing.assert_array_equal(
        flood(landscape, seeds, mask), watershed(landscape, seeds, mask=mask)
    )


def test_slices_stay_apart() -> None:
    rng = np.random.default_rng(5)
    landscape = rng.permutation(5 * 30 * 31).reshape(5, 30, 31).astype(np.uint16)
    seeds = np.where(rng.random(landscape.shape) < 0.01, 1, 0)
    seeds = (np.cumsum(seeds).reshape(seeds.shape) * seeds).astype(np.int32)
    mask = rng.random(landscape.shape) < 0.9
    areas = components(mask, 1, by_slice=True)
    labels = flood_components(landscape, seeds, areas, 1, by_slice=True)
    for z in range(5):
        expected = watershed(landscape[z], seeds[z], mask=mask[z])
        np.testing.assert_array_equal(labels[z], expected)


def test_neighbours_come_nearest_first() -> None:
    assert neighbours(1, 1).tolist() == [[0, -1, 0], [0, 0, -1], [0, 0, 1], [0, 1, 0]]
    assert [len(neighbours(9, c)) for c in (1, 2, 3)] == [6, 18, 26]
    assert [len(neighbours(1, c)) for c in (1, 2, 3)] == [4, 8, 8]


def test_a_single_large_object_can_be_given_up() -> None:
    shape = (1, 1500, 1500)
    landscape = np.random.default_rng(0).integers(0, 60_000, shape).astype(np.uint16)
    seeds = np.zeros(shape, np.int32)
    seeds[0, 0, 0], seeds[0, -1, -1] = 1, 2
    areas = components(np.ones(shape, bool))
    flood_components(
        landscape[:, :9, :9].copy(),
        seeds[:, :9, :9].copy(),
        components(np.ones((1, 9, 9), bool)),
        1,
    )  # compiled
    stale = threading.Event()
    asked = []

    def cancelled() -> bool:
        if stale.is_set():
            asked.append(time.perf_counter())
        return stale.is_set()

    threading.Timer(0.03, stale.set).start()
    with pytest.raises(Cancelled, match="newer request"):
        flood_components(landscape, seeds, areas, 1, cancelled=cancelled)
    assert time.perf_counter() - asked[0] < 0.1, "more than a glance or two"
