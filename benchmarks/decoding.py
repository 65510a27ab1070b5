"""Channels to instances, side by side with the same steps in skimage and scipy.

``python benchmarks/decoding.py`` prints the table; ``--growth`` adds sizes from 512² to
8192² and 64³ to 512³ with peak memory, up to ``--largest`` pixels, ``--levels`` the
effect of dividing the landscape into levels, ``--cancel`` how soon a stale job ends.
Ratios to the reference use its recorded times on two cores; ``--peer SCRIPT`` runs the
reference itself too, where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from inputs import CASES, load
from napari_bioseg.channels import (
    Cancelled,
    Instances,
    LiveDecoder,
    Prediction,
    decode,
)
from napari_bioseg.measure import match
from napari_bioseg.settings import InstanceSettings
from timing import Timing, machine, milliseconds, peak_memory, table, timed

RECORDED = {
    ("2d", "FC"): 0.65,
    ("2d-large", "FC"): 2.5,
    ("3d", "FC"): 8.4,
    ("2d", "FCD"): 0.47,
    ("2d-large", "FCD"): 2.8,
    ("3d", "FCD"): 6.2,
    ("2d", "match"): 0.75,
    ("2d-large", "match"): 3.5,
    ("3d", "match"): 5.9,
}
"""Seconds of BiaPy 3.7.1, median of 3, on two cores."""
HEAD = (
    *("input", "step", "ms", "cpu ms", "cores"),
    *("skimage ms", "ratio", "BiaPy ms", "ratio"),
)


def by_the_book(prediction: Prediction) -> np.ndarray:
    """Do the same steps with skimage and scipy."""
    data = dict(zip(prediction.channels, prediction.data, strict=True))
    high = threshold_otsu(data["F"].ravel())
    seeds = data["F"] > high
    seeds &= data["C"] < threshold_otsu(data["C"].ravel())
    if "D" in data:
        seeds &= data["D"] > threshold_otsu(data["D"].ravel())
    mask = data["F"] > high / 2
    landscape = -ndimage.gaussian_filter(data["F"], 1, truncate=1)
    return watershed(landscape, ndimage.label(seeds)[0], mask=mask)


def sliders(decoder: LiveDecoder, name: str, runs: int = 15) -> object:
    """Return a call that moves one slider to and fro."""
    places = itertools.cycle(np.linspace(0.25, 0.6, runs).round(3))

    def move() -> Instances:
        return decoder.update(InstanceSettings(**{name: float(next(places))}))

    return move


def rows_of(case: str, folder: Path) -> list[tuple[object, ...]]:
    arrays = load(CASES[case], folder)
    name = CASES[case].name
    rows: list[tuple[object, ...]] = []
    for channels in ("FC", "FCD"):
        data = np.stack([arrays[channel] for channel in channels])
        prediction = Prediction(data, channels)
        ours = timed(lambda d=data, c=channels: decode(Prediction(d, c)))
        theirs = timed(lambda p=prediction: by_the_book(p), 2)
        expected = by_the_book(prediction)
        found = decode(prediction)
        other = (found.labels != expected).mean()
        assert other < 1e-3, f"{other:.2%} of the pixels differ"
        reference = RECORDED[case, channels]
        rows.append(row(name, f"{channels} to instances", ours, theirs, reference))
        decoder = LiveDecoder(prediction)
        for slider in ("seed_binary", "seed_contour", "foreground_binary"):
            moved = timed(sliders(decoder, slider), 15)
            rows.append(row("", f"  {slider} moved", moved, theirs, reference))
        if case == "2d-large":
            region = (slice(700, 1212), slice(800, 1312))
            places = itertools.cycle(np.linspace(0.25, 0.6, 40).round(3))
            seen = timed(
                lambda d=decoder, p=places, r=region: d.update(
                    InstanceSettings(foreground_binary=float(next(p))), r
                ),
                60,
            )
            text = f"  512² of it, p95 {milliseconds(seen.p95)} ms"
            rows.append(row("", text, seen, None, None))
    truth = arrays["labels"].astype(np.int32)
    matched = timed(lambda: match(truth, found.labels))
    rows.append(row("", "matching, 3 overlaps", matched, None, RECORDED[case, "match"]))
    return rows


def row(
    name: str,
    step: str,
    ours: Timing,
    theirs: Timing | None,
    reference: float | None,
) -> tuple[object, ...]:
    return (
        name,
        step,
        milliseconds(ours.median),
        milliseconds(ours.processor),
        f"{ours.processor / min(ours.walls):.1f}",
        milliseconds(theirs.median) if theirs else "",
        f"{theirs.median / ours.median:.0f}x" if theirs else "",
        milliseconds(reference) if reference else "",
        f"{reference / ours.median:.0f}x" if reference else "",
    )


def levels(folder: Path) -> None:
    """Print how many pixels change sides when the landscape has few levels."""
    from napari_bioseg.channels.flood import flood
    from napari_bioseg.channels.landscape import channel_levels

    rows = []
    for case in CASES:
        arrays = load(CASES[case], folder)
        prediction = Prediction(np.stack([arrays["F"], arrays["C"]]), "FC")
        found = decode(prediction)
        exact = by_the_book(prediction)
        shape = (1,) * (3 - exact.ndim) + exact.shape
        fine = channel_levels(
            prediction.data[0].reshape(shape), prediction.ranges[0], 1.0, falling=True
        ).reshape(exact.shape)
        inside = (exact > 0).sum()
        for count in (65_536, 4096, 256):
            given = (
                (fine // (65_536 // count)).astype(np.uint16),
                found.seeds,
                found.foreground,
            )
            labels = flood(*given)
            changed = (labels != exact).sum()
            time = timed(lambda g=given: flood(*g), 3)
            share = f"{changed / inside:.4%}"
            rows.append((CASES[case].name, count, share, milliseconds(time.median)))
    print(table(("input", "levels", "of the foreground differs", "flood ms"), rows))


def growth_of(shape: tuple[int, ...], folder: Path) -> None:
    """Print one line: time and memory of one size, in a process of its own."""
    case = "2d" if len(shape) == 2 else "3d"
    arrays = load(CASES[case], folder)
    base = np.stack([arrays["F"], arrays["C"]])
    times = (1, *(-(-n // m) for n, m in zip(shape, base.shape[1:], strict=True)))
    cut = (slice(None), *(slice(n) for n in shape))
    data = np.ascontiguousarray(np.tile(base, times)[cut])
    decode(Prediction(data[(slice(None), *(slice(64),) * len(shape))].copy(), "FC"))
    prediction = Prediction(data, "FC")
    found: list[Instances] = []
    memory = peak_memory(lambda: found.append(decode(prediction)))
    runs = 3 if data[0].size < 2e7 else 1
    time = timed(lambda: decode(prediction), runs)
    pixels = data[0].size
    output = 9  # labels and seeds int32, foreground bool
    print(
        "x".join(map(str, shape)),
        found[0].count,
        milliseconds(time.median),
        f"{time.median / pixels * 1e9:.1f}",
        f"{memory / 2**20:.0f}",
        f"{memory / pixels - output:.1f}",
        sep="\t",
    )


def growth(folder: Path, largest: float) -> None:
    shapes = [(n, n) for n in (512, 1024, 2048, 4096, 8192)]
    shapes += [(n, n, n) for n in (64, 128, 256, 512)]
    rows = []
    for shape in shapes:
        if np.prod(shape) > largest:
            continue
        size = "x".join(map(str, shape))
        command = [sys.executable, __file__, "--folder", str(folder), "--one", size]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(done.stdout.strip().split("\t"))
    head = ("input", "instances", "ms", "ns/pixel", "peak MiB", "bytes/pixel besides")
    print(table(head, rows))


def cancelling(folder: Path, runs: int = 40) -> None:
    """Print how long a whole-volume job goes on after nobody wants it any more."""
    arrays = load(CASES["3d"], folder)
    base = np.stack([arrays["F"], arrays["C"]])
    rows = []
    for shape in ((128, 256, 256), (512, 512, 256)):
        times = (1, *(n // m for n, m in zip(shape, base.shape[1:], strict=True)))
        prediction = Prediction(np.tile(base, times), "FC")
        LiveDecoder(prediction).update(InstanceSettings())  # compiled
        begun = time.perf_counter()
        LiveDecoder(prediction).update(InstanceSettings())
        whole = time.perf_counter() - begun
        delays = []
        # spread evenly over the job: Otsu, smoothing, components, flood
        for share in (np.arange(runs) + 0.5) / runs:
            end = time.perf_counter() + share * whole
            try:
                LiveDecoder(prediction).update(
                    InstanceSettings(), cancelled=lambda e=end: time.perf_counter() > e
                )
            except Cancelled:
                delays.append(time.perf_counter() - end)
        figures = (np.median(delays), np.percentile(delays, 95), max(delays))
        size = "x".join(map(str, shape))
        rows.append((size, *map(milliseconds, (whole, *figures))))
    print(table(("input", "whole ms", "given up, median", "p95", "worst"), rows))


def peer(script: Path | None) -> None:
    """Run the reference side by side, or say that its recorded times are used."""
    if script is None or importlib.util.find_spec("biapy") is None:
        print("BiaPy is not run: its times are those recorded for version 3.7.1")
        return
    subprocess.run([sys.executable, script.name], cwd=script.parent, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(tempfile.gettempdir()) / "napari-bioseg-benchmarks"
    parser.add_argument("--folder", type=Path, default=folder, help="for drawn inputs")
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument(
        "--largest", type=float, default=2e8, help="pixels of the largest input grown"
    )
    parser.add_argument("--levels", action="store_true")
    parser.add_argument("--cancel", action="store_true")
    parser.add_argument("--peer", type=Path, help="script that times the reference")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        growth_of(tuple(map(int, given.one.split("x"))), given.folder)
        return
    print(machine())
    peer(given.peer)
    rows = [r for case in given.case or CASES for r in rows_of(case, given.folder)]
    print(table(HEAD, rows))
    if given.levels:
        levels(given.folder)
    if given.growth:
        growth(given.folder, given.largest)
    if given.cancel:
        cancelling(given.folder)


if __name__ == "__main__":
    main()
