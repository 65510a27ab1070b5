from __future__ import annotations

import gc
import sys
from functools import partial

import dask.array
import numpy as np
import pytest
import torch
import zarr

from napari_bioseg.engine import (
    Model,
    Predicted,
    TileDone,
    predict,
    predict_array,
    predict_tiles,
)
from napari_bioseg.engine.choose_tiles import choose_tiling
from napari_bioseg.engine.part import Part
from napari_bioseg.settings import (
    InstanceTask,
    NetworkSettings,
    PredictSettings,
    TrainedOn,
    Workflow,
)


def lively(dimensions: int = 2, seed: int = 0, **network) -> Model:
    """Return a model whose output depends on far pixels as much as it can."""
    workflow = Workflow(
        network=NetworkSettings(**{"features": 4, "depth": 2, **network}),
        trained=TrainedOn(dimensions=dimensions, spacing=(1.0,) * dimensions),
    )
    model = Model.create(workflow, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.network.named_buffers():
        if name.endswith("running_var"):
            tensor.uniform_(0.01, 0.2, generator=generator)
        elif name.endswith("running_mean"):
            tensor.normal_(generator=generator)
    return model


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, (1, *size)).astype(np.float32)


@pytest.mark.parametrize("upsampling", ["linear", "transposed"])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("size", [(150, 201), (160, 64)])
def test_tiles_equal_the_whole(upsampling, depth, size):
    model = lively(upsampling=upsampling, depth=depth)
    image = noise(*size)
    whole = predict_array(image, model)
    assert whole.std() > 0.02
    settings = PredictSettings(tile=(48, 40), device="cpu")
    assert np.prod(choose_tiling(size, [model], settings).grid) > 4
    *_, done = predict_tiles(image, model, settings)
    assert abs(done.data - whole).max() < 1e-5


def test_tiles_equal_the_whole_in_3d():
    model = lively(3, depth=1)
    image = noise(21, 34, 50)
    settings = PredictSettings(tile=(16, 16, 16), device="cpu")
    *_, done = predict_tiles(image, model, settings)
    assert abs(done.data - predict_array(image, model)).max() < 1e-5


def test_too_little_overlap_is_blended():
    model = lively(depth=3)
    image = noise(200, 200)
    whole = predict_array(image, model)

    def worst(overlap: int) -> float:
        settings = PredictSettings(tile=(64, 64), overlap=overlap, device="cpu")
        *_, done = predict_tiles(image, model, settings)
        return float(abs(done.data - whole).max())

    errors = [worst(overlap) for overlap in (0, 16, 32, 72)]
    assert errors[0] > 0.01
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-5
    assert errors[2] < 0.2 * errors[0]


@pytest.mark.parametrize("overlap", ["auto", 8])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_lazy_equals_eager_in_any_order(overlap, dimensions):
    model = lively(dimensions, normalization="instance" if overlap == 8 else "batch")
    size = (70, 90) if dimensions == 2 else (30, 40, 33)
    settings = PredictSettings(tile=(24,) * dimensions, overlap=overlap, device="cpu")
    image = noise(*size)
    # convolutions differ in the last bit with the alignment of their memory
    equal = partial(np.testing.assert_allclose, rtol=0, atol=1e-5)
    *tiles, done = predict_tiles(image, model, settings)
    lazy = predict(image, model, settings)
    assert lazy.dtype == np.float32
    assert lazy.numblocks[1:] == choose_tiling(size, [model], settings).grid
    equal(lazy.compute(scheduler="sync"), done.data)
    part = lazy[:, 20:30, 15:25].compute(scheduler="threads")
    equal(part, done.data[:, 20:30, 15:25])
    focus = tuple(0.6 * length for length in size)
    *nearest, again = predict_tiles(image, model, settings, focus=focus)
    equal(again.data, done.data)
    first = nearest[0].region
    assert all(p.start <= at < p.stop for p, at in zip(first, focus, strict=True))
    assert tiles[0].region != first


