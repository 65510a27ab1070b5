"""Networks over tiles: batches, flips and turns, several models, too little memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_bioseg.channels.blockwise.room import in_use
from napari_bioseg.settings import PredictSettings
from napari_bioseg.settings.alike import misfit

from .choose_tiles import bytes_a_pixel, choose_batch, choose_tiling, tile_pixels
from .free_memory import memory_for, memory_note
from .memory import give_back_freed
from .model import Model
from .normalize import Scale, image_scale, usable
from .orientations import Orientation, orientations
from .out_of_memory import is_out_of_memory, release
from .part import Part
from .pixels import Pixels
from .precision import has_fast_bfloat16
from .stored_values import stored_dtype, stored_names
from .tile_limits import limit_of, remember
from .tiling import Region, Tiling

Batch = NDArray[np.float32]
"""(N, C, [Z,] Y, X)"""


class TileRunner:
    """The models of a prediction, and what they say about tiles of one image.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is, not normalised; numpy, dask or zarr, or a `Part` of one.
    model : Model or sequence of Model
        Several models (an ensemble) are averaged.
    settings : PredictSettings
        Tiles, memory, flips and turns, precision and device.
    tiling : Tiling, optional
        From `choose_tiling`; chosen anew if not given.

    Raises
    ------
    ValueError
        If the image does not suit the model, or models do not suit each other.
    """

    def __init__(
        self,
        image: Any,
        model: Model | Sequence[Model],
        settings: PredictSettings,
        tiling: Tiling | None = None,
    ) -> None:
        self.models = [model] if isinstance(model, Model) else list(model)
        check_alike(self.models)
        self.models[0].check_image(tuple(image.shape))
        self.workflow = self.models[0].workflow
        self.settings = settings
        self.image = Pixels(image)
        self.names = stored_names(self.workflow, settings)
        self.dtype = stored_dtype(self.workflow, settings)
        for each in self.models:
            each.to(settings.device)
        self.scales = self._measured(skip_damage=isinstance(image, Part))
        size = tuple(image.shape[1:])
        self.tiling = tiling or choose_tiling(size, self.models, settings)
        self._most = self._most_memory()
        self._at_once = self._most_pixels() if tiling else None
        self.notes = tuple(filter(None, [memory_note(settings, self.models[0].device)]))
        """What the user should know before the first tile."""
        self.undefined = 0
        """Pixels read that are no finite float32; where tiles overlap, each time."""

    def _measured(self, *, skip_damage: bool) -> list[Scale]:
        """Return each model's scale, measured once where they normalise alike.

        A region can be predicted whatever is damaged elsewhere in the image.
        """
        whole, found = self.image.whole, {}
        scales = []
        for model in self.models:
            facts = model.workflow.trained
            how = repr((model.workflow.data.normalization, facts and facts.intensities))
            if how not in found:
                found[how] = image_scale(whole, model.workflow, skip_damage=skip_damage)
            scales.append(found[how])
        return scales

    def __getstate__(self) -> dict[str, Any]:
        # another computer may have another device
        state = dict(self.__dict__)
        state["models"] = [
            m if m.device.type == "cpu" else m.copy().to("cpu") for m in self.models
        ]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for model in self.models:
            model.to(self.settings.device)
        self._most = self._most_memory()

    def _most_memory(self) -> int:
        """Return how many bytes this process holds at most while tiles are in work."""
        return in_use() + memory_for(self.settings, self.models[0].device)

    def batch(self) -> int:
        """Return how many tiles to hand to `tiles` at once."""
        return choose_batch(self._pixels(), self.models, self.settings)

    def _pixels(self) -> int:
        read = self.tiling.read((0,) * len(self.tiling.axes))
        return int(np.prod([part.stop - part.start for part in read]))

    def _most_pixels(self) -> int | None:
        """Return the pixels to run at once where tiles were chosen for more memory.

        An interrupted prediction goes on with the tiles it began with, and perhaps it
        was they that were too large.
        """
        if self.settings.tile != "auto":
            return None
        most = tile_pixels(self.models, self.settings)
        # tiles end where chunks end, so a little more is no sign
        return most if self._pixels() > 2 * most else None

    def tile(self, region: Region) -> NDArray[np.float32]:
        """Return what the models say about one region.

        Parameters
        ----------
        region : tuple of slice

        Returns
        -------
        ndarray, (C, [Z,] Y, X), float32
        """
        return self.tiles([region])[0]

    def tiles(self, regions: Sequence[Region]) -> list[NDArray[np.float32]]:
        """Return what the models say about several regions.

        Parameters
        ----------
        regions : sequence of tuple of slice
            Those of one size go through the network together.

        Returns
        -------
        list of ndarray, (C, [Z,] Y, X), float32
        """
        pixels = sum(math.prod(p.stop - p.start for p in each) for each in regions)
        if in_use() + pixels * bytes_a_pixel(self.models) > self._most:
            give_back_freed()
        return self.answers([self.image[(slice(None), *each)] for each in regions])

    def answers(self, pieces: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Return what the models say about pixels that are read already.

        Parameters
        ----------
        pieces : sequence of ndarray, (C, [Z,] Y, X)
            As they are, not normalised.

        Returns
        -------
        list of ndarray, (C, [Z,] Y, X), float32
        """
        for piece in pieces:
            if piece.dtype.kind == "f":
                self.undefined += piece.size - int(usable(piece).sum())
        sums: list[NDArray[np.float32] | None] = [None] * len(pieces)
        for model, scale in zip(self.models, self.scales, strict=True):
            normalised = [scale(piece) for piece in pieces]
            for places in _alike(normalised):
                stack = _stacked([normalised[place] for place in places])
                found = in_all_orientations(model, stack, self.settings, self._at_once)
                for place, values in zip(places, found, strict=True):
                    before = sums[place]
                    sums[place] = values if before is None else before + values
        count = np.float32(len(self.models))
        return [
            total / count if count > 1 else total for total in sums if total is not None
        ]


