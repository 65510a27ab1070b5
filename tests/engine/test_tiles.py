"""Tiles of every size, batches, too little memory, orientations and what is stored."""

from __future__ import annotations

import json
import sys
import warnings

import dask.array
import numcodecs
import numpy as np
import pytest
import torch
import zarr

from napari_bioseg.engine import Model, predict, predict_tiles
from napari_bioseg.engine.choose_tiles import choose_batch, choose_tiling, tile_pixels
from napari_bioseg.engine.kept_tiles import KeptTiles
from napari_bioseg.engine.orientations import orientations
from napari_bioseg.engine.part import Part
from napari_bioseg.engine.pixels import Pixels
from napari_bioseg.engine.tile_limits import forget, limit_of, remember
from napari_bioseg.engine.tiling import Tiling
from napari_bioseg.settings import (
    Distance,
    InstanceTask,
    NetworkSettings,
    PredictSettings,
    SemanticTask,
    TrainedOn,
    Workflow,
)


def lively(dimensions: int = 2, **network) -> Model:
    """Return a model whose output depends on far pixels as much as it can."""
    workflow = Workflow(
        network=NetworkSettings(**{"features": 4, "depth": 2, **network}),
        trained=TrainedOn(dimensions=dimensions, spacing=(1.0,) * dimensions),
    )
    model = Model.create(workflow)
    generator = torch.Generator().manual_seed(0)
    for name, tensor in model.network.named_buffers():
        if name.endswith("running_var"):
            tensor.uniform_(0.01, 0.2, generator=generator)
        elif name.endswith("running_mean"):
            tensor.normal_(generator=generator)
    return model


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, (1, *size)).astype(np.float32)


def run(image, model, settings=None, **options):
    *_, done = predict_tiles(image, model, settings or on_cpu(), **options)
    return done.data


def aligned(image, model, settings, chunks):
    return choose_tiling(image.shape[1:], [model], settings, chunks)


def on_cpu(**settings) -> PredictSettings:
    return PredictSettings(device="cpu", **settings)


@pytest.fixture(scope="module")
def flat():
    model = lively(depth=2)
    return model, noise(131, 118), run(noise(131, 118), model, on_cpu(tile="all"))


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("tile", [(16, 16), (33, 70), (64, 20), (131, 40), (500, 500)])
@pytest.mark.parametrize("align", [None, (32, 32)])
def test_every_tile_size_gives_the_whole(flat, tile, batch, align):
    model, image, whole = flat
    settings = on_cpu(tile=tile, batch=batch)
    tiling = aligned(image, model, settings, align)
    found = run(image, model, settings, tiling=tiling)
    assert abs(found - whole).max() < 1e-5


@pytest.mark.parametrize("tile", [(16, 16, 16), (24, 40, 17), (100, 16, 30)])
def test_every_tile_size_gives_the_whole_in_3d(tile):
    model, image = lively(3, depth=1), noise(20, 41, 37)
    whole = run(image, model, on_cpu(tile="all"))
    assert abs(run(image, model, on_cpu(tile=tile, batch=3)) - whole).max() < 1e-5


def test_the_whole_image_at_once():
    tiling = choose_tiling((5000, 5000), [lively()], on_cpu(tile="all"))
    assert tiling.grid == (1, 1)


@pytest.mark.parametrize("overlap", ["auto", 8])
@pytest.mark.parametrize(("tile", "step"), [(70, 64), (130, 128), (40, 40), (33, 32)])
def test_blocks_hold_whole_chunks(overlap, tile, step):
    settings = on_cpu(tile=(tile, tile), overlap=overlap)
    tiling = choose_tiling((301, 200), [lively()], settings, align=(64, 64))
    covered = np.zeros((301, 200), int)
    for index in tiling.indices():
        region = tiling.block(index)
        covered[region] += 1
        assert all(part.start % step == 0 for part in region)
    assert (covered == 1).all()
    assert {axis.step for axis in tiling.axes} == {step}


