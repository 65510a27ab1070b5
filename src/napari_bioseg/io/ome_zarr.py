"""OME-Zarr images on disk: created at once, filled and made smaller piece by piece."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .tiff import NOTES

ZarrFormat = Literal[2, 3]
"""2 is OME-Zarr 0.4, which every program reads; 3 is OME-Zarr 0.5."""
SMALLEST = 256
"""Images are halved until no axis is longer than this."""
_LONG_UNITS = {"um": "micrometer", "nm": "nanometer", "mm": "millimeter"}
_ALIKE = 1.5
"""Axes are halved together while their pixels differ in size by less than this."""


def chunks_for(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    """Return the usual sizes of chunks.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    axes : str
        ``YX``, ``ZYX``, ``CYX`` or ``CZYX``.

    Returns
    -------
    tuple of int
        64 pixels along each axis of a volume, 512 of a plane, one channel.
    """
    sizes = [min(size, 64 if axes[-3:] == "ZYX" else 512) for size in shape]
    if axes[0] == "C":
        sizes[0] = 1
    return tuple(sizes)


def create_zarr(
    path: Path,
    shape: tuple[int, ...],
    dtype: Any,
    axes: str,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    channels: tuple[str, ...] = (),
    notes: dict[str, Any] | None = None,
    chunks: tuple[int, ...] | None = None,
    zarr_format: ZarrFormat = 2,
) -> Any:
    """Create an OME-Zarr image on disk, to be filled piece by piece.

    Parameters
    ----------
    path : Path
        Folder to create; it must not exist.
    shape : tuple of int
        Shape of the array.
    dtype : dtype
        Its type.
    axes : str
        ``YX``, ``ZYX``, ``CYX`` or ``CZYX``, or one of them after ``T``.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing.
    channels : tuple of str
        Names of the channels.
    notes : dict, optional
        Facts to keep beside the array, as JSON can hold them.
    chunks : tuple of int, optional
        Sizes of its chunks; see `chunks_for`.
    zarr_format : {2, 3}
        2 writes OME-Zarr 0.4, 3 writes 0.5.

    Returns
    -------
    zarr.Array
        To be written into by regions.
    """
    import zarr

    facts = {**(notes or {}), "spacing": spacing, "unit": unit}
    if channels:
        facts["channels"] = list(channels)
    group = zarr.create_group(str(path), zarr_format=zarr_format)
    spatial = iter(spacing or (1.0,) * sum(letter in "ZYX" for letter in axes))
    scale = [next(spatial) if letter in "ZYX" else 1.0 for letter in axes]
    about: dict[str, Any] = {
        "name": _name(path),
        "axes": _described(axes, unit),
        "datasets": [_dataset("0", scale, [0.0] * len(axes))],
    }
    _write_about(group, about, channels)
    group.attrs[NOTES] = facts
    wanted = chunks or chunks_for(shape, axes)
    return _new_array(group, "0", shape, dtype, wanted, axes)


def add_pyramid(
    path: Path, *, labels: bool = False, workers: int = 2
) -> Iterator[tuple[int, int]]:
    """Add smaller copies to an OME-Zarr image, chunk by chunk.

    Parameters
    ----------
    path : Path
        Folder of the image.
    labels : bool
        Whether its numbers are names, of which no mean can be taken: every other pixel
        is kept then.
    workers : int
        Threads; each holds eight chunks.

    Yields
    ------
    tuple of (int, int)
        Chunks done, and all.

    Notes
    -----
    Axes are halved until none is longer than 256 pixels, those with the smallest
    pixels first, so that pixels become cubes. Copies that an interrupted call left are
    written anew. Until the last one is complete, readers do not know of them.
    """
    import zarr

    group = zarr.open_group(str(path), mode="r+")
    about = _about(group)
    axes = "".join(axis["name"].upper() for axis in about["axes"])
    first = about["datasets"][0]
    about["datasets"] = [first]
    source: Any = group["0"]
    scale = list(first["coordinateTransformations"][0]["scale"])
    shift = [0.0] * len(axes)
    levels = _levels(source.shape, axes, scale)
    names = [str(number) for number in range(1, len(levels) + 1)]
    for name in names:
        if name in group:
            del group[name]
    arrays: list[Any] = []
    for name, factors in zip(names, levels, strict=True):
        before = arrays[-1] if arrays else source
        size = tuple(
            math.ceil(n / f) for n, f in zip(before.shape, factors, strict=True)
        )
        chunks = tuple(min(a, b) for a, b in zip(source.chunks, size, strict=True))
        arrays.append(_new_array(group, name, size, source.dtype, chunks, axes))
        if not labels:
            shift = [
                s + (f - 1) / 2 * c
                for s, f, c in zip(shift, factors, scale, strict=True)
            ]
        scale = [c * f for c, f in zip(scale, factors, strict=True)]
        about["datasets"].append(_dataset(name, scale, shift))
    total = sum(math.prod(array.cdata_shape) for array in arrays)
    reduce = _every_other if labels else _mean
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        for before, after, factors in zip(
            [source, *arrays], arrays, levels, strict=False
        ):
            for _ in _bounded(
                pool, _shrink, _regions(after), (before, after, factors, reduce)
            ):
                done += 1
                yield done, total
    _write_about(group, about, ())


def _shrink(
    region: tuple[slice, ...],
    before: Any,
    after: Any,
    factors: Sequence[int],
    reduce: Callable[[NDArray[Any], Sequence[int]], NDArray[Any]],
) -> None:
    wider = tuple(
        slice(part.start * f, min(part.stop * f, length))
        for part, f, length in zip(region, factors, before.shape, strict=True)
    )
    after[region] = reduce(np.asarray(before[wider]), factors)


def _bounded(
    pool: ThreadPoolExecutor, call: Any, items: Iterator[Any], others: tuple[Any, ...]
) -> Iterator[Any]:
    """Run a call for each item, with few of them waiting at any time."""
    waiting: list[Any] = []
    for item in items:
        waiting.append(pool.submit(call, item, *others))
        if len(waiting) > 4:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _regions(array: Any) -> Iterator[tuple[slice, ...]]:
    spans = (
        [slice(a, min(a + size, length)) for a in range(0, length, size)]
        for length, size in zip(array.shape, array.chunks, strict=True)
    )
    return itertools.product(*spans)


def _levels(
    shape: tuple[int, ...], axes: str, scale: Sequence[float]
) -> list[list[int]]:
    """Return by how much each axis is divided, level after level."""
    found = []
    size, pixel = list(shape), list(scale)
    spatial = [place for place, letter in enumerate(axes) if letter in "ZYX"]
    while max(size[place] for place in spatial) > SMALLEST:
        long = [place for place in spatial if size[place] > 1]
        finest = min(pixel[place] for place in long)
        factors = [
            2 if place in long and pixel[place] < _ALIKE * finest else 1
            for place in range(len(axes))
        ]
        found.append(factors)
        size = [math.ceil(n / f) for n, f in zip(size, factors, strict=True)]
        pixel = [p * f for p, f in zip(pixel, factors, strict=True)]
    return found


def _mean(values: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    total = values.astype(np.float32)
    for axis, factor in enumerate(factors):
        if factor == 2:
            if total.shape[axis] % 2:
                last = np.take(total, [-1], axis)
                total = np.concatenate((total, last), axis)
            line = (slice(None),) * axis
            total = (
                total[(*line, slice(0, None, 2))] + total[(*line, slice(1, None, 2))]
            )
            total *= np.float32(0.5)
    if values.dtype.kind in "iu":
        total = np.rint(total)
    return total.astype(values.dtype)


def _every_other(values: NDArray[Any], factors: Sequence[int]) -> NDArray[Any]:
    return values[tuple(slice(None, None, factor) for factor in factors)]


def _new_array(
    group: Any,
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
    chunks: tuple[int, ...],
    axes: str,
) -> Any:
    options: dict[str, Any] = {}
    if group.metadata.zarr_format == 2:  # folders in folders, as OME-Zarr 0.4 asks for
        options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    else:
        options["dimension_names"] = [letter.lower() for letter in axes]
    chunks = tuple(min(a, b) for a, b in zip(chunks, shape, strict=True))
    return group.create_array(name, shape=shape, dtype=dtype, chunks=chunks, **options)


def _name(path: Path) -> str:
    """Return the name that an image will have once it is complete."""
    name = path.parent.name if path.parent.name.endswith(".part") else path.name
    return re.sub(r"^\.([0-9a-f]{8}\.)?", "", name).split(".zarr")[0]


def _described(axes: str, unit: str) -> list[dict[str, str]]:
    described = []
    for letter in axes:
        kind = {"T": "time", "C": "channel"}.get(letter, "space")
        axis = {"name": letter.lower(), "type": kind}
        if unit in _LONG_UNITS and letter in "ZYX":
            axis["unit"] = _LONG_UNITS[unit]
        described.append(axis)
    return described


def _dataset(
    name: str, scale: Sequence[float], shift: Sequence[float]
) -> dict[str, Any]:
    changes: list[dict[str, Any]] = [{"type": "scale", "scale": list(scale)}]
    if any(shift):
        changes.append({"type": "translation", "translation": list(shift)})
    return {"path": name, "coordinateTransformations": changes}


def _about(group: Any) -> dict[str, Any]:
    attributes = group.attrs.asdict()
    found: dict[str, Any] = attributes.get("ome", attributes)["multiscales"][0]
    return found


def _write_about(group: Any, about: dict[str, Any], channels: Sequence[str]) -> None:
    omero = {"channels": [{"label": name, "active": True} for name in channels]}
    if group.metadata.zarr_format == 2:
        group.attrs["multiscales"] = [{"version": "0.4", **about}]
        if channels:
            group.attrs["omero"] = omero
        return
    ome = dict(group.attrs.asdict().get("ome", {}))
    ome.update({"version": "0.5", "multiscales": [about]})
    if channels:
        ome["omero"] = omero
    group.attrs["ome"] = ome
