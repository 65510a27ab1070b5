"""How the learning rate goes up and down."""

from __future__ import annotations

import math

from napari_bioseg.settings import (
    Constant,
    OneCycle,
    Plateau,
    TrainSettings,
    WarmupCosine,
)

ONE_CYCLE_START, ONE_CYCLE_END = 1 / 25, 1e-4
"""Where one cycle begins and ends, as shares of the highest learning rate."""


def learning_rate(progress: float, settings: TrainSettings, lowered: int = 0) -> float:
    """Return the learning rate at one point of the training.

    Parameters
    ----------
    progress : float
        Share of the training that is done, 0 to 1.
    settings : TrainSettings
        ``learning_rate`` and ``schedule``.
    lowered : int
        How many times a plateau has lowered it; see `Patience`.

    Returns
    -------
    float

    References
    ----------
    Loshchilov and Hutter, 2017, https://doi.org/10.48550/arXiv.1608.03983 (cosine)
    Smith and Topin, 2017, https://doi.org/10.48550/arXiv.1708.07120 (one cycle)

    Examples
    --------
    >>> from napari_bioseg.settings import TrainSettings
    >>> settings = TrainSettings(learning_rate=0.001, schedule="warmup_cosine")
    >>> [round(learning_rate(p, settings), 6) for p in (0.0, 0.03, 0.515, 1.0)]
    [0.0, 0.001, 0.0005, 0.0]
    >>> settings = TrainSettings(learning_rate=0.001, schedule="plateau")
    >>> [learning_rate(0.5, settings, lowered) for lowered in (0, 1, 2)]
    [0.001, 0.0005, 0.00025]
    """
    return settings.learning_rate * _share(progress, settings, lowered)


def _share(progress: float, settings: TrainSettings, lowered: int) -> float:
    schedule = settings.schedule
    if isinstance(schedule, Constant):
        return 1.0
    if isinstance(schedule, Plateau):
        return float(schedule.factor**lowered)
    if isinstance(schedule, OneCycle):
        if progress < schedule.rising:
            return _cosine(ONE_CYCLE_START, 1.0, progress / schedule.rising)
        falling = (progress - schedule.rising) / (1 - schedule.rising)
        return _cosine(1.0, ONE_CYCLE_END, falling)
    warmup = schedule.warmup if isinstance(schedule, WarmupCosine) else 0.0
    if progress < warmup:
        return progress / warmup
    return _cosine(1.0, 0.0, (progress - warmup) / (1 - warmup))


def _cosine(start: float, end: float, progress: float) -> float:
    """Go from one value to another along half a cosine."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