def test_too_little_overlap_is_blended_smoothly_in_aligned_blocks():
    model, image = lively(depth=3), noise(200, 150)
    settings = on_cpu(tile=(64, 64), overlap=32)
    tiling = aligned(image, model, settings, (32, 32))
    found = run(image, model, settings, tiling=tiling)
    even = run(image, model, settings)
    whole = run(image, model, on_cpu(tile="all"))
    assert abs(found - whole).max() < 3 * max(abs(even - whole).max(), 1e-3)


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_memory_that_runs_out_midway_changes_nothing(monkeypatch, normalization):
    model, image = lively(depth=1, normalization=normalization), noise(150, 120)
    settings = on_cpu(tile=(48, 48), batch=2)
    wanted = run(image, model, settings)
    forward = model.network.forward
    sizes: list[int] = []

    def shrinking(batch):
        sizes.append(batch.shape[0] * batch.shape[2] * batch.shape[3])
        if len(sizes) > 3 and sizes[-1] > 1500:  # the fourth call is the first to fail
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")
        return forward(batch)

    monkeypatch.setattr(model.network, "forward", shrinking)
    found = run(image, model, settings)
    assert abs(found - wanted).max() < 1e-5
    assert sizes[2] > 1500  # went well before
    failed = [n for n, size in enumerate(sizes) if n > 2 and size > 1500]
    assert failed
    # what was too much once is not tried again
    assert [sizes[n] for n in failed] == sorted(
        {sizes[n] for n in failed}, reverse=True
    )
    sizes[:] = [0] * 4
    assert abs(run(image, model, settings) - wanted).max() < 1e-5
    assert max(sizes) <= 1500


def test_limits_are_remembered_by_model_and_device(own_cache):
    small, large = lively(features=4), lively(features=8)
    assert limit_of(small) is None
    remember(small, 40_000)
    remember(small, 90_000)
    assert limit_of(small) == 40_000
    assert limit_of(large) is None
    assert tile_pixels([small], on_cpu(memory=64)) == 20_000
    file = own_cache / "tile_limits.json"
    [(key, (pixels, _))] = json.loads(file.read_text()).items()
    assert pixels == 40_000
    assert key.startswith("cpu | 2-D")
    file.write_text(json.dumps({key: (30_000, 0.0)}))  # long ago
    forget_here()
    assert limit_of(small) is None
    file.write_text("no json")
    forget_here()
    assert limit_of(small) is None
    forget()
    assert not file.exists()


def forget_here() -> None:
    """Behave like a new process."""
    from napari_bioseg.engine import tile_limits

    tile_limits._read = ""


def test_tiles_and_batches_follow_the_memory():
    model = lively(features=16, depth=2)
    few, many = (tile_pixels([model], on_cpu(memory=m)) for m in (0.25, 64))
    assert few < many
    assert choose_batch(16 * 16, [model], on_cpu()) > 16
    assert choose_batch(1024 * 1024, [model], on_cpu()) == 1
    assert choose_batch(1024 * 1024, [model], on_cpu(batch=7)) == 7


def test_orientations_are_all_different_and_undone():
    cube = np.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7)
    for dimensions, count in ((2, 8), (3, 16)):
        every = orientations(dimensions)
        assert len({o.apply(cube).tobytes() for o in every}) == count
        assert all((o.undo(o.apply(cube)) == cube).all() for o in every)
        assert (every[0].apply(cube) == cube).all()


