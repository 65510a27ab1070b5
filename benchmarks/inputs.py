"""Seeded images of touching cells, with noisy channels as a network predicts them.

The same recipe, random stream and sizes as the recorded timings of the reference, so
that ratios compare the same arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries


@dataclass(frozen=True)
class Case:
    """One image: its size, how many cells are thrown in, and how large they are."""

    shape: tuple[int, ...]
    cells: int
    radii: tuple[int, int]
    seed: int

    @property
    def name(self) -> str:
        """What files of this case are called."""
        return "x".join(map(str, self.shape))


CASES = {
    "2d": Case((1024, 1024), 560, (14, 26), 1),
    "2d-large": Case((2048, 2048), 2250, (14, 26), 2),
    "3d": Case((128, 256, 256), 340, (14, 24), 3),
}


def scaled(shape: tuple[int, ...], seed: int = 5) -> Case:
    """Return a case of any size with about the density of the three above."""
    area = np.prod(shape)
    if len(shape) == 2:
        return Case(shape, int(area * 560 / 1024**2), (14, 26), seed)
    return Case(shape, int(area * 340 / (128 * 256**2)), (14, 24), seed)


def cells(case: Case) -> NDArray[np.int32]:
    """Draw ellipsoids; each pixel goes to the relatively nearest."""
    rng = np.random.default_rng(case.seed)
    ids = np.zeros(case.shape, np.int32)
    nearest = np.ones(case.shape, np.float32)
    for label in range(1, case.cells + 1):
        middle = [rng.uniform(0, length) for length in case.shape]
        if len(case.shape) == 2:
            radii = rng.uniform(*case.radii, 2)
        else:
            flat = rng.uniform(*case.radii) * 0.6
            radii = np.concatenate([[flat], rng.uniform(*case.radii, 2)])
        box = tuple(
            slice(max(0, int(c - r) - 1), min(length, int(c + r) + 2))
            for c, r, length in zip(middle, radii, case.shape, strict=True)
        )
        axes = np.ogrid[box]
        distance = sum(
            ((axis - c) / r) ** 2
            for axis, c, r in zip(axes, middle, radii, strict=True)
        )
        closer = distance < nearest[box]
        nearest[box][closer] = distance[closer]
        ids[box][closer] = label
    return _largest_pieces(ids)


def _largest_pieces(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    kept = np.zeros_like(ids)
    count = 0
    for label, box in enumerate(ndimage.find_objects(ids), 1):
        if box is None:
            continue
        pieces, _ = ndimage.label(ids[box] == label)
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        if sizes.max() >= 12:
            count += 1
            kept[box][pieces == sizes.argmax()] = count
    return kept


def channels(case: Case, labels: NDArray[np.int32]) -> dict[str, NDArray[np.float32]]:
    """Return F, C and D, blurred and noisy."""
    rng = np.random.default_rng(case.seed)
    depth = np.zeros(labels.shape, np.float32)
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        wide = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
        mask = labels[wide] == label
        distance = ndimage.distance_transform_edt(mask)
        depth[wide][mask] = (distance / distance.max())[mask]

    def noisy(channel: NDArray[np.generic]) -> NDArray[np.float32]:
        blurred = ndimage.gaussian_filter(channel.astype(np.float32), 1.0)
        noise = rng.normal(0, 1, labels.shape).astype(np.float32)
        noise = ndimage.gaussian_filter(noise, 1.0)
        return np.clip(blurred + 0.1 * noise, 0, 1).astype(np.float32)

    contour = find_boundaries(labels, mode="thick")
    return {"F": noisy(labels > 0), "C": noisy(contour), "D": noisy(depth)}


def load(case: Case, folder: Path) -> dict[str, NDArray[np.generic]]:
    """Return labels and channels of a case, drawn once and kept in a folder."""
    path = folder / f"{case.name}-{case.cells}-{case.seed}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        labels = cells(case)
        np.savez(path, labels=labels, **channels(case, labels))
    with np.load(path) as file:
        return {name: file[name] for name in file.files}
