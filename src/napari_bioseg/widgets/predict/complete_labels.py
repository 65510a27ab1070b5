"""What labels on disk were made from, so that going on leaves complete ones alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MADE = "made"
"""Where the notes of labels say what they were made from and what was found."""


@dataclass
class Found:
    """What is learned while labels are written."""

    objects: int = 0
    thresholds: dict[str, float] = field(default_factory=dict)
    class_of: dict[int, int] | None = None
    seen: set[int] = field(default_factory=set)


def note_made(labels: Path, prediction: Path, found: Found) -> None:
    """Note beside complete labels what they were made from.

    Parameters
    ----------
    labels, prediction : Path
        Folders of both.
    found : Found
        What was found.
    """
    import zarr

    from napari_bioseg.io.tiff import NOTES

    kinds = found.class_of
    made = {
        "from": _fingerprint(prediction),
        "objects": int(found.objects),
        "thresholds": {name: float(at) for name, at in found.thresholds.items()},
        "class_of": None
        if kinds is None
        else [[int(one), int(kind)] for one, kind in kinds.items()],
    }
    group: Any = zarr.open_group(str(labels), mode="r+")
    group.attrs[NOTES] = {**group.attrs[NOTES], MADE: made}


def found_before(labels: Path, prediction: Path) -> Found | None:
    """Return what is known about labels that were made from a prediction.

    Parameters
    ----------
    labels, prediction : Path
        Folders of both.

    Returns
    -------
    Found or None
        None if there are no such labels, or they were made from something else.
    """
    from napari_bioseg.io import image_info

    if not labels.exists():
        return None
    made = image_info(labels, frame=0).notes.get(MADE)
    if not isinstance(made, dict) or made.get("from") != _fingerprint(prediction):
        return None
    kinds = made["class_of"]
    return Found(
        made["objects"],
        dict(made["thresholds"]),
        None if kinds is None else dict(kinds),
    )


def _fingerprint(prediction: Path) -> str:
    """Name an image, a model and settings, as the notes of a prediction hold them."""
    from napari_bioseg.io import image_info

    notes = image_info(prediction, frame=0).notes
    text = json.dumps(notes, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
