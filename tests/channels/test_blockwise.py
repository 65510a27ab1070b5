"""Blocks give the instances of the whole volume, up to their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_bioseg.channels import Prediction, decode, encode
from napari_bioseg.channels.blockwise import (
    Grid,
    Survey,
    check_blockwise,
    flood_block,
    join_seeds,
    plan_of,
    questions,
    seed_block,
    seed_margin,
)
from napari_bioseg.channels.blockwise.grid import inside
from napari_bioseg.channels.blockwise.survey import bounds_of, counts_of
from napari_bioseg.channels.pipeline import Volume
from napari_bioseg.settings import InstanceSettings


def cells(shape, seed, channels="BC", radius=5):
    """Return noisy channels of touching cells of a bounded size."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    grid = np.indices(shape)
    for label in range(1, 40):
        centre = [rng.integers(0, n) for n in shape]
        distance = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
        labels[(distance < rng.uniform(2, radius) ** 2) & (labels == 0)] = label
    sharp = encode(labels, channels)
    soft = ndimage.gaussian_filter(sharp, (0, *(0.7,) * len(shape)))
    noisy = soft + rng.normal(0, 0.03, soft.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


def by_blocks(data, channels, how, block, halo, first=1):
    names = Prediction(data, channels).channels
    while data.ndim < 4:
        data = data[:, np.newaxis]
    shape = data.shape[1:]
    grid = Grid(shape, block)

    def volume(box, bounds):
        values = {
            name: np.ascontiguousarray(channel[box])
            for name, channel in zip(names, data, strict=True)
        }
        return Volume(values, bounds, (1.0, 1.0, 1.0))

    survey = Survey.empty()
    for place in grid.places:
        survey.widen(bounds_of(volume(grid.box(place), {}).data))
    asked = questions(names, how)
    for place in grid.places:
        part = volume(grid.box(place), {}).data
        survey.count(counts_of(part, survey.bounds, asked))
    plan = plan_of(names, how, survey)
    check_blockwise(plan, names)
    margin = (seed_margin(how),) * 3
    found = {}
    for place in grid.places:
        box, outer = grid.box(place), grid.box(place, margin)
        part = volume(outer, survey.bounds)
        found[place] = seed_block(part, plan, how, inside(outer, box))
    faces = [
        (a, b, found[a].faces()[f"high{axis}"], found[b].faces()[f"low{axis}"])
        for a, b, axis in grid.neighbours()
    ]
    numbers = join_seeds(
        {place: block.sizes for place, block in found.items()},
        {place: block.inside for place, block in found.items()},
        faces,
        how.min_seed_size,
        first,
    )
    seeds = np.zeros(shape, np.uint64)
    for place, piece in found.items():
        seeds[grid.box(place)] = numbers.of(place)[piece.numbers]
    labels = np.zeros(shape, np.uint64)
    cut = 0
    reach = max(seed_margin(how), int(how.smoothing + 0.5), 3)
    for place in grid.places:
        box = grid.box(place)
        outer = grid.box(place, (halo,) * 3)
        wide = grid.box(place, (halo + reach,) * 3)
        edges = [(p.start == 0, p.stop == n) for p, n in zip(outer, shape, strict=True)]
        present, local = np.unique(seeds[outer], return_inverse=True)
        ids = np.union1d(np.zeros(1, np.uint64), present)
        local = local.reshape(seeds[outer].shape) + (len(ids) - len(present))
        done = flood_block(
            volume(wide, survey.bounds),
            local.astype(np.int32),
            ids,
            plan,
            how,
            inside(wide, outer),
            inside(outer, box),
            edges,
        )
        labels[box] = done.ids[done.labels][inside(outer, box)]
        cut += int(done.cut.sum())
    return labels, dict(plan.thresholds), cut


def same_up_to_numbers(one, other) -> bool:
    pairs = np.unique(np.stack((one.ravel(), other.ravel())).astype(np.int64), axis=1)
    firsts, seconds = len(np.unique(pairs[0])), len(np.unique(pairs[1]))
    return pairs.shape[1] == firsts == seconds


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    channels=st.sampled_from(["BC", "BCD", "BD", "FC", "BCM", "BCDv2"]),
    block=st.tuples(*(st.integers(9, 30),) * 3),
    flat=st.booleans(),
    connectivity=st.integers(1, 3),
    smoothing=st.sampled_from([0.0, 1.0, 2.0]),
    smallest=st.integers(0, 6),
)
def test_blocks_equal_the_whole(
    seed, channels, block, flat, connectivity, smoothing, smallest
):
    shape = (60, 50) if flat else (26, 34, 30)
    data = cells(shape, seed, channels)
    how = InstanceSettings(
        connectivity=min(connectivity, len(shape)),
        smoothing=smoothing,
        min_seed_size=smallest,
    )
    whole = decode(Prediction(data, channels), how)
    found, thresholds, _ = by_blocks(data, channels, how, block, halo=20)
    assert thresholds == pytest.approx(whole.thresholds, abs=1e-6)
    assert same_up_to_numbers(found.reshape(shape), whole.labels)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed_erosion": 1},
        {"seed_dilation": 1, "foreground_dilation": 2},
        {"foreground_erosion": 1},
        {"by_slice": True},
        {"seed_binary": 0.6, "seed_contour": 0.4},
        {"landscape": "binary"},
    ],
)
def test_every_setting_holds_across_blocks(changes):
    data = cells((24, 40, 30), 3, "BCD")
    how = InstanceSettings(**changes)
    whole = decode(Prediction(data, "BCD"), how)
    found, _, _ = by_blocks(data, "BCD", how, (11, 16, 13), halo=20)
    assert whole.count > 3
    assert same_up_to_numbers(found, whole.labels)


def test_points_give_nearly_the_same():
    data = cells((70, 60), 1, "FP")
    how = InstanceSettings()
    whole = decode(Prediction(data, "FP"), how)
    found, _, _ = by_blocks(data, "FP", how, (1, 30, 30), halo=20)
    differs = (found[0] > 0) != (whole.labels > 0)
    assert differs.mean() < 0.005
    assert len(np.unique(found)) == whole.count + 1


def test_a_long_object_is_one_and_told_to_be_cut():
    data = np.zeros((2, 20, 200), np.float32)
    data[0, 8:12, 5:195] = 1
    how = InstanceSettings(seed_binary=0.5, seed_contour=0.5, foreground_binary=0.5)
    found, _, cut = by_blocks(data, "BC", how, (1, 20, 25), halo=8)
    assert set(np.unique(found)) == {0, 1}
    np.testing.assert_array_equal(found[0] > 0, data[0] > 0)
    assert cut > 0
    _, _, cut = by_blocks(data, "BC", how, (1, 20, 25), halo=200)
    assert cut == 0


def test_numbers_beyond_four_billion():
    data = cells((40, 40), 0)
    how = InstanceSettings()
    low, _, _ = by_blocks(data, "BC", how, (1, 20, 20), 20)
    high, _, _ = by_blocks(data, "BC", how, (1, 20, 20), 20, first=2**33)
    assert high.max() > 2**33
    np.testing.assert_array_equal(np.where(high, high - np.uint64(2**33 - 1), 0), low)


def test_what_needs_the_whole_is_refused_before():
    data = cells((30, 30), 0, "BDv2")
    with pytest.raises(ValueError, match="cannot be segmented block by block"):
        by_blocks(data, "BDv2", InstanceSettings(), (1, 20, 20), 20)


def test_undefined_values_are_refused():
    with pytest.raises(ValueError, match="channel B holds values that are not finite"):
        bounds_of({"B": np.array([np.nan, 1], np.float32)})
