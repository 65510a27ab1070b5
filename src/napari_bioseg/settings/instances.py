"""How predicted channels become instances, and predicted classes labels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import Settings, setting


def _word(value: Any) -> Any:
    """Undo what YAML makes of an ``off`` without quotes."""
    return "off" if value is False else value


_SpokenOff = BeforeValidator(_word)
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Threshold = Annotated[Probability | Literal["auto", "off"], _SpokenOff]
"""A probability, ``"auto"`` (Otsu), or ``"off"`` (the channel takes no part)."""
DistanceThreshold = Annotated[float | Literal["auto", "off"], _SpokenOff]
"""Like `Threshold`, without limits: distances may be in physical units, and those
that other programs write may be negative outside of objects."""
ClassThreshold = Annotated[Probability | Literal["off"], _SpokenOff]
"""A probability, or ``"off"``: the class wins where it is the likeliest."""


class InstanceSettings(Settings):
    """Thresholds of the seeds and the foreground, and the watershed."""

    seed_binary: Threshold = setting("auto", step=0.01)
    """Seeds lie where B (or F, M) is above this."""
    seed_contour: Threshold = setting("auto", step=0.01)
    """Seeds lie where C is below this."""
    seed_distance: DistanceThreshold = setting("auto", step=0.01)
    """Seeds lie where D is above this."""
    seed_points: Threshold = setting(0.5, step=0.01)
    """Seeds lie where P is above this."""
    seed_dv2: Threshold = setting(0.5, step=0.01)
    """Seeds lie where Dv2 is below this."""
    foreground_binary: Threshold = setting("auto", step=0.01)
    """Instances grow where B (or F; M if there is one) is above this."""
    foreground_contour: Threshold = setting("off", step=0.01)
    """Where C is above this, pixels count as foreground too: for contours drawn
    inside the objects."""
    foreground_distance: DistanceThreshold = setting("off", step=0.01)
    """Instances grow only where D is above this."""
    landscape: Literal["auto", "binary", "distance", "seeds"] = setting(
        "auto", advanced=True
    )
    """What the watershed floods: B, D, or the distance from the seeds; auto takes
    what suits the channels."""
    smoothing: float = setting(1.0, ge=0.0, le=10.0, step=0.5, unit="px", advanced=True)
    """Gaussian smoothing of the flooded landscape, as a standard deviation."""
    connectivity: int = setting(1, ge=1, le=3, step=1, advanced=True)
    """Neighbours that instances grow to: 1 shares a side, 2 an edge, 3 a corner."""
    min_seed_size: int = setting(0, ge=0, le=1_000_000, step=1, unit="px")
    """Seeds smaller than this are dropped."""
    seed_erosion: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Shrink seeds by this radius: parts touching objects that share a seed."""
    seed_dilation: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Grow seeds by this radius: joins seeds of one broken object."""
    foreground_erosion: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Shrink the foreground by this radius."""
    foreground_dilation: int = setting(0, ge=0, le=50, step=1, unit="px", advanced=True)
    """Grow the foreground by this radius."""
    by_slice: bool = setting(False, advanced=True)
    """In 3-D, flood every z slice on its own from seeds connected in 3-D."""


class SemanticSettings(Settings):
    """How predicted classes become labels."""

    threshold: float = setting(0.5, ge=0.0, le=1.0, step=0.01)
    """Two classes in one channel: pixels above this are foreground."""
    thresholds: tuple[ClassThreshold, ...] = setting((), step=0.01)
    """Three classes or more: a threshold for each from class 1 on. Of the classes above
    theirs the likeliest wins; where none is, it is class 0. A class that is off or has
    no entry takes part where it is likelier than class 0."""
