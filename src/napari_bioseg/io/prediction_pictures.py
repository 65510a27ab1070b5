"""Pictures of what a network makes of a few patches, beside what it should."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings.task import IGNORE

if TYPE_CHECKING:
    from napari_bioseg.engine import Model

Picture = tuple[str, NDArray[np.uint8]]
"""A title and a picture, (Y, X, 3)."""

UNLABELLED = (70, 70, 110)
"""Colour of pixels that nobody labelled."""
CLASSES = (
    (0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66),
    (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
"""Colours of classes, told apart by colour-blind people too (Okabe and Ito)."""


def prediction_pictures(
    model: Model, example: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> list[Picture]:
    """Predict a patch and draw image, targets and prediction.

    Parameters
    ----------
    model : Model
    example : (image, targets)
        Normalised, (C, [Z,] Y, X), and (T, [Z,] Y, X), as `engine.Started` gives them.

    Returns
    -------
    list of (str, ndarray)
        The image, then truth and prediction of every channel, or of the classes. Of
        volumes, the middle slice.
    """
    from napari_bioseg.engine.model import run_network

    image, targets = example
    found = run_network(model, image)
    image, targets, found = (_middle(array) for array in (image, targets, found))
    count = len(model.workflow.channels)
    pictures = [("image", _grey(_stretched(image[:1])[0]))]
    for index, name in enumerate(model.outputs[:count]):
        wanted = targets[index]
        labelled = ~np.isnan(wanted)
        if model.workflow.channels[index].is_binary:
            labelled &= wanted != IGNORE
        low, high = _range(wanted[labelled])
        for title, values in (("true", wanted), ("predicted", found[index])):
            picture = _grey((np.nan_to_num(values) - low) / (high - low))
            if title == "true":
                picture[~labelled] = UNLABELLED
            pictures.append((f"{title} {name}", picture))
    pictures += _classes(targets[count], found[count:]) if len(found) > count else ()
    return pictures


def in_rows(pictures: Sequence[Sequence[Picture]]) -> Iterator[NDArray[np.uint8]]:
    """Join each row of pictures to one, with thin gaps, (Y, X, 3)."""
    for row in pictures:
        gap = np.full((row[0][1].shape[0], 2, 3), 255, np.uint8)
        parts = [part for _, picture in row for part in (picture, gap)]
        yield np.concatenate(parts[:-1], axis=1)


def _classes(
    wanted: NDArray[np.float32], found: NDArray[np.float32]
) -> Iterator[Picture]:
    colours = np.array(CLASSES, np.uint8)
    true = wanted.astype(np.int64)
    best = found.argmax(axis=0) if len(found) > 1 else (found[0] > 0.5).astype(np.int64)
    picture = colours[true % len(colours)]
    picture[true == IGNORE] = UNLABELLED
    yield "true classes", picture
    yield "predicted classes", colours[best % len(colours)]


def _middle(array: NDArray[Any]) -> NDArray[Any]:
    return array[:, array.shape[1] // 2] if array.ndim == 4 else array


def _stretched(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.percentile(channels, (0.5, 99.5))
    return np.asarray((channels - low) / max(float(high - low), 1e-6), np.float32)


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return what is black and what is white; 0 to 1 unless values go beyond."""
    highest = float(values.max(initial=0.0))
    return 0.0, highest if highest > 1.0 else 1.0


def _grey(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey = (np.clip(values, 0, 1) * 255).round().astype(np.uint8)
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)
