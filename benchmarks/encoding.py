"""Labels to channels, side by side with the same steps in skimage and scipy.

``python benchmarks/encoding.py`` prints the table; ``--growth`` adds sizes from 512² to
8192² and 64³ to 512³, up to ``--largest`` pixels. Ratios to the reference use its
recorded times on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

from growth import HEAD as GROWTH_HEAD
from growth import grow, print_one, tiled
from inputs import CASES, load
from napari_bioseg.channels import encode
from timing import machine, milliseconds, table, timed

RECORDED = {
    ("2d", "FC"): 0.033,
    ("2d-large", "FC"): 0.16,
    ("3d", "FC"): 0.32,
    ("2d", "FCD"): 0.73,
    ("2d-large", "FCD"): 11.4,
    ("3d", "FCD"): 5.2,
}
"""Seconds of BiaPy 3.7.1, median of 3, on two cores."""


def by_the_book(labels: np.ndarray, channels: str) -> np.ndarray:
    """Draw the same channels with skimage and scipy, one crop an instance."""
    contour = find_boundaries(labels)
    out = [(labels > 0) & ~contour if "B" in channels else labels > 0, contour]
    if "D" in channels:
        distance = np.zeros(labels.shape, np.float32)
        for label, box in enumerate(ndimage.find_objects(labels), 1):
            if box is None:
                continue
            wide = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
            mask = labels[wide] == label
            own = ndimage.distance_transform_edt(mask)[mask]
            span = own.max() - own.min()
            distance[wide][mask] = (own - own.min()) / span if span else 1
        out.append(distance)
    return np.stack(out).astype(np.float32)


def rows_of(case: str, folder: Path) -> list[tuple[object, ...]]:
    labels = load(CASES[case], folder)["labels"].astype(np.int32)
    rows = []
    for channels in ("FC", "BC", "FCD", "BCD", "FP"):
        ours = timed(lambda c=channels: encode(labels, c))
        theirs, reference = None, RECORDED.get((case, channels.replace("B", "F")))
        if "C" in channels:
            books: list[np.ndarray] = []
            theirs = timed(
                lambda c=channels, b=books: b.append(by_the_book(labels, c)),
                2,
                warm=True,
            )
            np.testing.assert_allclose(encode(labels, channels), books[-1], atol=1e-6)
        rows.append(
            (
                CASES[case].name,
                f"labels to {channels}",
                milliseconds(ours.median),
                milliseconds(ours.processor),
                milliseconds(theirs.median) if theirs else "",
                f"{theirs.median / ours.median:.0f}x" if theirs else "",
                milliseconds(reference) if reference else "",
                f"{reference / ours.median:.0f}x" if reference else "",
            )
        )
    return rows


def growth_of(shape: tuple[int, ...], folder: Path) -> None:
    """Print one line: time and memory of one size, in a process of its own."""
    base = load(CASES["2d" if len(shape) == 2 else "3d"], folder)["labels"]
    labels = tiled(base, shape).astype(np.int32)
    # every tile has ids of its own
    tile = np.zeros(shape, np.int32)
    for axis, (n, m) in enumerate(zip(shape, base.shape, strict=True)):
        step = np.arange(n) // m
        tile *= step[-1] + 1
        tile += np.expand_dims(
            step.astype(np.int32), [a for a in range(len(shape)) if a != axis]
        )
    labels += np.where(labels > 0, tile * int(base.max()), 0).astype(np.int32)
    del tile
    encode(labels[(slice(64),) * len(shape)].copy(), "BCD")  # compiled
    highest = int(labels.max())
    output = 12  # three channels float32

    def call() -> int:
        encode(labels, "BCD")
        return highest

    print_one(shape, call, output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(tempfile.gettempdir()) / "napari-bioseg-benchmarks"
    parser.add_argument("--folder", type=Path, default=folder, help="for drawn inputs")
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument(
        "--largest", type=float, default=7e7, help="pixels of the largest input grown"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        growth_of(tuple(map(int, given.one.split("x"))), given.folder)
        return
    print(machine())
    rows = [r for case in given.case or CASES for r in rows_of(case, given.folder)]
    head = ("input", "step", "ms", "cpu ms", "skimage ms", "ratio", "BiaPy ms", "ratio")
    print(table(head, rows), end="\n\n")
    if given.growth:
        print(table(GROWTH_HEAD, grow(__file__, given.folder, given.largest)))


if __name__ == "__main__":
    main()