@pytest.mark.parametrize("tta", ["mean", "min", "max"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_flips_and_turns(tta, dimensions):
    model = lively(dimensions, depth=1)
    image = noise(44, 50) if dimensions == 2 else noise(10, 22, 18)
    whole = run(image, model, on_cpu(tta=tta, tile="all"))
    answers = [
        each.undo(run(np.ascontiguousarray(each.apply(image)), model))
        for each in orientations(dimensions)
    ]
    assert abs(whole - getattr(np, tta)(answers, axis=0)).max() < 1e-5
    assert abs(whole - answers[0]).max() > 1e-3


@pytest.mark.parametrize("size", [(43, 51), (9, 23, 17)])
def test_flips_and_turns_of_tiles_equal_the_whole(size):
    model, image = lively(len(size), depth=1), noise(*size)
    whole = run(image, model, on_cpu(tta="mean", tile="all"))
    settings = on_cpu(tta="mean", tile=(16,) * len(size))
    assert abs(run(image, model, settings) - whole).max() < 1e-5
    assert abs(predict(image, model, settings).compute() - whole).max() < 1e-5


def test_the_mean_of_all_orientations_has_no_preferred_one():
    model, image = lively(depth=1), noise(40, 40)
    settings = on_cpu(tta="mean")
    upright = run(image, model, settings)
    turned = run(np.ascontiguousarray(np.rot90(image, axes=(1, 2))), model, settings)
    assert abs(np.rot90(upright, axes=(1, 2)) - turned).max() < 1e-5


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
def test_smaller_numbers(dtype):
    model, image = lively(), noise(60, 50)
    exact = run(image, model)
    found = run(image, model, on_cpu(dtype=dtype, tile=(32, 32)))
    assert found.dtype == dtype
    scale = 255 if dtype == "uint8" else 1
    assert abs(found / scale - exact).max() < (0.5 / 255 + 1e-4)
    lazy = predict(image, model, on_cpu(dtype=dtype, tile=(32, 32)))
    assert lazy.dtype == dtype
    assert abs(lazy.compute().astype(int) - found.astype(int)).max() <= 1


def semantic(classes: int) -> Model:
    return Model.create(
        Workflow(
            task=SemanticTask(classes=classes),
            network=NetworkSettings(features=4, depth=1),
            trained=TrainedOn(),
        )
    )


def test_classes():
    image = noise(40, 30)
    for classes in (2, 4):
        model = semantic(classes)
        exact = run(image, model)
        found = run(image, model, on_cpu(output="classes"))
        assert found.shape == (1, 40, 30)
        assert found.dtype == np.uint8
        wanted = exact[0] > 0.5 if classes == 2 else exact.argmax(0)
        np.testing.assert_array_equal(found[0], wanted)


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(ValueError, match="which are no classes"):
        run(noise(20, 20), lively(), on_cpu(output="classes"))
    workflow = Workflow(
        task=InstanceTask(channels=("B", Distance(scale="none"))),
        network=NetworkSettings(features=4, depth=1),
        trained=TrainedOn(),
    )
    with pytest.raises(ValueError, match="physical units"):
        run(noise(20, 20), Model.create(workflow), on_cpu(dtype="uint8"))


def test_models_of_other_tasks_are_not_averaged():
    base = Workflow(
        network=NetworkSettings(features=4, depth=1),
        trained=TrainedOn(),
        task=InstanceTask(channels="BD"),
    )
    other = base.replace(task=InstanceTask(channels=("B", Distance(scale="image"))))
    with pytest.raises(ValueError, match="model 2 learned other channels"):
        run(noise(20, 20), [Model.create(base), Model.create(other)])


@pytest.mark.parametrize(
    "dtype", ["int64", "bool", "uint32", "float64", ">u2", ">f4", "float16", "int8"]
)
def test_any_type_of_number(dtype):
    values = np.random.default_rng(0).integers(
        0, 2 if dtype == "bool" else 99, (40, 33)
    )
    image = values[None].astype(dtype)
    model = lively(depth=1)
    plain = values[None].astype(np.uint8 if dtype == "bool" else np.float32)
    expected = run(plain, model)
    assert abs(run(image, model, on_cpu(tile=(16, 16))) - expected).max() < 1e-3
    lazy = predict(dask.array.from_array(image, chunks=16), model)
    assert abs(lazy.compute() - expected).max() < 1e-3


def test_complex_images_are_refused():
    with pytest.raises(ValueError, match="holds complex128 values"):
        run(noise(20, 20).astype(complex), lively())


def test_pixels_that_are_no_numbers_are_told():
    model, image = lively(depth=1), noise(40, 40)
    image[0, 3, 4], image[0, 30, 9] = np.nan, np.inf
    *_, done = predict_tiles(image, model, on_cpu(tile=(16, 16)))
    assert np.isfinite(done.data).all()
    assert "NaN or infinite" in done.notes[0]
    huge = noise(40, 40).astype(np.float64)
    huge[0, 3, 4] = 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        *_, done = predict_tiles(huge, model, on_cpu(tile=(16, 16)))
    assert np.isfinite(done.data).all()
    assert done.data.std() > 1e-3  # the other pixels count as ever
    assert "too large for float32" in done.notes[0]
    *_, clean = predict_tiles(noise(20, 20), model, on_cpu())
    assert clean.notes == ()


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_a_damaged_chunk_is_named(tmp_path, kind):
    source = zarr.create_array(
        tmp_path / "in.zarr", shape=(1, 64, 64), chunks=(1, 16, 16), dtype="uint8"
    )
    source[:] = np.random.default_rng(0).integers(0, 255, (1, 64, 64))
    # the pixels that intensities are measured on are all; so break it afterwards
    image = source if kind == "zarr" else dask.array.from_zarr(source)
    events = predict_tiles(image, lively(depth=1), on_cpu(tile=(16, 16), batch=1))
    next(events)
    (tmp_path / "in.zarr" / "c" / "0" / "2" / "3").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match=r"Y 32 to 47, X 48 to 63 \(chunk 0/2/3\)"):
        list(events)
    if kind == "dask":  # opened anew, as it remembers none of what it read
        image = dask.array.from_zarr(tmp_path / "in.zarr")
    settings = on_cpu(tile=(16, 16), batch=1)
    *_, part = predict_tiles(
        Part(image, (slice(0, 32), slice(0, 32))), lively(depth=1), settings
    )
    assert part.data.shape == (2, 32, 32)  # a region without it
    with pytest.raises(ValueError, match=r"chunk 0/2/3"):
        next(predict_tiles(image, lively(depth=1), settings))


@pytest.mark.parametrize(
    ("zarr_format", "codec"),
    [(2, numcodecs.Zlib()), (2, numcodecs.GZip()), (3, zarr.codecs.GzipCodec())],
)
@pytest.mark.parametrize("damage", ["cut", "wrong"])
def test_a_chunk_that_cannot_be_unpacked_is_named(tmp_path, zarr_format, codec, damage):
    source = zarr.create_array(
        tmp_path / "in.zarr",
        shape=(1, 64, 64),
        chunks=(1, 32, 32),
        dtype="uint8",
        compressors=codec,
        zarr_format=zarr_format,
    )
    source[:] = np.random.default_rng(0).integers(0, 99, (1, 64, 64))
    name = "0.1.0" if zarr_format == 2 else "c/0/1/0"
    chunk = tmp_path / "in.zarr" / name
    whole = chunk.read_bytes()
    half = len(whole) // 2
    broken = b"" if damage == "cut" else b"\xff" * (len(whole) - half)
    chunk.write_bytes(whole[:half] + broken)
    with pytest.raises(ValueError, match=r"Y 32 to 63, X 0 to 31 \(chunk 0/1/0\)"):
        Pixels(dask.array.from_zarr(source))[:, 20:50, 10:50]


@pytest.mark.parametrize("normalization", ["batch", "instance"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (2, 40)])
def test_images_smaller_than_the_network(size, normalization):
    model = lively(depth=3, normalization=normalization)
    for tta in ("off", "mean"):
        found = run(noise(*size), model, on_cpu(tta=tta))
        assert found.shape == (2, *size)
        assert np.isfinite(found).all()


def test_panning_takes_the_lead():
    model, image = lively(depth=1), noise(160, 160)
    place = [(8.0, 8.0)]
    settings = on_cpu(tile=(16, 16), batch=1)
    events = predict_tiles(image, model, settings, focus=lambda: place[0])
    first = [next(events) for _ in range(3)]
    assert all(tile.region[0].start < 48 for tile in first)
    place[0] = (150.0, 150.0)
    moved = next(events)
    assert all(part.start >= 130 for part in moved.region)
    *_, done = events
    wanted = run(image, model, on_cpu(tile="all"))
    assert abs(done.data - wanted).max() < 1e-5
    assert len({tile.place for tile in (*first, moved)}) == 4


def test_finished_blocks_are_not_done_again():
    model, image = lively(depth=1), noise(100, 90)
    settings = on_cpu(tile=(32, 32))
    out = np.zeros((2, 100, 90), np.float32)
    events = predict_tiles(image, model, settings, out=out)
    done = [next(events) for _ in range(4)]
    events.close()
    *rest, _ = predict_tiles(
        image, model, settings, out=out, finished=[tile.place for tile in done]
    )
    assert not {t.place for t in rest} & {t.place for t in done}
    assert rest[0].index == 5
    assert abs(out - run(image, model, settings)).max() < 1e-5


@pytest.mark.parametrize("named", [False, True])
def test_tiles_that_wait_go_to_disk(tmp_path, named):
    folder = tmp_path / "tiles" if named else None
    if folder is not None:
        folder.mkdir()
        (folder / "9_9.npy").touch()  # left by a run that was killed
    kept = KeptTiles(1000, folder)
    for number in range(6):
        kept.keep((number,), np.full((10, 10), number, np.float32))
    assert len(kept) == 6
    assert len(list(kept)) == 6
    assert sum((number,) in kept._written for number in range(6)) == 4
    if folder is not None:
        assert len(list(folder.iterdir())) == 4
    assert all(kept[(number,)][0, 0] == number for number in range(6))
    kept.drop((0,))
    kept.drop((5,))
    assert len(kept) == 4
    kept.close()
    assert len(kept) == 0
    assert folder is None or not folder.exists()


def test_memory_that_the_program_itself_takes_is_told():
    *_, done = predict_tiles(noise(20, 20), lively(), on_cpu(memory=0.25))
    assert "predict.memory allows 0.25 GB, but this program took" in done.notes[0]
    *_, done = predict_tiles(noise(20, 20), lively(), on_cpu(memory=64))
    assert done.notes == ()


def test_blending_with_tiles_on_disk(monkeypatch):
    module = sys.modules["napari_bioseg.engine.predict_tiles"]
    monkeypatch.setattr(module, "memory_for", lambda *_: 0)
    model, image = lively(normalization="instance"), noise(90, 80)
    settings = on_cpu(tile=(32, 32), overlap=8)
    found = run(image, model, settings)
    assert abs(predict(image, model, settings).compute() - found).max() < 1e-5


def test_tilings_are_values():
    one, two = (
        choose_tiling((99, 99), [lively()], on_cpu(tile=(32, 32))) for _ in "ab"
    )
    assert one == two
    assert isinstance(one, Tiling)
