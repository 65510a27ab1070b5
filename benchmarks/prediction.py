"""What the engine adds to a bare network, how it grows, and the memory it takes.

``python benchmarks/prediction.py speed`` runs `predict_tiles` from array to array
beside the bare network on the same tiles, already cut and normalised, and shows apart
what blending, dask and writing to disk add. ``growth`` predicts larger and larger
images and volumes. ``volume 1 4 8`` makes volumes of so many gigabytes on disk and
predicts them from zarr to zarr (uint8 in and out) with a network of one convolution,
so that the engine and not the network is measured; each in a process of its own, whose
peak memory is told. ``segment 1`` finds the instances of such a prediction, block by
block. ``peer`` predicts an image with BiaPy's way of cutting and merging patches too,
where BiaPy is installed. ``gpu`` compares precisions and batches on a GPU.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import zarr
from torch import nn

from napari_bioseg.engine import Model, predict, predict_tiles
from napari_bioseg.engine.choose_tiles import choose_tiling
from napari_bioseg.engine.memory import keep_freed_memory
from napari_bioseg.engine.networks.shape import Shape
from napari_bioseg.engine.normalize import scale_of
from napari_bioseg.engine.run_tiles import run_batch
from napari_bioseg.settings import (
    NetworkSettings,
    PredictSettings,
    TrainedOn,
    Workflow,
)
from peer import INSTALLED, peer_unet
from timing import machine, table

GIGABYTE = 1024**3


class OneConvolution(nn.Module):
    """The smallest network there is."""

    def __init__(self, dimensions: int, outputs: int) -> None:
        super().__init__()
        self.shape = Shape(multiple=(1,) * dimensions, halo=(1,) * dimensions)
        kind = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.convolution = kind(1, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution."""
        return self.convolution(x)


def tiny(dimensions: int) -> Model:
    workflow = Workflow(
        network=NetworkSettings(features=4, depth=1),
        trained=TrainedOn(dimensions=dimensions, spacing=(1.0,) * dimensions),
    )
    model = Model.create(workflow)
    torch.manual_seed(0)
    model.network = OneConvolution(dimensions, len(model.outputs)).eval()
    return model


