"""From settings and channel names to what exactly is compared with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_bioseg.settings import CONFIGURATIONS, InstanceSettings

Background = Literal["none", "far", "low"]

_BINARY = ("B", "F", "M")


@dataclass(frozen=True)
class Rule:
    """One comparison: a channel above, or below, a threshold."""

    channel: str
    above: bool
    threshold: float


@dataclass(frozen=True)
class Plan:
    """Everything that decides how one prediction becomes instances.

    Attributes
    ----------
    seeds, foreground : tuple of Rule
        All must hold.
    rescue : Rule or None
        Where this holds, pixels count as foreground even if ``foreground`` does not.
    background : {"none", "far", "low"}
        Where a seed of background is laid instead of a foreground mask: nowhere, far
        from the pixels of ``near``, or in low Dv2 away from seeds.
    near : tuple of Rule
        Any of these means that an object is near.
    landscape : str or None
        Channel that is flooded; None means the distance from the seeds.
    falling : bool
        Whether high values of that channel are flooded first.
    thresholds : tuple
        Pairs of setting and value really used.
    """

    seeds: tuple[Rule, ...]
    foreground: tuple[Rule, ...]
    rescue: Rule | None
    background: Background
    near: tuple[Rule, ...]
    landscape: str | None
    falling: bool
    thresholds: tuple[tuple[str, float], ...]


def resolve(
    channels: Sequence[str],
    settings: InstanceSettings,
    otsu: Callable[[str], float],
) -> Plan:
    """Decide what is compared with what.

    Parameters
    ----------
    channels : sequence of str
        The channels that there are.
    settings : InstanceSettings
        Thresholds may be numbers, ``"auto"`` or ``"off"``.
    otsu : callable
        Returns Otsu's threshold of a channel; asked only for those set to auto.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the channels cannot make instances, or the settings leave none to do it.
    """
    return _Resolver(tuple(channels), settings, otsu).plan()


class _Resolver:
    """Turns settings into rules and notes the values used on the way."""

    def __init__(
        self,
        channels: tuple[str, ...],
        settings: InstanceSettings,
        otsu: Callable[[str], float],
    ) -> None:
        self.channels = channels
        self.settings = settings
        self.otsu = otsu
        self.used: dict[str, float] = {}
        self.base = next((name for name in _BINARY if name in channels), None)

    def plan(self) -> Plan:
        self._check_channels()
        seeds = self._seeds()
        background, near = self._background()
        foreground, rescue = self._foreground()
        landscape, falling = self._landscape()
        return Plan(
            seeds,
            foreground,
            rescue,
            background,
            near,
            landscape,
            falling,
            tuple(self.used.items()),
        )

    def _rule(self, setting: str, channel: str | None, above: bool) -> Rule | None:
        """Return the rule of one setting, or None if it takes no part."""
        value = getattr(self.settings, setting)
        if channel not in self.channels or value == "off":
            return None
        if value == "auto":
            value = self.otsu(str(channel))
            if setting.startswith("foreground"):
                # half of a negative distance would ask for more, not for less
                value = min(value / 2, value)
        self.used[setting] = float(value)
        return Rule(str(channel), above, float(value))

    def _check_channels(self) -> None:
        names = ", ".join(self.channels)
        if self.base is None and not {"D", "Dv2"} & set(self.channels):
            raise ValueError(
                f"channels {names} cannot make instances: one of B, F, M, D or Dv2 "
                f"must say where objects are; usual are {', '.join(CONFIGURATIONS)}"
            )
        distance_alone = self.base is None and "Dv2" not in self.channels
        if distance_alone and self.settings.foreground_distance == "off":
            raise ValueError(
                f"channels {names} have no foreground while foreground_distance is "
                "'off'; set it to a number or 'auto', or add B, F or M"
            )

    def _seeds(self) -> tuple[Rule, ...]:
        # a point says enough by itself: P stands in for B, as in the BP configuration
        binary = None if "P" in self.channels and self._on("points") else self.base
        rules = (
            self._rule("seed_binary", binary, True),
            self._rule("seed_contour", "C", False),
            self._rule("seed_distance", "D", True),
            self._rule("seed_points", "P", True),
            self._rule("seed_dv2", "Dv2", False),
        )
        seeds = tuple(rule for rule in rules if rule is not None)
        if not seeds or all(rule.channel == "C" for rule in seeds):
            raise ValueError(
                f"no channel out of {', '.join(self.channels)} is left to say where "
                "seeds lie; give one of the seed thresholds besides seed_contour a "
                "number or 'auto'"
            )
        return seeds

    def _on(self, what: str) -> bool:
        return bool(getattr(self.settings, f"seed_{what}") != "off")

    def _background(self) -> tuple[Background, tuple[Rule, ...]]:
        if "Dv2" not in self.channels or self.base is None:
            return "none", ()
        if "C" not in self.channels:
            if not self._on("dv2"):
                raise ValueError(
                    "seed_dv2 is 'off', but the background is found where Dv2 is below "
                    "it; give it a number or 'auto'"
                )
            return "low", ()
        rules = (
            self._rule("seed_binary", self.base, True),
            self._rule("seed_contour", "C", True),
        )
        near = tuple(rule for rule in rules if rule is not None)
        if not near:
            raise ValueError(
                "seed_binary and seed_contour are both 'off', but the background is "
                "found away from them; give one of them a number or 'auto'"
            )
        return "far", near

    def _foreground(self) -> tuple[tuple[Rule, ...], Rule | None]:
        if "Dv2" in self.channels:
            return (), None
        base = "M" if "M" in self.channels else self.base
        rules = (
            self._rule("foreground_binary", base, True),
            self._rule("foreground_distance", "D", True),
        )
        foreground = tuple(rule for rule in rules if rule is not None)
        # added to everything, a contour would change nothing
        rescue = self._rule("foreground_contour", "C", True) if foreground else None
        return foreground, rescue

    def _landscape(self) -> tuple[str | None, bool]:
        choice = self.settings.landscape
        if choice == "auto":
            if "Dv2" in self.channels:
                return "Dv2", False
            if "P" in self.channels:
                return None, False
            if self.base is None or ("D" in self.channels and "C" not in self.channels):
                return "D", True
            return self.base, True
        if choice == "seeds":
            return None, False
        channel = self.base if choice == "binary" else "D"
        if channel not in self.channels:
            raise ValueError(
                f"landscape is {choice!r}, but there is no channel for it among "
                f"{', '.join(self.channels)}; choose 'auto'"
            )
        return channel, True
