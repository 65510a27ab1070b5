"""Networks in the job's thread: opened, checked, and run over one image."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_bioseg.cluster.follow import ClusterWaits
from napari_bioseg.io.nearest_first import Focus
from napari_bioseg.settings import PredictSettings
from napari_bioseg.widgets.bridge.image_source import Target

from .events import Told

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

LIVELY_TILE = 1024
"""Largest automatic tile on a CPU, pixels: about a second's work."""


def opened(
    models: Sequence[Model | Path], settings: PredictSettings
) -> tuple[list[Model], str]:
    """Open models whose mean is taken, and start the deep-learning library.

    Parameters
    ----------
    models : sequence of Model or Path
        Models, or their folders.
    settings : PredictSettings
        Says on which device.

    Returns
    -------
    models : list of Model
    where : str
        Folder of the first, whose thresholds count; empty if it is not saved.

    Raises
    ------
    ValueError
        If one cannot be opened, or they do not fit together.
    """
    from napari_bioseg.widgets.jobs.engine_start import load_for_prediction

    load_for_prediction()
    from napari_bioseg.engine.run_tiles import check_alike
    from napari_bioseg.io import open_model

    known = [
        open_model(model, device=settings.device) if isinstance(model, Path) else model
        for model in models
    ]
    check_alike(known)
    return known, str(models[0]) if isinstance(models[0], Path) else ""


def on_grid(target: Target, models: Sequence[Model]) -> Target:
    """Let a part begin where all networks see it on the grid of the whole image.

    Parameters
    ----------
    target : Target
        What to predict.
    models : sequence of Model
        Which networks.

    Returns
    -------
    Target
    """
    from napari_bioseg.engine.choose_tiles import grid_of

    return target.on_grid(grid_of(models))


def part_of(piece: Any, target: Target) -> Any:
    """Return what of a piece is predicted, with the intensities of all of it.

    Parameters
    ----------
    piece : array, (C, [Z,] Y, X)
        One of the target's.
    target : Target
        Which part.

    Returns
    -------
    array, (C, [Z,] Y, X)
    """
    from napari_bioseg.engine.part import Part

    size = tuple(part.stop - part.start for part in target.spatial)
    return piece if size == tuple(piece.shape[1:]) else Part(piece, target.spatial)


def lively(
    settings: PredictSettings, size: Sequence[int], models: Sequence[Model]
) -> PredictSettings:
    """Take smaller tiles where one would take a CPU many seconds without a sign.

    Parameters
    ----------
    settings : PredictSettings
        As the user wants them.
    size : sequence of int
        Of the image.
    models : sequence of Model
        Which networks.

    Returns
    -------
    PredictSettings
    """
    slow = models[0].device.type == "cpu" and len(size) == 2
    if settings.tile == "auto" and slow and max(size) > LIVELY_TILE:
        return settings.replace(tile=(LIVELY_TILE, LIVELY_TILE))
    return settings


def tiles(
    image: Any,
    models: Sequence[Model],
    settings: PredictSettings,
    out: NDArray[Any],
    focus: Focus = None,
) -> Generator[tuple[int, int] | ClusterWaits | Told, None, None]:
    """Predict one image into an array.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is.
    models : sequence of Model
        Whose mean is taken.
    settings : PredictSettings
        Tiles and where to compute.
    out : ndarray, (C, [Z,] Y, X)
        Where to write.
    focus : sequence of float or callable, optional
        Where to begin, per spatial axis.

    Yields
    ------
    tuple of (int, int), ClusterWaits or Told
        Tiles done and all.
    """
    from napari_bioseg.engine import Predicted, TileDone, predict_tiles
    from napari_bioseg.engine.cluster import predict_on_cluster

    settings = lively(settings, image.shape[1:], models)
    # layers hold what thresholds are tuned on
    settings = settings.replace(output="probabilities", dtype="float32")
    events: Any
    if settings.cluster:
        events = predict_on_cluster(image, models, settings, out=out)
    else:
        events = predict_tiles(image, models, settings, out=out, focus=focus)
    with closing(events):
        for event in events:
            if isinstance(event, TileDone):
                yield event.index, event.tiles
            elif isinstance(event, ClusterWaits):
                yield event
            elif isinstance(event, Predicted) and event.notes:
                yield Told(" ".join(event.notes))
