"""What tells a prediction on disk from the next one of the same name."""

from __future__ import annotations

from typing import Any

from .fingerprints import images_fingerprint
from .predictions import StoredPrediction
from .stack import Stack

HEADERS = (".zattrs", ".zarray", ".zgroup", "zarr.json")
"""Files that say what a zarr folder holds, in both formats."""


def told_apart(prediction: StoredPrediction) -> list[Any]:
    """Return what changes when a prediction is made anew.

    Parameters
    ----------
    prediction : StoredPrediction
        Of large ones only a few pixels are looked at, but a new one has new headers.

    Returns
    -------
    list
        As JSON holds it.
    """
    headers = [prediction.path / name for name in HEADERS]
    written = [file.stat().st_mtime_ns for file in headers if file.exists()]
    whole = Stack(lambda _: prediction.data)
    shape, pixels = prediction.data.shape, images_fingerprint(whole)
    return [str(prediction.path), list(shape), pixels, written]
