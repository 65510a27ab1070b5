"""Matching, measuring and clean-up, side by side with skimage, scipy and the reference.

``python benchmarks/measuring.py`` prints the table, ``--quick`` that of the smallest
image. Ratios to the reference use its recorded times (BiaPy 3.7.1, median of 3, on two
cores); skimage and scipy run here.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from skimage import measure as skimage_measure
from skimage.segmentation import expand_labels

from inputs import CASES, load
from napari_bioseg import cleanup
from napari_bioseg.channels import Prediction
from napari_bioseg.measure import match, remove_by_properties
from napari_bioseg.settings import conditions
from timing import Timing, machine, milliseconds, table, timed

RECORDED = {
    "match at 3 overlaps": (0.75, 3.5, 5.9),
    "measure and filter": (0.52, 2.3, 4.9),
    "fill holes": (0.09, 0.37, 0.77),
    "Voronoi on mask": (0.31, 1.5, 3.1),
}
"""Seconds of the reference for the three inputs."""
HEAD = ("input", "step", "ms", "cpu ms", "skimage ms", "ratio", "BiaPy ms", "ratio")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one image")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "bench_inputs"
    )
    options = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    for place, (name, case) in enumerate(CASES.items()):
        if options.quick and place:
            break
        arrays = load(case, options.folder)
        rows += _rows(name, place, arrays)
    print(machine())
    print(table(HEAD, rows))


def _rows(
    name: str, place: int, arrays: dict[str, NDArray[np.generic]]
) -> list[tuple[object, ...]]:
    labels = np.asarray(arrays["labels"], np.int32)
    guess = np.roll(labels, 2, axis=-1)
    prediction = Prediction(np.stack([arrays["F"], arrays["C"]]), "FC")
    small = [conditions("npixels < 300")]
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object] | None]] = {
        "match at 3 overlaps": (
            lambda: match(labels, guess, (0.3, 0.5, 0.75)),
            lambda: _dense_match(labels, guess),
        ),
        "measure and filter": (
            lambda: remove_by_properties(labels, small),
            lambda: _skimage_table(labels),
        ),
        "fill holes": (
            lambda: cleanup.fill_holes(labels),
            lambda: _filled_one_by_one(labels),
        ),
        "Voronoi on mask": (
            lambda: cleanup.voronoi(labels, prediction=prediction),
            lambda: _nearest(labels),
        ),
        "dilate by 3": (
            lambda: cleanup.dilate(labels, 3),
            lambda: expand_labels(labels, 3),
        ),
        "erode by 3": (lambda: cleanup.erode(labels, 3), None),
        "opening by 3": (lambda: cleanup.opening(labels, 3), None),
        "closing by 3": (lambda: cleanup.closing(labels, 3), None),
        "smooth by 2": (lambda: cleanup.smooth(labels, 2), None),
        "repair large": (lambda: cleanup.repair_large(labels, 2000), None),
        "remove close": (lambda: cleanup.remove_close(labels, 20), None),
    }
    if labels.ndim == 3:
        channel = prediction.data[0]
        pairs["median along Z"] = (
            lambda: cleanup.z_filter(channel, 5),
            lambda: ndimage.median_filter(channel, (5, 1, 1)),
        )
        pairs["median in ZY"] = (lambda: cleanup.yz_filter(channel, 3), None)
    rows = []
    for step, (ours, others) in pairs.items():
        mine = timed(ours)
        theirs = None if others is None else timed(others, runs=1)
        recorded = RECORDED.get(step)
        rows.append((name, step, *_times(mine, theirs, recorded and recorded[place])))
    return rows


def _times(
    mine: Timing, theirs: Timing | None, recorded: float | None
) -> tuple[str, ...]:
    best = min(mine.walls)
    cells = [milliseconds(best), milliseconds(mine.processor)]
    for other in (theirs and min(theirs.walls), recorded):
        cells += (
            ["", ""] if other is None else [milliseconds(other), f"{other / best:.0f}"]
        )
    return tuple(cells)


def _dense_match(labels: NDArray[np.int32], guess: NDArray[np.int32]) -> None:
    """Match with a table of all pairs, as is usual."""
    size = labels.max() + 1, guess.max() + 1
    flat = labels.ravel().astype(np.int64) * size[1] + guess.ravel()
    common = np.bincount(flat, minlength=size[0] * size[1]).reshape(size)
    union = common.sum(1, keepdims=True) + common.sum(0, keepdims=True) - common
    overlap = (common / np.maximum(union, 1))[1:, 1:]
    for least in (0.3, 0.5, 0.75):
        linear_sum_assignment(-((overlap >= least) + overlap / (2 * min(size))))


def _skimage_table(labels: NDArray[np.int32]) -> None:
    """Measure the same with skimage."""
    for region in skimage_measure.regionprops(labels):
        _ = region.area, region.centroid, region.bbox
        if labels.ndim == 2:
            _ = region.perimeter
        else:
            crop = np.pad(region.image, 1).astype(np.float32)
            corners, faces, *_ = skimage_measure.marching_cubes(crop, 0.5)
            skimage_measure.mesh_surface_area(corners, faces)


def _filled_one_by_one(labels: NDArray[np.int32]) -> None:
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        ndimage.binary_fill_holes(labels[box] == number)


def _nearest(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    places = ndimage.distance_transform_edt(
        labels == 0, return_distances=False, return_indices=True
    )
    found: NDArray[np.int32] = labels[tuple(places)]
    return found


if __name__ == "__main__":
    main()
