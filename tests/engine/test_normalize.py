from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_bioseg.engine import Pair, predict, predict_array, train
from napari_bioseg.engine.model import run_network
from napari_bioseg.engine.normalize import image_scale, scale_of
from napari_bioseg.engine.pixel_sample import LARGE, MAX_SAMPLES, spread_blocks
from napari_bioseg.engine.plan import make_plan
from napari_bioseg.settings import (
    MinMaxNormalization,
    PercentileNormalization,
    RangeNormalization,
    Workflow,
    ZScoreNormalization,
)

EVERY = [
    MinMaxNormalization(),
    PercentileNormalization(),
    RangeNormalization(),
    ZScoreNormalization(),
]


def test_minmax_and_zscore_of_each_channel_by_itself():
    image = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    image[1] *= 10
    scaled = scale_of(image, MinMaxNormalization())(image)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.min(axis=(1, 2)), 0)
    np.testing.assert_allclose(scaled.max(axis=(1, 2)), 1, rtol=1e-6)
    scaled = scale_of(image, ZScoreNormalization())(image)
    np.testing.assert_allclose(scaled.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=(1, 2)), 1, rtol=1e-5)


def test_percentiles_become_0_and_1():
    image = np.random.default_rng(0).normal(1000, 50, (1, 64, 64))
    scaled = scale_of(image, PercentileNormalization(low=5, high=95))(image)
    low, high = np.percentile(scaled, (5, 95))
    np.testing.assert_allclose((low, high), (0, 1), atol=1e-5)


