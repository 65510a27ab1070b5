"""Zarr folders: plain arrays and OME-Zarr images, read in pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .source import UNNAMED, Source, plain_unit
from .tiff import NOTES


def is_zarr(path: Path) -> bool:
    """Whether a path lies in, or is, a folder whose name ends in ``.zarr``.

    Parameters
    ----------
    path : Path
        Any path.

    Returns
    -------
    bool
    """
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

    node: Any = zarr.open(str(path), mode="r")
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

        return da.from_zarr(array)  # type: ignore[no-untyped-call]

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
        ``YX``, ``ZYX``, ``CYX`` or ``CZYX``.
    spacing : tuple of float, optional
        Size of a pixel per spatial axis.
    unit : str
        Unit of the spacing.
    channels : tuple of str
        Names of the channels.
    notes : dict, optional
        Facts to keep beside the array, as JSON can hold them.

    Returns
    -------
    zarr.Array
        To be written into by regions.
    """
    import zarr

    spatial = iter(spacing or (1.0,) * sum(letter in "ZYX" for letter in axes))
    scale = [next(spatial) if letter in "ZYX" else 1.0 for letter in axes]
    kinds = {"C": "channel"}
    long_unit = {"um": "micrometer", "nm": "nanometer", "mm": "millimeter"}.get(unit)
    described: list[dict[str, str]] = []
    for letter in axes:
        axis = {"name": letter.lower(), "type": kinds.get(letter, "space")}
        if long_unit and letter in "ZYX":
            axis["unit"] = long_unit
        described.append(axis)
    facts = {**(notes or {}), "spacing": spacing, "unit": unit}
    if channels:
        facts["channels"] = list(channels)
    group = zarr.create_group(str(path), zarr_format=2)
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "name": path.stem,
            "axes": described,
            "datasets": [
                {
                    "path": "0",
                    "coordinateTransformations": [{"type": "scale", "scale": scale}],
                }
            ],
        }
    ]
    group.attrs[NOTES] = facts
    blocks = [min(size, 64 if axes[-3:] == "ZYX" else 512) for size in shape]
    if axes[0] == "C":
        blocks[0] = 1
    return group.create_array("0", shape=shape, dtype=dtype, chunks=tuple(blocks))