def best(call: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the least wall and processor time of several runs, in seconds."""
    walls, used = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        used.append(time.process_time() - processor)
    return min(walls), min(used)


def speed(runs: int, size: int) -> None:
    """Compare `predict_tiles` with the bare network over the same tiles."""
    rng = np.random.default_rng(0)
    rows = []
    for name, shape, tile in (
        ("2-D", (1, size, size), (512, 512)),
        ("3-D", (1, 64, size // 4, size // 4), (64, 96, 96)),
    ):
        model = Model.create(
            Workflow.preset("fast").replace(
                trained=TrainedOn(dimensions=len(tile), spacing=(1.0,) * len(tile))
            )
        )
        image = rng.integers(0, 255, shape).astype(np.uint8)
        for overlap in ("auto", 16):
            settings = PredictSettings(
                tile=tile, overlap=overlap, device="cpu", batch=1
            )
            tiling = choose_tiling(shape[1:], [model], settings)
            scale = scale_of(image, model.workflow.data.normalization)
            tiles = [
                np.ascontiguousarray(scale(image[(slice(None), *tiling.read(i))]))[None]
                for i in tiling.indices()
            ]

            def bare(tiles=tiles, model=model) -> None:
                with keep_freed_memory():
                    for each in tiles:
                        run_batch(model, each)

            def ours(image=image, model=model, settings=settings) -> None:
                for _ in predict_tiles(image, model, settings):
                    pass

            def lazily(image=image, model=model, settings=settings) -> None:
                predict(image, model, settings).compute(scheduler="threads")

            def to_disk(image=image, model=model, settings=settings) -> None:
                with TemporaryDirectory() as folder:
                    out = zarr.create_array(
                        f"{folder}/out.zarr",
                        shape=(2, *image.shape[1:]),
                        chunks=(1, *settings.tile),
                        dtype="float32",
                    )
                    for _ in predict_tiles(image, model, settings, out=out):
                        pass

            bare()
            times = [best(call, runs) for call in (bare, ours, lazily, to_disk)]
            kind = "blended" if overlap != "auto" else "whole halo"
            wall = [f"{t[0]:.2f}" for t in times]
            share = [f"{times[0][n] / times[1][n]:.3f}" for n in (0, 1)]
            rows.append((name, f"{kind}, {len(tiles)} tiles", *wall, *share))
    head = ("", "tiles", "bare s", "tiles s", "dask s", "to zarr s", "wall", "cpu")
    print(table(head, rows))
    print("wall, cpu: bare network / predict_tiles; 1 means that nothing is added\n")


def peer(runs: int, size: int) -> None:
    """Compare `predict_tiles` with BiaPy's steps: crop, network, merge.

    Patches of 256 x 256 in batches of 4, a U-Net of 16 to 256 features; BiaPy's padding
    of 32 pixels, and here the same number, or what the network needs to be exact.
    """
    if not INSTALLED:
        print("BiaPy is not installed here")
        return
    from biapy.data.data_2D_manipulation import (
        crop_data_with_overlap,
        merge_data_with_overlap,
    )

    model = Model.create(
        Workflow.preset("fast").replace(
            trained=TrainedOn(dimensions=2, spacing=(1.0, 1.0)),
            network=NetworkSettings(architecture="unet", features=16, depth=4),
        )
    )
    ours = model.network.eval()
    theirs = peer_unet([len(model.outputs)]).eval()
    image = np.random.default_rng(0).integers(0, 255, (1, size, size)).astype(np.uint8)
    scale = scale_of(image, model.workflow.data.normalization)

    def steps(network: nn.Module) -> None:
        sample = np.ascontiguousarray(scale(image)[..., np.newaxis])
        patches, _ = crop_data_with_overlap(
            sample, (256, 256, 1), padding=(32, 32), verbose=False
        )
        found = []
        with torch.inference_mode():
            for start in range(0, len(patches), 4):
                batch = torch.from_numpy(patches[start : start + 4])
                out = network(batch.permute(0, 3, 1, 2).contiguous().float())
                out = out["pred"] if isinstance(out, dict) else out
                found.append(out.sigmoid().permute(0, 2, 3, 1).numpy())
        merge_data_with_overlap(
            np.concatenate(found),
            (1, size, size, found[0].shape[-1]),
            padding=(32, 32),
            verbose=False,
        )

    def tiles(**settings: object) -> None:
        for _ in predict_tiles(image, model, PredictSettings(device="cpu", **settings)):
            pass

    same = {"tile": (256, 256), "batch": 4}
    calls: dict[str, Callable[[], None]] = {
        "napari-bioseg, 32 pixels": lambda: tiles(**same, overlap=32),
        "napari-bioseg, exact": lambda: tiles(**same),
        "napari-bioseg, exact, tiles as they come": tiles,
        "BiaPy's steps, the same network": lambda: steps(ours),
        "BiaPy's steps, its U-Net": lambda: steps(theirs),
    }
    times = {name: best(call, runs) for name, call in calls.items()}
    least = times["BiaPy's steps, its U-Net"][0]
    rows = [
        (name, f"{wall:.2f}", f"{used:.2f}", f"{least / wall:.2f}")
        for name, (wall, used) in times.items()
    ]
    print(table((f"{size} x {size}", "seconds", "cpu s", "ratio"), rows))


def growth(largest: int) -> None:
    """Predict images and volumes of more and more pixels."""
    rows = []
    sizes = [(n, n) for n in (2048, 4096, 8192, 16384) if n <= largest]
    sizes += [
        s
        for s in ((128, 256, 256), (256, 512, 512), (512, 1024, 1024))
        if s[-1] ** 2 * s[0] <= largest**2 * 2
    ]
    for size in sizes:
        model = tiny(len(size))
        image = np.random.default_rng(0).integers(0, 255, (1, *size), dtype=np.uint8)
        settings = PredictSettings(device="cpu", dtype="uint8")

        def call(image=image, model=model, settings=settings) -> None:
            for _ in predict_tiles(image, model, settings):
                pass

        wall, used = best(call, 1 if image.size > 2**27 else 2)
        million = image.size / 1e6
        rows.append(
            (
                " × ".join(map(str, size)),
                f"{million:.0f} M",
                f"{wall:.2f}",
                f"{1000 * wall / million:.1f}",
                f"{1000 * used / million:.1f}",
            )
        )
    print(table(("image", "pixels", "seconds", "ms / M pixels", "cpu ms / M"), rows))


def make_volume(path: Path, gigabytes: float) -> None:
    """Write a volume of noise, chunk by chunk."""
    planes = round(gigabytes * GIGABYTE / 1024**2 / 64) * 64
    array = zarr.create_array(
        path, shape=(planes, 1024, 1024), chunks=(64, 64, 64), dtype="uint8"
    )
    rng = np.random.default_rng(0)
    slab = rng.integers(0, 255, (64, 1024, 1024), dtype=np.uint8)
    for start in range(0, planes, 64):
        array[start : start + 64] = np.roll(slab, start, axis=1)


def volumes(sizes: list[float], memory: float, where: str | None) -> None:
    """Predict volumes on disk, each in a process of its own."""
    rows = []
    for size in sizes:
        with TemporaryDirectory(dir=where) as folder:
            make_volume(Path(folder) / "in.zarr", size)
            words = [__file__, "one", folder, "--memory", str(memory)]
            run = subprocess.run(
                [sys.executable, *words], check=True, capture_output=True, text=True
            )
            wall, used, peak = run.stdout.split()[-3:]
            rows.append((f"{size:g} GB", f"{memory:g} GB", wall, used, peak))
            print(*rows[-1], flush=True)
    head = ("volume", "predict.memory", "seconds", "cpu seconds", "peak GB")
    print(table(head, rows))


def one(folder: Path, memory: float) -> None:
    """Predict the volume in a folder, and print seconds and the peak of memory."""
    from napari_bioseg.io import read_image
    from napari_bioseg.io.predict_volume import predict_volume

    image = read_image(folder / "in.zarr", axes="ZYX")
    settings = PredictSettings(device="cpu", dtype="uint8", memory=memory)
    wall, used = time.perf_counter(), time.process_time()
    for _ in predict_volume(image, tiny(3), folder / "out.zarr", settings):
        pass
    wall, used = time.perf_counter() - wall, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGABYTE
    print(f"{wall:.0f} {used:.0f} {peak:.2f}")


def segment(sizes: list[float], memory: float, where: str | None) -> None:
    """Find the instances of predictions on disk, each in a process of its own."""
    rows = []
    for size in sizes:
        with TemporaryDirectory(dir=where) as folder:
            make_cells(Path(folder) / "in.zarr", size)
            words = [__file__, "one-segment", folder, "--memory", str(memory)]
            run = subprocess.run(
                [sys.executable, *words], check=True, capture_output=True, text=True
            )
            rows.append((f"{size:g} GB", f"{memory:g} GB", *run.stdout.split()[-4:]))
    head = ("channels", "memory", "seconds", "cpu seconds", "peak GB", "objects")
    print(table(head, rows))


def make_cells(path: Path, gigabytes: float) -> None:
    """Write channels B and C of balls on a lattice as uint8, chunk by chunk."""
    from napari_bioseg.io.ome_zarr import create_zarr
    from napari_bioseg.io.predictions import prediction_notes

    planes = round(gigabytes * GIGABYTE / 1024**2 / 2 / 64) * 64
    settings = PredictSettings(dtype="uint8")
    workflow = Workflow(predict=settings)
    notes = prediction_notes(workflow, "cells", settings)
    names = workflow.outputs
    shape = (2, planes, 1024, 1024)
    array = create_zarr(path, shape, np.uint8, "CZYX", channels=names, notes=notes)
    z, y, x = np.indices((64, 64, 64)) % 32 - 16
    distance = np.sqrt(z**2 + y**2 + x**2)
    inside = np.clip((13 - distance) / 3, 0, 1)
    contour = np.clip(1 - abs(distance - 13) / 2, 0, 1)
    pattern = np.rint(255 * np.stack((inside, contour))).astype(np.uint8)
    slab = np.tile(pattern, (1, 1, 16, 16))
    for start in range(0, planes, 64):
        array[:, start : start + 64] = slab


def one_segment(folder: Path, memory: float) -> None:
    """Segment the channels in a folder; print seconds, peak of memory and objects."""
    from napari_bioseg.io import read_prediction
    from napari_bioseg.io.segment_volume import segment_volume

    stored = read_prediction(folder / "in.zarr")
    workflow = Workflow(predict=PredictSettings(memory=memory))
    wall, used = time.perf_counter(), time.process_time()
    *_, done = segment_volume(stored, folder / "labels.zarr", workflow)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGABYTE
    print(f"{wall:.0f} {used:.0f} {peak:.2f} {done.objects}")


def gpu(runs: int) -> None:
    """Compare precisions and batches on a GPU."""
    if not torch.cuda.is_available():
        print("no GPU here")
        return
    print(torch.cuda.get_device_name())
    rows = []
    rng = np.random.default_rng(0)
    for size in ((8192, 8192), (256, 512, 512)):
        trained = TrainedOn(dimensions=len(size), spacing=(1.0,) * len(size))
        model = Model.create(Workflow.preset("fast").replace(trained=trained))
        image = rng.integers(0, 255, (1, *size)).astype(np.uint8)
        exact = None
        for precision in ("float32", "bfloat16"):
            for tile in ("auto", (256,) * 2 if len(size) == 2 else (64,) * 3):
                settings = PredictSettings(
                    device="cuda", precision=precision, tile=tile
                )
                found = []

                def call(image=image, model=model, settings=settings, found=found):
                    *_, done = predict_tiles(image, model, settings)
                    found.append(done.data)

                call()
                wall, _ = best(call, runs)
                exact = found[0] if exact is None else exact
                differs = abs(found[0] - exact).max()
                rows.append(
                    (
                        " × ".join(map(str, size)),
                        f"{precision}, tile {tile}",
                        f"{wall:.2f}",
                        f"{image.size / 1e6 / wall:.1f}",
                        f"{differs:.1e}",
                    )
                )
    head = ("image", "how", "seconds", "M pixels / s", "from exact")
    print(table(head, rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what",
        choices=[
            *("speed", "peer", "growth", "volume", "segment", "gpu"),
            *("one", "one-segment"),
        ],
    )
    parser.add_argument("given", nargs="*")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", type=float, default=1.5)
    parser.add_argument("--largest", type=int, default=16384)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--where", help="folder for volumes")
    args = parser.parse_args()
    if args.what in ("one", "one-segment"):
        call = one if args.what == "one" else one_segment
        call(Path(args.given[0]), args.memory)
        return
    print(machine())
    if args.what == "speed":
        speed(args.runs, args.size)
    elif args.what == "peer":
        peer(args.runs, args.size)
    elif args.what == "growth":
        growth(args.largest)
    elif args.what == "gpu":
        gpu(args.runs)
    else:
        if args.where and not Path(args.where).exists():
            Path(args.where).mkdir(parents=True)
        run = volumes if args.what == "volume" else segment
        run([float(size) for size in args.given or ["1"]], args.memory, args.where)
        if args.where:
            shutil.rmtree(args.where, ignore_errors=True)


if __name__ == "__main__":
    main()
