"""Predict tile by tile, what is looked at first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_bioseg.settings import PredictSettings

from .events import Predicted, PredictEvent, TileDone
from .free_memory import memory_for
from .kept_tiles import KeptTiles
from .memory import keep_freed_memory
from .model import Model
from .run_tiles import TileRunner
from .stored_values import to_store
from .tiling import Index, Tiling

Focus = Sequence[float] | Callable[[], Sequence[float] | None] | None
"""A place in pixels per spatial axis, or a function that says where it is now."""
_DEFAULTS = PredictSettings()


def predict_tiles(
    image: Any,
    model: Model | Sequence[Model],
    settings: PredictSettings = _DEFAULTS,
    *,
    out: Any = None,
    focus: Focus = None,
    tiling: Tiling | None = None,
    finished: Collection[Index] = (),
    scratch: Path | None = None,
) -> Generator[PredictEvent, None, None]:
    """Predict tile by tile, telling after each; stop asking to cancel.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is, not normalised; numpy, dask or zarr, read tile by tile.
    model : Model or sequence of Model
        Several models (an ensemble) are averaged.
    settings : PredictSettings
        Tiles, memory, flips and turns, what is stored, and device.
    out : array, (C, [Z,] Y, X), optional
        Where to write, for example a zarr array on disk for images larger than memory;
        a new numpy array if not given.
    focus : sequence of float or callable, optional
        A place in pixels, per spatial axis; tiles next to it come first. A function is
        asked again before each tile, so that work goes where the user looks now.
        Without it tiles come row by row.
    tiling : Tiling, optional
        From `choose_tiling`, for an ``out`` in chunks; chosen anew if not given.
    finished : collection of index
        Blocks that ``out`` has from an earlier run, by their ``TileDone.place``.
    scratch : Path, optional
        Folder for tiles that wait for their neighbours where memory does not hold
        them: removed before and after. One for temporary files if not given.

    Yields
    ------
    TileDone, Predicted
        `TileDone` for every part that is final, `Predicted` last.

    Raises
    ------
    ValueError
        At the first event, if the image does not suit the model, models do not suit
        each other, or ``out`` has another shape; later, if the image is damaged.
    MemoryError
        If not even small parts of a tile fit into memory.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import TrainedOn, Workflow
    >>> workflow = Workflow.preset("fast").replace(trained=TrainedOn())
    >>> image = np.zeros((1, 50, 60), np.uint8)
    >>> [type(e).__name__ for e in predict_tiles(image, Model.create(workflow))]
    ['TileDone', 'Predicted']
    """
    runner = TileRunner(image, model, settings, tiling)
    out = checked_out(out, runner, tuple(image.shape[1:]))
    total = len(runner.tiling.indices())
    waiting = _Waiting(runner, focus, finished, scratch)
    try:
        with keep_freed_memory():
            while waiting.blocks:
                index = waiting.next()
                block = np.ascontiguousarray(runner.tiling.join(index, waiting.tiles))
                waiting.used(index)
                values = to_store(block, runner.workflow, settings)
                region = runner.tiling.block(index)
                out[(slice(None), *region)] = values
                number = total - len(waiting.blocks)
                yield TileDone(number, total, region, values, place=index)
    finally:
        waiting.tiles.close()
    yield Predicted(out, notes=notes_on(runner))


def checked_out(out: Any, runner: TileRunner, size: tuple[int, ...]) -> Any:
    """Return where to write: what was given, if it fits, or a new array.

    Parameters
    ----------
    out : array or None
        As given by the user.
    runner : TileRunner
        What is predicted.
    size : tuple of int
        Of the image.

    Returns
    -------
    array, (C, [Z,] Y, X)

    Raises
    ------
    ValueError
        If its shape is another one.
    """
    shape = (len(runner.names), *size)
    if out is None:
        return np.empty(shape, dtype=runner.dtype)
    if tuple(out.shape) != shape:
        raise ValueError(
            f"out has shape {tuple(out.shape)}, but the prediction has shape {shape}: "
            f"channels {', '.join(runner.names)} of the image's size"
        )
    return out


def notes_on(runner: TileRunner) -> tuple[str, ...]:
    """Return what the user should know about a prediction that is done.

    Parameters
    ----------
    runner : TileRunner
        That made it.

    Returns
    -------
    tuple of str
    """
    if not runner.undefined:
        return runner.notes
    return (
        *runner.notes,
        "the image holds pixels that are NaN or infinite, or too large for float32; "
        "the network saw them as the value 0 of normalised images",
    )


class _Waiting:
    """Blocks still to be done, and the tiles that are kept for them."""

    def __init__(
        self,
        runner: TileRunner,
        focus: Focus,
        finished: Collection[Index],
        scratch: Path | None,
    ) -> None:
        self.runner = runner
        self.focus = focus
        tiling = runner.tiling
        done = set(finished)
        self.blocks = [index for index in tiling.indices() if index not in done]
        self.blocks.reverse()  # the next one is the last, where it goes cheaply
        self.served: dict[Index, int] = {}
        for index in self.blocks:
            for needed in tiling.needs(index):
                self.served[needed] = self.served.get(needed, 0) + 1
        room = memory_for(runner.settings, runner.models[0].device) // 4
        self.tiles = KeptTiles(room, scratch)
        self._batch = runner.batch()
        self._looked: tuple[float, ...] | None = None

    def next(self) -> Index:
        """Return the next block, once all its tiles are there."""
        self._follow()
        index = self.blocks.pop()
        missing = self._missing(index)
        if missing:
            for ahead in reversed(self.blocks):
                if len(missing) >= self._batch:
                    break
                missing += [t for t in self._missing(ahead) if t not in missing]
            for start in range(0, len(missing), self._batch):
                some = missing[start : start + self._batch]
                regions = [self.runner.tiling.read(tile) for tile in some]
                for tile, values in zip(some, self.runner.tiles(regions), strict=True):
                    self.tiles.keep(tile, values)
        return index

    def used(self, index: Index) -> None:
        """Drop the tiles that no other block waits for."""
        for tile in self.runner.tiling.needs(index):
            self.served[tile] -= 1
            if self.served[tile] == 0:
                self.tiles.drop(tile)

    def _missing(self, index: Index) -> list[Index]:
        return [t for t in self.runner.tiling.needs(index) if t not in self.tiles]

    def _follow(self) -> None:
        """Put the blocks in order where the user looks elsewhere than before."""
        place = self.focus() if callable(self.focus) else self.focus
        if place is None or tuple(place) == self._looked:
            return
        self._looked = tuple(place)
        distance = self.runner.tiling.distance
        # stable, so that equally near blocks come row by row
        self.blocks.sort(key=lambda index: (distance(index, place), index))
        self.blocks.reverse()
