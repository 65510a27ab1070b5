"""Which thresholds some channels have, and how settings hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from napari_bioseg.settings import InstanceSettings, SemanticSettings

from .prediction import Prediction

Value = float | Literal["auto", "off"]
SettingsT = TypeVar("SettingsT", bound=InstanceSettings | SemanticSettings)

_INSTANCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("seed_points", ("P",)),
    ("seed_binary", ("B", "F", "M")),
    ("foreground_binary", ("M", "B", "F")),
    ("seed_contour", ("C",)),
    ("seed_distance", ("D",)),
    ("seed_dv2", ("Dv2",)),
    ("foreground_contour", ("C",)),
    ("foreground_distance", ("D",)),
)
"""Thresholds of instances, those that usually matter most first, and the channels of
which the first one there is cut."""
THRESHOLDS = tuple(setting for setting, _ in _INSTANCES)
"""Settings of `InstanceSettings` that are thresholds."""
_WORDS: dict[str, tuple[Value, ...]] = {
    "seed_points": ("auto",),
    "seed_dv2": ("auto",),
    "threshold": (),
    "thresholds": ("off",),
}


@dataclass(frozen=True)
class Cut:
    """One threshold.

    Attributes
    ----------
    setting : str
        Field of the settings.
    channel : str
        The channel it cuts.
    place : int
        Which entry of the field it is, where classes have one each.
    """

    setting: str
    channel: str
    place: int = 0

    @property
    def key(self) -> str:
        """What tells it apart: its setting, or its class where classes share one."""
        return self.channel if self.setting == "thresholds" else self.setting

    @property
    def words(self) -> tuple[Value, ...]:
        """What it may be instead of a number."""
        return _WORDS.get(self.setting, ("auto", "off"))

    @property
    def any_number(self) -> bool:
        """Whether it may lie outside of 0…1, as distances do."""
        return self.setting.endswith("_distance")

    def read(self, settings: InstanceSettings | SemanticSettings) -> Value:
        """Return its value.

        Parameters
        ----------
        settings : InstanceSettings or SemanticSettings
            Which hold it.

        Returns
        -------
        float, "auto" or "off"
        """
        value: Any = getattr(settings, self.setting)
        if self.setting == "thresholds":
            value = value[self.place] if self.place < len(value) else "off"
        return value  # type: ignore[no-any-return]

    def write(self, settings: SettingsT, value: Value) -> SettingsT:
        """Return settings in which it has another value.

        Parameters
        ----------
        settings : InstanceSettings or SemanticSettings
            Which hold it.
        value : float, "auto" or "off"
            Its new value.

        Returns
        -------
        InstanceSettings or SemanticSettings
        """
        new: Any = value
        if self.setting == "thresholds":
            new = list(getattr(settings, self.setting))
            new += ["off"] * (self.place + 1 - len(new))
            new[self.place] = value
            while new and new[-1] == "off":
                new.pop()
        changed: Any = settings.replace(**{self.setting: new})
        return changed  # type: ignore[no-any-return]


def cuts_of(
    channels: Sequence[str], settings: InstanceSettings | SemanticSettings
) -> tuple[Cut, ...]:
    """Return the thresholds that take part where there are some channels.

    Parameters
    ----------
    channels : sequence of str
        Names of the channels at hand.
    settings : InstanceSettings or SemanticSettings
        Those of objects have other thresholds than those of classes.

    Returns
    -------
    tuple of Cut
        Those that usually matter most first.

    Examples
    --------
    >>> [cut.key for cut in cuts_of(["B", "C"], InstanceSettings())]
    ['seed_binary', 'foreground_binary', 'seed_contour', 'foreground_contour']
    >>> [cut.key for cut in cuts_of(["class 0", "class 1"], SemanticSettings())]
    ['class 1']
    """
    if isinstance(settings, SemanticSettings):
        if len(channels) == 1:
            return (Cut("threshold", channels[0]),)
        return tuple(
            Cut("thresholds", channel, place)
            for place, channel in enumerate(channels[1:])
        )
    found = []
    for setting, usable in _INSTANCES:
        channel = next((name for name in usable if name in channels), None)
        if channel is None:
            continue
        # Dv2 finds its background without a threshold; points say enough themselves
        idle = (
            "Dv2" in channels
            if setting.startswith("foreground")
            else setting == "seed_binary"
            and "P" in channels
            and settings.seed_points != "off"
        )
        if not idle:
            found.append(Cut(setting, channel))
    return tuple(found)


def common_ranges(
    predictions: Sequence[Prediction],
) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest value of each channel.

    Parameters
    ----------
    predictions : sequence of Prediction
        Of the same channels.

    Returns
    -------
    dict
    """
    lows, highs = np.array([prediction.ranges for prediction in predictions]).T
    return {
        name: (float(low.min()), float(high.max()))
        for name, low, high in zip(predictions[0].channels, lows, highs, strict=True)
    }
