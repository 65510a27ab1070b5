"""TIFF files: what they say about themselves, and writing ones that others open."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import UNNAMED, Source, plain_unit

NOTES = "napari-bioseg"
"""Name under which this package keeps its own facts in a file."""

_TILE = 512
_BIG = 2**32 - 2**25  # an ImageJ TIFF cannot be larger; tifffile's own limit
_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_IMAGEJ_CHANNELS = 7  # ImageJ shows no more: "more channels" are undeclared slices
_TO_MICROMETRES = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}


def open_tiff(path: Path) -> Source:
    """Look at a TIFF file: ImageJ, OME or plain.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Source
        Its first image.

    Raises
    ------
    ValueError
        If the file is damaged, or holds several images of the same size.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        if any(other.shape == series.shape for other in file.series[1:]):
            raise ValueError(
                f"{path} holds {len(file.series)} images of shape {series.shape}; "
                "save each as a file of its own"
            )
        scale, unit, notes = _facts_of(file)
        axes = str(series.axes) if notes else _axes_of(file, series)
        channels = tuple(str(name) for name in notes.get("channels", ()))
        return Source(
            path=path,
            shape=tuple(series.shape),
            dtype=np.dtype(series.dtype).newbyteorder("="),
            axes=axes,
            load=lambda: _read(path),
            scale=scale,
            unit=unit,
            channels=channels,
            notes=notes,
        )


def _axes_of(file: Any, series: Any) -> str:
    axes = str(series.axes)
    said = (file.shaped_metadata or [{}])[0].get("axes")
    if series.kind == "shaped" and not said and not axes.endswith("S"):
        return UNNAMED * len(axes)  # tifffile's own guess at a bare array
    if series.kind == "imagej" and "Z" not in axes and "T" not in axes:
        size = dict(zip(axes, series.shape, strict=True)).get("C", 1)
        if size > _IMAGEJ_CHANNELS:
            axes = axes.replace("C", UNNAMED)
    return re.sub("[^TCZYXS]", UNNAMED, axes)


def _facts_of(file: Any) -> tuple[dict[str, float], str, dict[str, Any]]:
    """Return pixel size by axis, its unit and our own notes."""
    imagej = file.imagej_metadata
    if imagej is not None:
        scale, unit = _imagej_scale(file, imagej)
        notes = _notes(imagej.get("Info", ""))
        noted = _noted_scale(notes)
        # TIFF rounds resolutions; but another program may have changed them since.
        if noted and all(abs(scale.get(a, 0) / s - 1) < 1e-4 for a, s in noted.items()):
            scale = noted
        return scale, unit, notes
    if file.is_ome:
        return (*_ome_scale(file.ome_metadata), {})
    notes = _notes((file.shaped_metadata or [{}])[0].get("Info", ""))
    return _noted_scale(notes), str(notes.get("unit", "")), notes


def _noted_scale(notes: dict[str, Any]) -> dict[str, float]:
    sizes = [float(size) for size in notes.get("spacing") or ()]
    return dict(zip("ZYX"[-len(sizes) :], sizes, strict=True)) if sizes else {}


