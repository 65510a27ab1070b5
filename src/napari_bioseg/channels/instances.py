"""Objects found in a prediction, and what led to them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .object_classes import object_classes
from .prediction import Prediction, Region


class Instances:
    """Instances found in a prediction, and what led to them.

    Parameters
    ----------
    labels : ndarray
        Shape ``([Z,] Y, X)``, int32; 0 is background, instances are 1…n in scan order
        of their seeds.
    seeds : ndarray
        The seeds that were flooded, int32, with the same ids.
    foreground : ndarray
        Where instances could grow, bool.
    thresholds : dict
        The values really used, by the name of the setting.
    region : tuple of slice, optional
        Which part of the prediction a preview shows; None for the whole.
    prediction : Prediction, optional
        What they were found in, for their classes.
    kept : bool
        Whether others keep the seeds and the foreground, to read them. Then they are
        copied when asked for, which few do while thresholds move.
    """

    def __init__(
        self,
        labels: NDArray[np.int32],
        seeds: NDArray[np.int32],
        foreground: NDArray[np.bool_],
        thresholds: dict[str, float],
        region: Region | None = None,
        prediction: Prediction | None = None,
        *,
        kept: bool = False,
    ) -> None:
        self.labels = labels
        self.thresholds = thresholds
        self.region = region
        self.prediction = prediction
        self._seeds = seeds
        self._foreground = foreground
        self._kept = kept

    @cached_property
    def seeds(self) -> NDArray[np.int32]:
        """The seeds that were flooded, int32, with the ids of the labels."""
        return self._seeds.copy() if self._kept else self._seeds

    @cached_property
    def foreground(self) -> NDArray[np.bool_]:
        """Where instances could grow, bool."""
        return self._foreground.copy() if self._kept else self._foreground

    @cached_property
    def classes(self) -> dict[int, int]:
        """Class of every instance by its number; empty if none were predicted."""
        if self.prediction is None:
            return {}
        return object_classes(self.labels, self.prediction, self.region)

    @property
    def count(self) -> int:
        """Number of instances; in a preview, the largest id."""
        return int(self.labels.max(initial=0))
