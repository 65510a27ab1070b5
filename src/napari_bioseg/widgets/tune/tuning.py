"""What is tuned, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_bioseg.channels.seed_edits import SeedEdits
from napari_bioseg.settings import (
    CleanupSettings,
    InstanceSettings,
    SemanticSettings,
)
from napari_bioseg.widgets.bridge.hand_edits import Held
from napari_bioseg.widgets.bridge.layers import Slices

Edits = Mapping[tuple[int, ...], SeedEdits]
Stage = Literal["view", "frame", "other frame"]


@dataclass(frozen=True)
class Tuning:
    """What the panel sets: the part of a workflow that needs no network."""

    instances: InstanceSettings = field(default_factory=InstanceSettings)
    semantic: SemanticSettings = field(default_factory=SemanticSettings)
    cleanup: CleanupSettings = field(default_factory=CleanupSettings)


@dataclass(frozen=True, eq=False)
class Given:
    """What else labels depend on.

    Attributes
    ----------
    edits : mapping
        Seeds changed by hand, by frame.
    region : napari.layers.Labels or None
        The region of interest, for the clean-up step that needs one.
    image : napari.layers.Image or None
        The brightness, for conditions about it.
    held : Held or None
        Objects changed or locked by hand, which stay.
    """

    edits: Edits = field(default_factory=lambda: MappingProxyType({}))
    region: Any = None
    image: Any = None
    held: Held | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """Labels for some settings.

    Attributes
    ----------
    tuning : Tuning
        The settings.
    labels : ndarray
        Instances or classes, of the region.
    seeds, foreground : ndarray or None
        What the instances were grown from and into; None for classes.
    thresholds : dict
        The values really used.
    region : tuple of slice
        Which part of the result this is, leading axes included.
    count : int
        Number of objects (classes: of pixels that are not background).
    seconds : float
        Time it took.
    stage : {"view", "frame", "other frame"}
        Whether it is a preview of what is in view, all of the frame that is in view
        (everything, where there is no time axis), or another frame.
    moving : bool
        Whether objects kept the ids they had, as more answers will follow.
    outside : int
        Seeds drawn by hand that lie outside of the foreground and so find nothing.
    classes : ndarray or None
        The class of each object at its pixels, if classes of objects were predicted.
    version : int
        How many changes by hand it takes into account.
    """

    tuning: Tuning
    labels: NDArray[np.int32]
    seeds: NDArray[np.int32] | None
    foreground: NDArray[np.bool_] | None
    thresholds: dict[str, float]
    region: Slices
    count: int
    seconds: float
    stage: Stage
    moving: bool
    outside: int = 0
    classes: NDArray[np.int32] | None = None
    version: int = 0
