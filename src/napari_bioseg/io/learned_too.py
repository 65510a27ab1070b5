"""Images that are to judge a training although it learns from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from .folders import image_files


def learned_too(learned: Iterable[Path], judges: Path) -> str:
    """Say which images of a folder judge a training that learns from them, too.

    Parameters
    ----------
    learned : iterable of Path
        Files that are learned from, or folders of them.
    judges : Path
        Folder of images that judge.

    Returns
    -------
    str
        Empty if there are none. Files count as the same by their place, whatever links
        lead there.
    """
    files = {path.resolve() for place in learned for path in _images(place)}
    judging = list(_images(judges))
    same = [path for path in judging if path.resolve() in files]
    if not same:
        return ""
    which = "all images" if len(same) == len(judging) else f"{len(same)} of the images"
    return (
        f"{which} that judge, from {judges}, are learned from, too: how good the "
        "network is on other images cannot be told then; judge by images that it does "
        "not learn from, or by a share"
    )


def _images(place: Path) -> Iterator[Path]:
    if not place.is_dir() or place.suffix.lower() == ".zarr":
        yield place
        return
    try:
        yield from image_files(place)
    except ValueError:  # none there, which is told where they are read
        return
