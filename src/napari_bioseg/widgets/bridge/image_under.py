"""The pixels of an image that lie under labels, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import finest, image_array, time_axes, unwrapped


def image_under(
    image: Any, labels: Any, leading: int
) -> Callable[[tuple[int, ...]], NDArray[Any]]:
    """Return a function that reads the image of a frame of some labels.

    Parameters
    ----------
    image : napari.layers.Image
        The image layer.
    labels : napari.layers.Labels
        The labels layer.
    leading : int
        Axes of the labels before the spatial ones: 1 for time, else 0.

    Returns
    -------
    callable
        Frame -> pixels ``(C, [Z,] Y, X)``.

    Raises
    ------
    ValueError
        If the image does not lie under the labels.
    """
    image, labels = unwrapped(image), unwrapped(labels)
    shape = tuple(int(size) for size in finest(labels).shape)
    space = shape[leading:]
    timed = bool(time_axes(image))

    def read(frame: tuple[int, ...]) -> Any:
        if not leading:
            return image_array(image, spatial=len(space)).data
        if timed:
            return image_array(image, spatial=len(space), time=frame[0]).data
        return finest(image)[frame][None]  # its first axis is time, as in the labels

    found = tuple(int(size) for size in read((0,) * leading).shape[1:])
    if found != space:
        raise ValueError(
            f"{image.name} has the size {found}, {labels.name} {space}: they must be "
            "equal to measure brightness"
        )
    return lambda frame: np.asarray(read(frame))
