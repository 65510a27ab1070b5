"""Open results of this plugin in napari: ``*.bioseg.zarr`` folders, at any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_bioseg.widgets.bridge.colours import colormap_of
from napari_bioseg.widgets.bridge.layers import METADATA_VERSION

LayerData = tuple[Any, dict[str, Any], str]


def reader_of(path: str | list[str]) -> Callable[[str | list[str]], Any] | None:
    """Return a reader for a result folder, as napari asks for it.

    Parameters
    ----------
    path : str or list of str
        What is opened.

    Returns
    -------
    callable or None
        None if it is no folder that this plugin wrote.
    """
    paths = [path] if isinstance(path, str) else path
    if not all(_is_result(Path(text)) for text in paths):
        return None
    return lambda chosen: [
        layer
        for text in ([chosen] if isinstance(chosen, str) else chosen)
        for layer in read_result(text)
    ]


def read_result(path: str | Path) -> list[LayerData]:
    """Read a prediction or labels as layers; pixels are read when they are looked at.

    Parameters
    ----------
    path : str or Path
        Folder that ends in ``.bioseg.zarr``.

    Returns
    -------
    list of (data, options, kind)
        One image layer per channel, which the Tune panel recognises, or one of labels.
    """
    import dask.array
    import zarr

    from napari_bioseg.io import image_info

    path = Path(path)
    info = image_info(path)
    group: Any = zarr.open_group(str(path), mode="r")
    attributes = group.attrs.asdict()
    about = attributes.get("ome", attributes)["multiscales"][0]
    from_zarr: Any = dask.array.from_zarr
    levels = [from_zarr(group[level["path"]]) for level in about["datasets"]]
    spatial = len(info.size)
    options: dict[str, Any] = {
        "scale": info.spacing or (1.0,) * spatial,
        "axis_labels": tuple("zyx"[-spatial:]),
        "multiscale": len(levels) > 1,
    }
    if info.unit:
        options["units"] = (info.unit,) * spatial
    name = str(info.notes.get("source") or path.name.split(".bioseg")[0])
    if info.notes.get("role") == "labels":
        flat = [level[0] if level.ndim > spatial else level for level in levels]
        return [(_shown(flat), {**options, "name": f"{name} labels"}, "labels")]
    full = float(info.notes.get("full", 1.0))
    found: list[LayerData] = []
    for number, channel in enumerate(info.channels):
        values = [level[number] for level in levels]
        if full != 1:
            values = [level.astype("float32") / full for level in values]
        notes = {
            "version": METADATA_VERSION,
            "role": "prediction",
            "channel": channel,
            "channels": list(info.channels),
            "source": name,
            "workflow": info.notes.get("workflow"),
            "model": "",
            "run": str(path),
            "region": [[0, length] for length in info.size],
            "leading": 0,
        }
        details = {
            **options,
            "name": f"{name} {channel}",
            "colormap": colormap_of(channel),
            "blending": "additive",
            "contrast_limits": (0.0, 1.0),
            "metadata": {"bioseg": notes},
        }
        found.append((_shown(values), details, "image"))
    return found


def _shown(levels: list[Any]) -> Any:
    return levels if len(levels) > 1 else levels[0]


def _is_result(path: Path) -> bool:
    return path.name.lower().rstrip("/").endswith(".bioseg.zarr") and path.is_dir()