@pytest.mark.parametrize("kind", ["numpy", "dask"])
@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_lazy_runs_each_tile_once_and_keeps_freed_memory(monkeypatch, kind, scheduler):
    from napari_bioseg.engine import memory, run_tiles

    model, image = lively(), noise(70, 90)
    settings = PredictSettings(tile=(24, 24), overlap=8, device="cpu")
    tiles = len(choose_tiling((70, 90), [model], settings).indices())
    users = []
    run = run_tiles.run_batch

    def watched(*args, **kwargs):
        users.append(memory._users)
        return run(*args, **kwargs)

    monkeypatch.setattr(run_tiles, "run_batch", watched)
    pixels = dask.array.from_array(image, chunks=16) if kind == "dask" else image
    lazy = predict(pixels, model, settings)
    for times in (1, 2):
        lazy.compute(scheduler=scheduler)
        gc.collect()
        assert users == [1] * tiles * times
        assert memory._users == 0  # given back to others once all is done


@pytest.mark.parametrize("normalization", ["percentile", "zscore", "minmax"])
def test_a_part_has_the_intensities_of_the_whole(normalization):
    model = lively(depth=1, normalization="none")
    data = {"normalization": {"kind": normalization}}
    model = Model(
        model.network,
        model.workflow.replace(data=model.workflow.data.model_validate(data)),
    )
    image = noise(80, 90)
    image[:, 60:] += 900
    settings = PredictSettings(device="cpu", tile=(16, 16))
    *_, whole = predict_tiles(image, model, settings)
    region = (slice(8, 50), slice(16, 70))
    *_, part = predict_tiles(Part(image, region), model, settings)
    inner = (slice(None), slice(16, -16), slice(16, -16))
    np.testing.assert_allclose(
        part.data[inner], whole.data[(slice(None), *region)][inner], atol=1e-5
    )
    *_, alone = predict_tiles(image[(slice(None), *region)], model, settings)
    assert abs(alone.data - part.data).max() > 1e-3


def test_the_scheduler_reads_the_pixels_of_a_lazy_part(monkeypatch):
    def never(*_):
        raise AssertionError("a worker that computes for itself can wait for ever")

    model, image = lively(depth=1), noise(60, 70)
    settings = PredictSettings(device="cpu", tile=(16, 16))
    region = (slice(8, 50), slice(16, 70))
    *_, wanted = predict_tiles(Part(image, region), model, settings)
    monkeypatch.setattr(sys.modules[predict.__module__], "_tile", never)
    lazy = Part(dask.array.from_array(image, chunks=20), region)
    found = predict(lazy, model, settings).compute()
    np.testing.assert_allclose(found, wanted.data, atol=1e-5)


def test_holes_and_damage_in_a_part_are_told():
    model = lively(depth=1)
    image = noise(40, 40)
    image[0, 5, 5] = np.nan
    settings = PredictSettings(device="cpu")
    *_, told = predict_tiles(Part(image, (slice(0, 20), slice(0, 20))), model, settings)
    *_, fine = predict_tiles(
        Part(image, (slice(20, 40), slice(0, 20))), model, settings
    )
    assert "NaN or infinite" in told.notes[0]
    assert fine.notes == ()


@pytest.mark.parametrize("overlap", ["auto", 8])
def test_each_tile_is_told_once_and_final(overlap):
    model = lively()
    image = noise(100, 130)
    settings = PredictSettings(tile=(32, 32), overlap=overlap, device="cpu")
    events = list(predict_tiles(image, model, settings))
    assert isinstance(events[-1], Predicted)
    tiles = events[:-1]
    assert all(isinstance(tile, TileDone) for tile in tiles)
    assert [tile.index for tile in tiles] == list(range(1, len(tiles) + 1))
    assert {tile.tiles for tile in tiles} == {len(tiles)}
    starts = [tuple(part.start for part in tile.region) for tile in tiles]
    assert starts == sorted(starts)  # row by row
    count = np.zeros((100, 130), int)
    for tile in tiles:
        count[tile.region] += 1
        np.testing.assert_array_equal(
            tile.data, events[-1].data[(slice(None), *tile.region)]
        )
    np.testing.assert_array_equal(count, 1)


def test_cancelled_between_tiles():
    events = predict_tiles(
        noise(100, 130), lively(), PredictSettings(tile=(32, 32), device="cpu")
    )
    next(events)
    events.close()
    assert list(events) == []


