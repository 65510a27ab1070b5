"""Zarr folders: plain arrays and OME-Zarr images, read in pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.cluster.array_on_disk import ArrayOnDisk

from .source import UNNAMED, Source, plain_unit
from .tiff import NOTES

OTHERS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".npy")


def is_zarr(path: Path) -> bool:
    """Whether a path lies in, or is, a folder whose name ends in ``.zarr``.

    A file with the ending of another kind of image, such as ``results.zarr/cells.tif``,
    is none of its parts.

    Parameters
    ----------
    path : Path
        Any path.

    Returns
    -------
    bool
    """
    if path.suffix.lower() in OTHERS:
        return False
    return any(part.lower().endswith(".zarr") for part in path.parts)


def open_zarr(path: Path) -> Source:
    """Look at a zarr array, or at the finest image of an OME-Zarr group.

    Parameters
    ----------
    path : Path
        Folder of the array or group; parts inside a group are reached by their path,
        such as ``cells.zarr/labels/nuclei``.

    Returns
    -------
    Source
        Its ``load`` gives a dask array; nothing is read before it is computed.

    Raises
    ------
    ValueError
        If it is no zarr, or a group with several arrays and no multiscales metadata.
    """
    import zarr

    node: Any = zarr.open(str(path.absolute()), mode="r")
    if isinstance(node, zarr.Array):
        return _source(path, node, _dimension_names(node), {}, "", node.attrs)
    scales = node.attrs.get("ome", node.attrs).get("multiscales")
    if scales:
        array = node[scales[0]["datasets"][0]["path"]]
        axes, scale, unit = _multiscales(scales[0], array.ndim)
        return _source(path, array, axes, scale, unit, node.attrs)
    arrays = [name for name, _ in node.arrays()]
    if len(arrays) == 1:
        return open_zarr(path / arrays[0])
    names = ", ".join([*arrays, *(name for name, _ in node.groups())]) or "nothing"
    raise ValueError(
        f"{path} is a zarr group without an image of its own; it holds {names}. "
        "Give the path of the array, such as "
        f"{path.name}/{arrays[0] if arrays else '0'}"
    )


def _dimension_names(array: Any) -> str:
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS")
    if not names:
        return UNNAMED * int(array.ndim)
    return "".join(_letter(str(name)) for name in names)


def _letter(name: str) -> str:
    letter = name[:1].upper()
    return letter if letter in "TCZYX" and letter else UNNAMED


def _multiscales(about: Any, ndim: int) -> tuple[str, dict[str, float], str]:
    named: list[Any] = about.get("axes") or list("tczyx"[-ndim:])
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in named]
    letters = "".join(_letter(str(axis["name"])) for axis in axes)
    sizes = np.ones(ndim)
    found = False
    for level in (about, about["datasets"][0]):
        for change in level.get("coordinateTransformations", ()):
            if change.get("type") == "scale":
                sizes = sizes * np.asarray(change["scale"], float)
                found = True
    units = {plain_unit(str(a.get("unit", ""))) for a in axes if a["name"] in "zyx"}
    scale = {
        letter: float(size)
        for letter, size in zip(letters, sizes, strict=True)
        if found and letter in "ZYX"
    }
    return letters, scale, units.pop() if len(units) == 1 else ""


def _source(
    path: Path, array: Any, axes: str, scale: dict[str, float], unit: str, attrs: Any
) -> Source:
    def load() -> Any:
        import dask.array as da

        seen = ArrayOnDisk(array)
        return da.from_array(seen, seen.chunks)  # type: ignore[no-untyped-call]

    notes = attrs.get(NOTES, {})
    notes = dict(notes) if isinstance(notes, dict) else {}
    return Source(
        path=path,
        shape=tuple(array.shape),
        dtype=np.dtype(array.dtype),
        axes=axes,
        load=load,
        scale=scale,
        unit=unit,
        channels=tuple(str(name) for name in notes.get("channels", ())),
        notes=notes,
    )