def _notes(text: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        values = json.loads(text)
        if isinstance(values, dict) and isinstance(values.get(NOTES), dict):
            return dict(values[NOTES])
    return {}


def _imagej_scale(file: Any, about: dict[str, Any]) -> tuple[dict[str, float], str]:
    unit = plain_unit(str(about.get("unit", "")))
    scale: dict[str, float] = {}
    for letter, name in (("X", "XResolution"), ("Y", "YResolution")):
        tag = file.pages[0].tags.get(name)
        pixels, per = tag.value if tag is not None else (0, 1)
        if pixels and per:
            scale[letter] = per / pixels
    if not unit and "spacing" not in about:
        return {}, ""  # resolutions without a unit are left over from a printer
    scale["Z"] = float(about.get("spacing", 1.0)) or 1.0
    return scale, unit


def _ome_scale(text: str) -> tuple[dict[str, float], str]:
    import tifffile

    image = tifffile.xml2dict(text).get("OME", {}).get("Image", {})
    image = image[0] if isinstance(image, list) else image
    pixels = image.get("Pixels", {})
    sizes = {
        letter: (float(pixels[f"PhysicalSize{letter}"]), _ome_unit(pixels, letter))
        for letter in "XYZ"
        if f"PhysicalSize{letter}" in pixels
    }
    units = {unit for _, unit in sizes.values()}
    if not units:
        return {}, ""
    if len(units) == 1:
        return {letter: size for letter, (size, _) in sizes.items()}, units.pop()
    if not units <= set(_TO_MICROMETRES):
        return {}, ""
    factors = _TO_MICROMETRES
    return {
        letter: size * factors[unit] for letter, (size, unit) in sizes.items()
    }, "um"


def _ome_unit(pixels: dict[str, Any], letter: str) -> str:
    return plain_unit(str(pixels.get(f"PhysicalSize{letter}Unit", "µm")))


def _read(path: Path) -> NDArray[Any]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        try:
            return np.asarray(series.asarray())
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            return _read_compressed(path, tuple(series.shape), error)


def _read_compressed(
    path: Path, shape: tuple[int, ...], error: Exception
) -> NDArray[Any]:
    """Read LZW or JPEG compression, which tifffile alone does not know."""
    import imageio.v3 as iio

    with contextlib.suppress(OSError, ValueError):
        pages = list(iio.imiter(path, plugin="pillow"))
        array = np.stack(pages) if len(pages) > 1 else np.asarray(pages[0])
        if array.size == np.prod(shape):
            return array.reshape(shape)
    raise ValueError(
        f"{path}: {error}; install it (pip install imagecodecs), or save the file "
        "without this compression"
    ) from error


def write_tiff(
    path: Path,
    array: Any,
    axes: str,
    *,
    spacing: tuple[float, ...] | None = None,
    unit: str = "",
    channels: tuple[str, ...] = (),
    notes: dict[str, Any] | None = None,
) -> None:
    """Write a compressed TIFF that ImageJ, napari and this package open.

    Parameters
    ----------
    path : Path
        The file; an existing one is replaced once the new one is complete.
    array : ndarray or dask array
        What to write; of a dask array a few planes are in memory at a time.
    axes : str
        ``YX``, ``ZYX``, ``CYX`` or ``CZYX``; of a dask array also one after ``T``.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing.
    channels : tuple of str
        Names of the channels.
    notes : dict, optional
        Facts to keep in the file, as JSON can hold them.
    """
    import tifffile

    facts = {**(notes or {}), "spacing": spacing, "unit": unit}
    if channels:
        facts["channels"] = list(channels)
    metadata: dict[str, Any] = {"axes": axes, "Info": json.dumps({NOTES: facts})}
    options: dict[str, Any] = {
        "metadata": metadata,
        "compression": "zlib",
        "compressionargs": {"level": 1},
        "maxworkers": min(8, os.cpu_count() or 1),
        "photometric": "minisblack",
    }
    if not isinstance(array, np.ndarray):
        options |= {"shape": array.shape, "dtype": array.dtype}
        options["bigtiff"] = array.nbytes >= _BIG
        if "Z" not in axes:
            options["tile"] = (_TILE, _TILE)
        array = _tiles(array) if "Z" not in axes else _planes(array)
    # one pixel wide: ImageJ's way takes rows for the samples of one pixel
    elif (
        array.dtype.name in _IMAGEJ_TYPES
        and array.nbytes < _BIG
        and array.shape[-1] > 1
    ):
        options["imagej"] = True
        slices = 1
        if axes == "CZYX":  # ImageJ's order is another one
            array, metadata["axes"], slices = (
                array.swapaxes(0, 1),
                "ZCYX",
                len(array[0]),
            )
        if channels:
            metadata["Labels"] = [*channels] * slices
        if spacing:
            options["resolution"] = (1 / spacing[-1], 1 / spacing[-2])
            metadata["unit"] = unit or "pixel"
            metadata["spacing"] = spacing[0] if "Z" in axes else 1.0
    else:
        options["bigtiff"] = array.nbytes >= _BIG
    tifffile.imwrite(path, array, **options)


def _planes(array: Any) -> Iterator[NDArray[Any]]:
    """Compute the planes of ([C,] Z, Y, X), a layer of chunks at a time."""
    step = array.chunks[-3][0]
    for channel in np.ndindex(array.shape[:-3]):
        for start in range(0, array.shape[-3], step):
            part = array[(*channel, slice(start, start + step))]
            yield from np.asarray(part.compute(scheduler="threads"))


def _tiles(array: Any) -> Iterator[NDArray[Any]]:
    """Compute the tiles of ([C,] Y, X), a row of them at a time."""
    for channel in np.ndindex(array.shape[:-2]):
        for top in range(0, array.shape[-2], _TILE):
            part = array[(*channel, slice(top, top + _TILE))]
            row = np.asarray(part.compute(scheduler="threads"))
            for left in range(0, array.shape[-1], _TILE):
                yield row[:, left : left + _TILE]
