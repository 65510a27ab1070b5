"""How the learning rate goes up and down."""

from __future__ import annotations

import math

from napari_bioseg.settings import TrainSettings

WARM_UP = 0.03
"""Share of the training in which the learning rate rises."""


def learning_rate(progress: float, settings: TrainSettings) -> float:
    """Return the learning rate at one point of the training.

    Parameters
    ----------
    progress : float
        Share of the training that is done, 0 to 1.
    settings : TrainSettings
        ``learning_rate`` and ``schedule``.

    Returns
    -------
    float
        With ``"cosine"``, rises in the first 3 %, then falls to zero along a cosine;
        with ``"none"``, the same all the time.

    References
    ----------
    Loshchilov and Hutter, 2017, https://doi.org/10.48550/arXiv.1608.03983

    Examples
    --------
    >>> from napari_bioseg.settings import TrainSettings
    >>> settings = TrainSettings(learning_rate=0.001)
    >>> [round(learning_rate(p, settings), 6) for p in (0.0, 0.03, 0.515, 1.0)]
    [0.0, 0.001, 0.0005, 0.0]
    """
    if settings.schedule == "none":
        return settings.learning_rate
    if progress < WARM_UP:
        return settings.learning_rate * progress / WARM_UP
    falling = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * falling))
