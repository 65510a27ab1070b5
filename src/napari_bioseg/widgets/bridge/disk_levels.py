"""Results on disk as lazy arrays that a multiscale layer shows."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any


def disk_levels(path: Path) -> tuple[list[Any], str]:
    """Return the levels of an OME-Zarr on disk.

    Parameters
    ----------
    path : Path
        Folder of the image.

    Returns
    -------
    levels : list of dask.array.Array
        From the finest to the coarsest; chunks are read when they are looked at.
    axes : str
        One letter per axis.
    """
    import dask.array
    import zarr

    group: Any = zarr.open_group(str(path), mode="r")
    attributes = group.attrs.asdict()
    about = attributes.get("ome", attributes)["multiscales"][0]
    # of an earlier result at the same place nothing may be remembered
    name = f"bioseg-{uuid.uuid4().hex}"
    from_zarr: Any = dask.array.from_zarr
    levels = [
        from_zarr(group[level["path"]], name=f"{name}-{level['path']}")
        for level in about["datasets"]
    ]
    return levels, "".join(axis["name"].upper() for axis in about["axes"])


def channel_levels(path: Path, full: float = 1.0) -> list[list[Any]]:
    """Return the channels of a prediction on disk.

    Parameters
    ----------
    path : Path
        Folder of the prediction.
    full : float
        What a probability of 1 is stored as.

    Returns
    -------
    list of list of dask.array.Array
        For each channel its levels, as probabilities.
    """
    levels, axes = disk_levels(path)
    place = (slice(None),) * axes.index("C")
    found = []
    for number in range(levels[0].shape[len(place)]):
        values = [level[(*place, number)] for level in levels]
        if full != 1:
            values = [level.astype("float32") / full for level in values]
        found.append(values)
    return found


def shown(levels: list[Any]) -> Any:
    """Return levels as napari wants them: an array where there is only one."""
    return levels if len(levels) > 1 else levels[0]
