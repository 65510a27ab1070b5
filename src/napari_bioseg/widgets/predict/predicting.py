"""Predict layers in memory: open, predict, decode."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.io.nearest_first import Focus, in_space, nearest_first
from napari_bioseg.settings import PredictSettings
from napari_bioseg.widgets.bridge.image_source import Target
from napari_bioseg.widgets.train.training import Doing

from .events import Begun, Filled, Told
from .finding import label
from .keeping import Keeping
from .on_disk import predicting_on_disk
from .running import on_grid, opened, part_of, tiles

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

Look = Callable[[Target], Focus]


def predicting(
    targets: Sequence[Target],
    models: Sequence[Model | Path],
    settings: PredictSettings,
    keeping: Keeping,
    look: Look | None = None,
) -> Generator[Any, Any, None]:
    """Predict layers and find their objects.

    Parameters
    ----------
    targets : sequence of Target
        What to predict.
    models : sequence of Model or Path
        The models whose mean is taken, or their folders.
    settings : PredictSettings
        Tiles, flips and turns, memory, and device or cluster.
    keeping : Keeping
        Whether results are kept in memory or on disk.
    look : callable, optional
        Returns, for a target, a function that says where the user looks now.

    Yields
    ------
    Doing, Begun, Filled, ClusterWaits, Told, Labelled, NothingFound, and what
    `predicting_on_disk` yields
    """
    yield Doing("Opening the model")
    known, where = opened(models, settings)
    names: list[str] = []
    for number, wanted in enumerate(targets, start=1):
        target = on_grid(wanted, known)
        focus = (target.focus or None) if look is None else look(wanted)
        if keeping.on_disk(target, known[0].workflow, settings):
            names.append(keeping.name_for(target.name, names))
            facts = (names[-1], where, settings, keeping, focus)
            yield from predicting_on_disk(target, known, *facts)
            continue
        done = (number - 1, len(targets))
        data = yield from _predict(target, known, where, settings, focus, done)
        yield Doing("Finding the objects")
        yield from label(data, target, known[0].workflow, where)


def _predict(
    target: Target,
    models: Sequence[Model],
    where: str,
    settings: PredictSettings,
    focus: Focus,
    images: tuple[int, int],
) -> Generator[Any, Any, NDArray[np.float32]]:
    """Fill an array piece by piece, and return it."""
    before, all_images = images
    size = (len(models[0].outputs), *target.shape)
    data: NDArray[np.float32] = np.zeros(size, dtype=np.float32)
    yield Begun(target, data, models[0].workflow, where)
    inside = in_space(focus, len(target.leading))
    for step, place in enumerate(nearest_first(target.places, focus)):
        channels: tuple[Any, ...] = (slice(None), *place)
        out: NDArray[np.float32] = data[channels]
        image = part_of(target.piece(place), target)
        for progress in tiles(image, models, settings, out, inside):
            if isinstance(progress, ClusterWaits | Told):
                yield progress
                continue
            done, count = progress
            part = (step + done / count) / target.count
            yield Filled(
                (before + part) / all_images,
                step * count + done,
                count * target.count,
                before + 1,
                all_images,
            )
    return data
