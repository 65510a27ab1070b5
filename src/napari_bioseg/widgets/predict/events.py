"""What a prediction job tells the panel while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.settings import Workflow
from napari_bioseg.widgets.bridge.image_source import Target


@dataclass(frozen=True)
class Begun:
    """An image is about to be predicted; its result fills while tiles are done."""

    target: Target
    data: NDArray[np.float32]
    """(C, [leading,] [Z,] Y, X), zero where nothing is predicted yet."""
    workflow: Workflow
    model: str
    """Where the model lies on disk; empty if it is not saved."""


@dataclass(frozen=True)
class Filled:
    """More of the result is final."""

    share: float
    """How much of all the work is done, 0 to 1."""
    tile: int
    tiles: int
    image: int
    images: int


@dataclass(frozen=True)
class Labelled:
    """The objects (or classes) of an image are found."""

    target: Target
    workflow: Workflow
    model: str
    labels: NDArray[np.int32]
    seeds: NDArray[np.int32] | None
    foreground: NDArray[np.uint8] | None
    thresholds: dict[str, float]
    objects: int
    tops: tuple[float, ...]
    """Largest value of each channel."""
    classes: NDArray[np.int32] | None = None
    """The class of each object at its pixels, if the network tells them apart."""
    class_of: dict[int, int] | None = None
    """The same by the object's number, where numbers are not given again in another
    frame."""


@dataclass(frozen=True)
class Written:
    """The results of one file are on disk."""

    name: str
    objects: int
    share: float
    image: int
    images: int


@dataclass(frozen=True)
class Told:
    """Something about the prediction that the user should know."""

    message: str


@dataclass(frozen=True)
class NothingFound:
    """The prediction holds no labels, and why."""

    message: str


@dataclass(frozen=True)
class Step:
    """A part of the work that is no tile goes on."""

    share: float
    """How much of it is done, 0 to 1."""
    text: str
    """What it is."""


@dataclass(frozen=True)
class BegunOnDisk:
    """An image is about to be predicted onto the disk; a coarse picture fills."""

    target: Target
    overview: Any
    """An `Overview`."""
    workflow: Workflow
    model: str
    path: Path


@dataclass(frozen=True)
class Stored:
    """A prediction is complete on disk."""

    target: Target
    levels: tuple[list[Any], ...]
    """For each channel lazy arrays, from the finest to the coarsest."""
    tops: tuple[float, ...]
    """Largest value of each channel; empty if it was there already."""
    workflow: Workflow
    model: str
    path: Path


@dataclass(frozen=True)
class LabelledOnDisk:
    """The objects (or classes) of an image are complete on disk."""

    target: Target
    workflow: Workflow
    model: str
    levels: list[Any]
    """Lazy arrays, from the finest to the coarsest."""
    thresholds: dict[str, float]
    objects: int
    class_of: dict[int, int] | None
    path: Path