@pytest.mark.parametrize(("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_range_divides_by_the_type(dtype, largest):
    image = np.array([[[0, 51]]], dtype)
    np.testing.assert_allclose(
        scale_of(image, RangeNormalization())(image), [[[0, 51 / largest]]], rtol=1e-6
    )
    floats = image.astype(np.float64)
    np.testing.assert_array_equal(scale_of(floats, RangeNormalization())(floats), image)


@pytest.mark.parametrize("how", EVERY, ids=lambda how: how.kind)
@pytest.mark.parametrize("value", [0, 7])
def test_constant_image_is_finite(how, value):
    image = np.full((2, 8, 8), value, np.uint8)
    scaled = scale_of(image, how)(image)
    assert np.isfinite(scaled).all()
    if how.kind != "dtype":
        assert not scaled.any()


@pytest.mark.parametrize("how", EVERY, ids=lambda how: how.kind)
def test_nan_and_infinity_take_no_part(how):
    image = np.random.default_rng(0).random((1, 16, 16)).astype(np.float32)
    clean = scale_of(image[:, 1:], how)
    image[0, 0, :5] = (np.nan, np.inf, -np.inf, np.nan, np.nan)
    image[0, 0, 5:] = image[0, 1, 5:]
    scale = scale_of(image, how)
    np.testing.assert_allclose(scale.factor, clean.factor, rtol=0.2)
    scaled = scale(image)
    assert np.isfinite(scaled).all()
    assert not scaled[0, 0, :5].any()


def test_sparse_signal_keeps_its_contrast():
    image = np.zeros((1, 100, 100), np.uint16)
    image[0, 50, 50] = 1000  # beyond the 99.8th percentile
    scaled = scale_of(image, PercentileNormalization())(image)
    assert scaled.max() == 1


def test_large_image_is_measured_on_a_grid():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 1000, (1, 2500, 2500)).astype(np.uint16)
    assert image.size > MAX_SAMPLES
    scale = scale_of(
        dask.array.from_array(image, chunks=500), PercentileNormalization()
    )
    low, high = np.percentile(image, (1, 99.8))
    np.testing.assert_allclose(scale.shift, low, atol=2)
    np.testing.assert_allclose(1 / scale.factor, high - low, rtol=0.005)


def chunks_read(shape, chunks):
    """Return noise that is made when it is read, and which chunks were."""
    read = []

    def make(block_info=None):
        read.append(block_info[None]["chunk-location"])
        size = block_info[None]["chunk-shape"]
        return np.random.default_rng(len(read)).integers(0, 255, size, dtype=np.uint8)

    image = dask.array.map_blocks(
        make,
        chunks=dask.array.core.normalize_chunks(chunks, shape),
        dtype=np.uint8,
        meta=np.empty((0,) * len(shape), np.uint8),
    )
    return image, read


@pytest.mark.parametrize(
    ("shape", "chunks", "most"),
    [
        ((1, 20_000, 30_000), (1, 256, 256), 256),
        ((1, 600, 2000, 1000), (1, 64, 64, 64), 256),
        ((1, 60, 2000, 1500), (1, 1, 2000, 1500), 32),
    ],
)
def test_few_chunks_of_a_huge_image_are_read(shape, chunks, most):
    image, read = chunks_read(shape, chunks)
    scale = scale_of(image, PercentileNormalization())
    assert len(set(read)) == len(read) <= most
    np.testing.assert_allclose(scale.shift, 2, atol=1)
    np.testing.assert_allclose(1 / scale.factor, 252, atol=1)


def test_the_blocks_of_an_image_depend_on_its_size_alone():
    image = np.zeros((1, 4000, 4300), np.uint16)
    image[:] = np.arange(4300) + 10 * np.arange(4000)[:, None]
    assert image.size > LARGE
    how = ZScoreNormalization()
    found = scale_of(image, how)
    lazy = scale_of(dask.array.from_array(image, chunks=(1, 1111, 999)), how)
    np.testing.assert_array_equal(found.shift, lazy.shift)
    np.testing.assert_array_equal(found.factor, lazy.factor)
    np.testing.assert_allclose(found.shift, image.mean(), rtol=0.01)
    np.testing.assert_allclose(1 / found.factor, image.std(), rtol=0.01)


@pytest.mark.parametrize("size", [(5, 5000, 5000), (300, 70_000), (66, 600, 600)])
def test_blocks_lie_inside_the_image_and_reach_both_ends(size):
    blocks = spread_blocks(size)
    assert len({str(block) for block in blocks}) == len(blocks) <= 300
    for axis, length in enumerate(size):
        assert all(0 <= b[axis].start < b[axis].stop <= length for b in blocks)
        assert min(b[axis].start for b in blocks) < 0.1 * length
        assert max(b[axis].stop for b in blocks) > 0.9 * length


@pytest.mark.parametrize(("side", "pixels"), [(200, 200), (1024, 6144)])
def test_damaged_chunks_can_be_left_out(side, pixels):
    def make(block_info=None):
        if block_info[None]["chunk-location"] == (0, 1, 1):
            raise RuntimeError("no such codec")
        size = block_info[None]["chunk-shape"]
        return np.full(size, 127, np.uint8)

    image = dask.array.map_blocks(
        make,
        chunks=dask.array.core.normalize_chunks(
            (1, side // 2, side // 2), (1, pixels, pixels)
        ),
        dtype=np.uint8,
        meta=np.empty((0, 0, 0), np.uint8),
    )
    how = ZScoreNormalization()
    with pytest.raises(
        ValueError, match=r"damaged and cannot be read at .*chunk 0/1/1"
    ):
        scale_of(image, how)
    scale = scale_of(image, how, skip_damage=True)
    np.testing.assert_array_equal(scale.shift, 127)
    only = image[:, side // 2 : side, side // 2 : side]
    with pytest.raises(ValueError, match="damaged"):
        scale_of(only, how, skip_damage=True)


@pytest.mark.parametrize("how", [h for h in EVERY if h.kind != "dtype"])
@pytest.mark.parametrize(
    ("dtype", "offset"),
    [
        (np.uint32, 4_000_000_000),
        (np.int32, -2_000_000_000),
        (np.int64, 2**40),
        (np.float64, 1e9),
    ],
)
def test_a_large_offset_does_not_hide_the_picture(how, dtype, offset):
    image = np.random.default_rng(0).integers(0, 255, (2, 40, 50))
    wanted = scale_of(image.astype(np.uint8), how)(image.astype(np.uint8))
    moved = (image + offset).astype(dtype)
    scale = scale_of(moved, how)
    np.testing.assert_allclose(scale(moved), wanted, atol=1e-5)
    kept = Workflow.from_values(
        {"trained": {"intensities": scale.stored().model_dump(mode="json")}}
    )
    assert kept.trained.intensities == scale.stored()


def test_percentiles_and_zscores_can_clip():
    image = np.linspace(0, 1, 10_000).reshape(1, 100, 100)
    image[0, 0, 0] = 1000
    scaled = scale_of(image, PercentileNormalization(low=5, high=95, clip=True))(image)
    assert (scaled.min(), scaled.max()) == (0, 1)
    loose = scale_of(image, PercentileNormalization(low=5, high=95))(image)
    assert loose.max() > 1000
    for clip, spread in ((True, 0.29), (False, 10)):
        scale = scale_of(image, ZScoreNormalization(clip=clip))
        assert 1 / scale.factor[0] == pytest.approx(spread, rel=0.05)
    clipped = scale_of(image, ZScoreNormalization(clip=True))(image)
    assert clipped.mean() == pytest.approx(0, abs=1e-4)
    assert clipped.std() == pytest.approx(1, abs=1e-3)
    assert clipped.max() < 2


@pytest.mark.parametrize(
    "how",
    [
        PercentileNormalization(clip=True),
        ZScoreNormalization(),
        ZScoreNormalization(clip=True),
        MinMaxNormalization(),
    ],
)
def test_training_set_statistics_are_kept_in_the_model(how, disks, tiny):
    dark, bright = disks(seed=1), disks(seed=2)
    bright = Pair(np.asarray(bright.image) + np.uint8(90), bright.labels)
    how = how.replace(measured_on="training set")
    data = tiny.data.replace(normalization=how, validation=0)
    train = tiny.train.replace(epochs=1, steps=1)
    workflow = tiny.replace(data=data, train=train)
    plan = make_plan([dark, bright], workflow)
    scales = [subject.scale for subject in plan.training]
    np.testing.assert_array_equal(scales[0].shift, scales[1].shift)
    np.testing.assert_array_equal(scales[0].factor, scales[1].factor)
    both = np.stack([dark.image, bright.image]).ravel()[None, None]
    whole = scale_of(both, how)
    np.testing.assert_allclose(scales[0].shift, whole.shift, rtol=1e-5)
    np.testing.assert_allclose(scales[0].factor, whole.factor, rtol=1e-5)
    # prediction normalises a new image by these, also after saving
    stored = Workflow.from_values(plan.workflow.model_dump(mode="json"))
    for known in (plan.workflow, stored):
        kept = image_scale(np.asarray(dark.image)[None], known)
        image = np.asarray(dark.image)[None]
        np.testing.assert_array_equal(kept(image), scales[0](image))
    alone = scale_of(np.asarray(dark.image)[None], how)
    assert not np.array_equal(alone(image), kept(image))


def test_predictions_use_the_kept_statistics(disks, tiny):
    how = ZScoreNormalization(measured_on="training set")
    data = tiny.data.replace(normalization=how, validation=0)
    workflow = tiny.replace(data=data, train=tiny.train.replace(epochs=1, steps=1))
    model = list(train([disks(seed=1), disks(seed=2)], workflow))[-1].model
    image = np.asarray(disks(seed=3).image)[None]
    scale = image_scale(image, model.workflow)
    wanted = run_network(model, scale(image))
    np.testing.assert_allclose(predict_array(image, model), wanted, atol=1e-5)
    np.testing.assert_allclose(np.asarray(predict(image, model)), wanted, atol=1e-5)