def in_all_orientations(
    model: Model, batch: Batch, settings: PredictSettings, most: int | None = None
) -> Batch:
    """Run a model over a batch, in one or all orientations.

    Parameters
    ----------
    model : Model
    batch : ndarray, (N, C, [Z,] Y, X), float32, normalised
    settings : PredictSettings
        ``tta`` and ``precision``.
    most : int, optional
        As for `run_within_memory`.

    Returns
    -------
    ndarray, (N, C, [Z,] Y, X), float32
        The image is padded first to what the network divides evenly: so a flipped tile
        is pooled where the flipped image is.
    """
    half = _half(settings, model.device)
    if settings.tta == "off":
        return run_within_memory(model, batch, half=half, most=most)
    size = batch.shape[2:]
    missing = [-n % m for n, m in zip(size, model.shape.multiple, strict=True)]
    padded = np.pad(batch, [(0, 0), (0, 0), *((0, n) for n in missing)], mode="edge")
    crop = (slice(None), slice(None), *(slice(n) for n in size))
    result: Batch | None = None
    every: tuple[Orientation, ...] = orientations(model.dimensions)
    for orientation in every:
        turned = np.ascontiguousarray(orientation.apply(padded))
        found = run_within_memory(model, turned, half=half, most=most)
        values = orientation.undo(found)[crop]
        if result is None:
            result = np.array(values)
        elif settings.tta == "mean":
            result += values
        elif settings.tta == "max":
            np.maximum(result, values, out=result)
        else:
            np.minimum(result, values, out=result)
    if result is None:
        raise AssertionError("there is at least one orientation")
    if settings.tta == "mean":
        result /= np.float32(len(every))
    return result