def test_from_zarr_to_zarr(tmp_path):
    model = lively()
    image = noise(100, 130)
    source = zarr.create_array(
        tmp_path / "in.zarr", shape=image.shape, chunks=(1, 50, 50), dtype="float32"
    )
    source[:] = image
    out = zarr.create_array(
        tmp_path / "out.zarr", shape=(2, 100, 130), chunks=(2, 50, 50), dtype="float32"
    )
    settings = PredictSettings(tile=(32, 32), device="cpu")
    *_, done = predict_tiles(source, model, settings, out=out)
    assert done.data is out
    *_, wanted = predict_tiles(image, model, settings)
    np.testing.assert_allclose(out[:], wanted.data, rtol=0, atol=1e-5)
    lazy = predict(dask.array.from_zarr(source), model, settings)
    np.testing.assert_allclose(lazy.compute(), wanted.data, rtol=0, atol=1e-5)


def test_models_are_averaged():
    models = [lively(seed=seed) for seed in (0, 1, 2)]
    image = noise(40, 50)
    mean = np.mean([predict_array(image, model) for model in models], axis=0)
    *_, done = predict_tiles(image, models, PredictSettings(device="cpu"))
    np.testing.assert_allclose(done.data, mean, atol=1e-6)
    np.testing.assert_allclose(predict(image, models).compute(), mean, atol=1e-6)


def test_small_images_are_one_tile():
    assert predict(noise(3, 5), lively()).numblocks == (1, 1, 1)


def test_automatic_tiles_bound_the_memory():
    model = lively(features=16, depth=3)
    for size in [(50_000, 60_000), (200, 1_000_000)]:
        tiling = choose_tiling(size, [model], PredictSettings(memory=64))
        assert tiling.axes[0].overlap >= model.shape.halo[0]
        reads = [axis.read(axis.tiles // 2) for axis in tiling.axes]
        pixels = np.prod([part.stop - part.start for part in reads])
        assert 1e6 < pixels < 6e6
    volume = lively(3, features=16, depth=3)
    tiling = choose_tiling((2000, 2000, 2000), [volume], PredictSettings(memory=64))
    reads = [axis.read(axis.tiles // 2) for axis in tiling.axes]
    assert 1e6 < np.prod([part.stop - part.start for part in reads]) < 6e6
    assert all(axis.blend for axis in tiling.axes)


def test_what_does_not_fit_into_memory_is_halved(monkeypatch):
    model = lively(depth=1)
    image = noise(120, 90)
    whole = predict_array(image, model)
    forward = model.network.forward
    sizes = []

    def small_machine(batch):
        sizes.append(batch.shape[2] * batch.shape[3])
        if sizes[-1] > 3500:
            raise torch.OutOfMemoryError("out of memory")
        return forward(batch)

    monkeypatch.setattr(model.network, "forward", small_machine)
    *_, done = predict_tiles(image, model, PredictSettings(device="cpu"))
    assert max(sizes) > 3500
    assert abs(done.data - whole).max() < 1e-5

    def no_machine(batch):
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried ...")

    monkeypatch.setattr(model.network, "forward", no_machine)
    with pytest.raises(MemoryError, match=r"does not fit into the memory of cpu"):
        list(predict_tiles(image, model, PredictSettings(device="cpu")))

    def broken(batch):
        raise RuntimeError("something else")

    monkeypatch.setattr(model.network, "forward", broken)
    with pytest.raises(RuntimeError, match="something else"):
        list(predict_tiles(image, model, PredictSettings(device="cpu")))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: predict(noise(20, 20)[0], lively()), "trained on 2-D images"),
        (lambda: predict(np.zeros((3, 20, 20)), lively()), "3 channels"),
        (lambda: predict(noise(20, 20), []), "no model to predict with"),
        (lambda: predict(noise(20, 20), [lively(), lively(3)]),
         "model 2 has dimensions 3, but model 1 has 2"),
        (lambda: predict(noise(20, 20), [lively(), other_outputs()]),
         "model 2 has outputs"),
        (lambda: predict(noise(20, 20), lively(),
                         PredictSettings(tile=(16, 16, 16))),
         r"predict.tile = \(16, 16, 16\) has 3 sizes, but the image is 2-D"),
        (lambda: next(predict_tiles(noise(20, 20), lively(), out=noise(20, 20))),
         r"out has shape \(1, 20, 20\), but the prediction has shape \(2, 20, 20\)"),
    ],
)  # fmt: skip
def test_what_does_not_suit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def other_outputs() -> Model:
    return Model.create(
        Workflow(
            task=InstanceTask(channels="BCD"),
            network=NetworkSettings(features=4, depth=2),
            trained=TrainedOn(),
        )
    )
