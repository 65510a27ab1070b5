"""Open results of this plugin in napari: ``*.bioseg.zarr`` folders, at any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_bioseg.widgets.bridge.colours import colormap_of
from napari_bioseg.widgets.bridge.disk_levels import (
    channel_levels,
    disk_levels,
    shown,
)
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
    from napari_bioseg.io import image_info

    path = Path(path)
    info = image_info(path, frame=0)
    levels, axes = disk_levels(path)
    ahead = "t" if axes[0] == "T" else ""
    names = ahead + "zyx"[-len(info.size) :]
    options: dict[str, Any] = {
        "scale": (1.0,) * len(ahead) + (info.spacing or (1.0,) * len(info.size)),
        "axis_labels": tuple(names),
        "multiscale": len(levels) > 1,
    }
    if info.unit:
        options["units"] = ("pixel",) * len(ahead) + (info.unit,) * len(info.size)
    name = str(info.notes.get("source") or path.name.split(".bioseg")[0])
    if info.notes.get("role") == "labels":
        classes = (slice(None),) * len(ahead) + (0,)
        flat = [level[classes] if "C" in axes else level for level in levels]
        return [(shown(flat), {**options, "name": f"{name} labels"}, "labels")]
    full = float(info.notes.get("full", 1.0))
    found: list[LayerData] = []
    for channel, values in zip(info.channels, channel_levels(path, full), strict=True):
        notes = {
            "version": METADATA_VERSION,
            "role": "prediction",
            "channel": channel,
            "channels": list(info.channels),
            "source": name,
            "workflow": info.notes.get("workflow"),
            "model": "",
            "run": str(path),
            "region": [[0, length] for length in values[0].shape],
            "leading": int(info.notes.get("leading", len(ahead))),
        }
        details = {
            **options,
            "name": f"{name} {channel}",
            "colormap": colormap_of(channel),
            "blending": "additive",
            "contrast_limits": (0.0, 1.0),
            "metadata": {"bioseg": notes},
        }
        found.append((shown(values), details, "image"))
    return found


def _is_result(path: Path) -> bool:
    return path.name.lower().rstrip("/").endswith(".bioseg.zarr") and path.is_dir()