def run_within_memory(
    model: Model, batch: Batch, *, half: bool = False, most: int | None = None
) -> Batch:
    """Run a model over a batch, in parts where memory does not suffice for the whole.

    Parameters
    ----------
    model : Model
    batch : ndarray, (N, C, [Z,] Y, X), float32, normalised
    half : bool
        Whether the network computes with bfloat16.
    most : int, optional
        Pixels that are not exceeded where the network can be run in parts.

    Returns
    -------
    ndarray, (N, C, [Z,] Y, X), float32
        The batch is halved first, then the tiles with all that the network looks at
        around them: where it looks at a bounded region (no instance or group norm) the
        answer is the same. What was too much is remembered, and not tried again.

    Raises
    ------
    MemoryError
        If not even small parts fit.
    """
    pixels = batch.shape[0] * int(np.prod(batch.shape[2:]))
    limits = (limit_of(model), None if most is None else most + 1)
    limit = min((n for n in limits if n is not None), default=pixels + 1)
    cut = _middle(model, batch)
    if pixels < limit or cut is None:
        try:
            return run_batch(model, batch, half=half)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if cut is None:
                raise MemoryError(
                    f"a part of {batch.shape[2:]} px does not fit into the memory of "
                    f"{model.device} ({error}); close other programs, set "
                    "predict.device to 'cpu', or train a smaller network "
                    "(network.features)"
                ) from error
        remember(model, pixels)
        release(model.device)
    if cut is None:
        raise AssertionError("what cannot be cut was tried")
    axis, middle, halo = cut
    parts = np.moveaxis(batch, axis, 0)
    pieces = []
    for part, keep in (
        (parts[: middle + halo], slice(0, middle)),
        (parts[middle - halo :], slice(halo, None)),
    ):
        whole = np.ascontiguousarray(np.moveaxis(part, 0, axis))
        found = run_within_memory(model, whole, half=half, most=most)
        pieces.append(np.moveaxis(found, axis, 0)[keep])
    return np.moveaxis(np.concatenate(pieces), 0, axis)


def run_batch(model: Model, batch: Batch, *, half: bool = False) -> Batch:
    """Run a model over a batch, all at once.

    Parameters
    ----------
    model : Model
    batch : ndarray, (N, C, [Z,] Y, X), float32, normalised
    half : bool
        Whether the network computes with bfloat16; its last activation never does.

    Returns
    -------
    ndarray, (N, C, [Z,] Y, X), float32
    """
    device = model.device
    size = batch.shape[2:]
    tensor = torch.from_numpy(_wide_enough(model, batch)).to(device)
    if model.dimensions == 2:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    was_training = model.network.training
    model.network.eval()
    try:
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=torch.bfloat16, enabled=half),
        ):
            logits = model.network(tensor)
        with torch.inference_mode():
            found = model.activate(logits.float()).cpu()
    finally:
        model.network.train(was_training)
    crop = (slice(None), slice(None), *(slice(n) for n in size))
    return np.ascontiguousarray(found.numpy()[crop])


def check_alike(models: Sequence[Model]) -> None:
    """Refuse models that cannot be averaged.

    Parameters
    ----------
    models : sequence of Model

    Raises
    ------
    ValueError
        If there is none, or tasks, channels or dimensions differ.
    """
    if not models:
        raise ValueError("there is no model to predict with; give at least one")
    for number, model in enumerate(models[1:], start=2):
        names = ("model 1", f"model {number}")
        problem = misfit(models[0].workflow, model.workflow, names)
        if problem:
            raise ValueError(problem)


def _half(settings: PredictSettings, device: torch.device) -> bool:
    if settings.precision == "auto":
        return device.type == "cuda" and has_fast_bfloat16(device)
    return settings.precision == "bfloat16"


def _wide_enough(model: Model, batch: Batch) -> Batch:
    """Repeat the edge of images that instance norms would see one pixel of."""
    size, multiple = batch.shape[2:], model.shape.multiple
    if any(n > m for n, m in zip(size, multiple, strict=True)):
        return batch
    if model.workflow.network.normalization != "instance":
        return batch
    widths = [(0, 2 * m - n) for n, m in zip(size, multiple, strict=True)]
    return np.pad(batch, [(0, 0), (0, 0), *widths], mode="edge")


def _alike(pieces: Sequence[NDArray[np.float32]]) -> list[list[int]]:
    """Group pieces by their shape."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, piece in enumerate(pieces):
        groups.setdefault(piece.shape, []).append(place)
    return list(groups.values())


def _stacked(pieces: list[NDArray[np.float32]]) -> Batch:
    if len(pieces) == 1:
        return np.ascontiguousarray(pieces[0])[np.newaxis]
    return np.stack(pieces)


def _middle(model: Model, batch: Batch) -> tuple[int, int, int] | None:
    """Return the axis to halve, where, and how far halves look; None if too small."""
    if batch.shape[0] > 1:
        return 0, batch.shape[0] // 2, 0
    size = batch.shape[2:]
    axis = int(np.argmax(size))
    multiple, halo = model.shape.multiple[axis], model.shape.halo[axis]
    middle = size[axis] // 2 // multiple * multiple
    return None if middle <= halo else (axis + 2, middle, halo)
