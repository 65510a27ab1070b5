"""Where the results of layers are kept: in memory or on disk."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_bioseg.settings import PredictSettings, Workflow
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.names import free_name, safe_name

Where = Literal["auto", "memory", "disk"]
Earlier = Literal["refuse", "resume", "replace"]


def results_folder() -> Path:
    """Return where results go that do not fit into memory, unless the user says.

    Returns
    -------
    Path
        In the home folder, in sight: they are worth finding, and take room.
    """
    return Path.home() / "napari-bioseg" / "predictions"


@dataclass(frozen=True)
class Keeping:
    """What the user wants to happen to results."""

    where: Where = "auto"
    """On disk, in memory, or as it fits."""
    folder: Path | None = None
    """Folder for results on disk; `results_folder` if not given."""
    earlier: Earlier = "refuse"
    """What becomes of complete results that are there already."""
    extras: bool = False
    """Whether seeds or foreground were asked for, which are made in memory only."""

    def path(self, name: str, kind: str = "") -> Path:
        """Return where a result on disk goes.

        Parameters
        ----------
        name : str
            From `name_for`.
        kind : str
            What it is, if it is not the prediction: ``instances`` or ``classes``.

        Returns
        -------
        Path
        """
        folder = self.folder or results_folder()
        ending = f" {kind}" if kind else ""
        return folder / f"{name}{ending}.bioseg.zarr"

    def name_for(self, layer: str, taken: Collection[str] = ()) -> str:
        """Return what results of a layer are called on disk.

        Parameters
        ----------
        layer : str
            The layer's name.
        taken : collection of str
            What results of others are called.

        Returns
        -------
        str
            A file name; with a number behind it where results of another layer are
            called so, which happens to names such as ``a/b`` and ``a:b``.
        """
        used = {name.casefold() for name in taken}  # one file on some disks

        def another(name: str) -> bool:
            return name.casefold() in used or any(
                source not in ("", layer) for source in self._sources(name)
            )

        return free_name(safe_name(layer), another)

    def _sources(self, name: str) -> Iterator[str]:
        """Find what the results of a name that are there were made from."""
        from napari_bioseg.io import image_info
        from napari_bioseg.io.unfinished import IMAGE, unfinished

        for kind in ("", "instances", "classes"):
            path = self.path(name, kind)
            for place in (path, unfinished(path) / IMAGE):
                if place.exists():
                    with suppress(ValueError, OSError):
                        yield str(image_info(place, frame=0).notes.get("source", ""))

    def on_disk(
        self, target: Target, workflow: Workflow, settings: PredictSettings
    ) -> bool:
        """Say whether a result goes to disk.

        Parameters
        ----------
        target : Target
            What is predicted.
        workflow : Workflow
            Of the model.
        settings : PredictSettings
            ``memory`` counts.

        Returns
        -------
        bool

        Raises
        ------
        ValueError
            If it is to be kept in memory and does not fit.
        """
        from napari_bioseg.channels.blockwise.room import free_main_memory, room_for

        if self.where == "disk":
            return True
        needed = math.prod(target.shape) * (4 * len(workflow.outputs) + 16)
        if self.where == "auto":
            return needed > room_for(settings.memory)
        free = free_main_memory()
        if needed > 0.9 * free:
            raise ValueError(
                f"{target.name} needs about {needed / 1e9:.1f} GB for its prediction, "
                f"but {free / 1e9:.1f} GB are free; keep it on disk, or predict a part "
                "(current view or region)"
            )
        return False
