"""Channels to instances, side by side with the same steps in skimage and scipy.

``python benchmarks/decoding.py`` prints the table; ``--growth`` adds sizes from 512² to
8192² and 64³ to 512³ with peak memory, up to ``--largest`` pixels, ``--levels`` the
effect of dividing the landscape into levels, ``--cancel`` how soon a stale job ends.
``--page docs/channels.md`` puts the tables of this run into the documentation.
Ratios to the reference use its recorded times on two cores, or those that
``--reference FILE`` holds: a JSON list with ``case``, ``op``, ``cfg`` and ``median_s``
of each step, as measured on this machine.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from growth import HEAD as GROWTH_HEAD
from growth import grow, print_one, tiled
from inputs import CASES, load
from napari_bioseg.channels import (
    Cancelled,
    Instances,
    LiveDecoder,
    Prediction,
    Region,
    decode,
)
from napari_bioseg.measure import match
from napari_bioseg.settings import InstanceSettings
from timing import (
    Timing,
    machine,
    markdown,
    milliseconds,
    table,
    timed,
    write_into,
)

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
STEPS = {"FC auto": "FC", "FCDb auto": "FCD", "": "match"}
"""What the steps of the reference are called in files of its times."""
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


def sliders(
    decoder: LiveDecoder, name: str, runs: int = 15, region: Region | None = None
) -> Callable[[], Instances]:
    """Return a call that moves one slider to and fro."""
    places = itertools.cycle(np.linspace(0.25, 0.6, runs).round(3))

    def move() -> Instances:
        return decoder.update(InstanceSettings(**{name: float(next(places))}), region)

    return move


def rows_of(case: str, folder: Path) -> list[tuple[object, ...]]:
    arrays = load(CASES[case], folder)
    name = CASES[case].name
    rows: list[tuple[object, ...]] = []
    for channels in ("FC", "FCD"):
        data = np.stack([arrays[channel] for channel in channels])
        prediction = Prediction(data, channels)
        books: list[np.ndarray] = []
        theirs = timed(
            lambda p=prediction, b=books: b.append(by_the_book(p)), 2, warm=True
        )
        found = decode(prediction)
        other = (found.labels != books[-1]).mean()
        assert other < 1e-3, f"{other:.2%} of the pixels differ"
        reference = RECORDED[case, channels]
        whole = functools.partial(from_arrays, data, channels)
        title = f"{channels} to instances"
        rows.append(row(name, title, timed(whole, 9), theirs, reference))
        decoder = LiveDecoder(prediction)
        for slider in ("seed_binary", "seed_contour", "foreground_binary"):
            moved = timed(sliders(decoder, slider), 15)
            rows.append(row("", f"{slider} moved", moved, theirs, reference))
        if case == "2d-large":
            region = (slice(700, 1212), slice(800, 1312))
            seen = timed(sliders(decoder, "foreground_binary", 40, region), 60)
            text = f"512² of it, p95 {milliseconds(seen.p95)} ms"
            rows.append(row("", text, seen, None, None))
    truth = arrays["labels"].astype(np.int32)
    matched = timed(lambda: match(truth, found.labels))
    rows.append(row("", "matching, 3 overlaps", matched, None, RECORDED[case, "match"]))
    return rows


def from_arrays(data: np.ndarray, channels: str) -> Instances:
    """Decode arrays of which nothing is known, their ranges included."""
    return decode(Prediction(data, channels))


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
        f"{ours.processor / ours.median:.1f}",
        milliseconds(theirs.median) if theirs else "",
        f"{theirs.median / ours.median:.1f}x" if theirs else "",
        milliseconds(reference) if reference else "",
        f"{reference / ours.median:.1f}x" if reference else "",
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
    arrays = load(CASES["2d" if len(shape) == 2 else "3d"], folder)
    data = tiled(np.stack([arrays["F"], arrays["C"]]), shape)
    small = (slice(None), *(slice(64),) * len(shape))
    decode(Prediction(data[small].copy(), "FC"))  # compiled
    prediction = Prediction(data, "FC")
    output = 9  # labels and seeds int32, foreground bool
    print_one(shape, lambda: decode(prediction).count, output)


CANCEL_HEAD = ("input", "whole ms", "given up, median", "p95", "worst")


def cancelling(folder: Path, runs: int = 40) -> list[tuple[object, ...]]:
    """Return how long a whole-volume job goes on after nobody wants it any more."""
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
    return rows


def reference_of(file: Path) -> dict[tuple[str, str], float]:
    """Return the seconds of the reference that a file holds, by case and step."""
    sizes = {"2d_1024": "2d", "2d_2048": "2d-large", "3d_128x256x256": "3d"}
    found = {}
    for row in json.loads(file.read_text()):
        if row["op"] in ("channels->instances", "matching 3 thresholds"):
            case = sizes[row["case"].rpartition("_")[0]]
            if row["cfg"] in STEPS:
                found[case, STEPS[row["cfg"]]] = float(row["median_s"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(tempfile.gettempdir()) / "napari-bioseg-benchmarks"
    parser.add_argument("--folder", type=Path, default=folder, help="for drawn inputs")
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument(
        "--largest", type=float, default=7e7, help="pixels of the largest input grown"
    )
    parser.add_argument("--levels", action="store_true")
    parser.add_argument("--cancel", action="store_true")
    parser.add_argument("--page", type=Path, help="where to put the tables")
    parser.add_argument("--reference", type=Path, help="measured times of BiaPy")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        growth_of(tuple(map(int, given.one.split("x"))), given.folder)
        return
    print(machine())
    source = "recorded for version 3.7.1"
    if given.reference is not None:
        RECORDED.update(reference_of(given.reference))
        source = "measured on this machine in a run of its own"
    print(f"Times of BiaPy are those {source}.")
    tables: list[tuple[Sequence[str], Sequence[Sequence[object]]]] = []

    def show(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        print(table(head, rows), end="\n\n", flush=True)
        tables.append((head, rows))

    for case in given.case or CASES:
        show(HEAD, rows_of(case, given.folder))
    if given.growth:
        show(GROWTH_HEAD, grow(__file__, given.folder, given.largest))
    if given.cancel:
        show(CANCEL_HEAD, cancelling(given.folder))
    if given.levels:
        levels(given.folder)
    if given.page:
        text = "\n\n".join(markdown(*shown) for shown in tables)
        write_into(
            given.page,
            "decoding",
            f"Measured on {machine()}. Times of BiaPy are those {source}.\n\n{text}",
        )


if __name__ == "__main__":
    main()
