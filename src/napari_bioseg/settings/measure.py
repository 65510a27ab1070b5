"""Conditions on what was measured, by which objects are taken out."""

from __future__ import annotations

import re
from typing import Literal

from .base import Settings, setting

Property = Literal[
    "npixels",
    "area",
    "volume",
    "diameter",
    "diameter_units",
    "perimeter",
    "surface_area",
    "circularity",
    "elongation",
    "sphericity",
    "mean_intensity",
    "min_intensity",
    "max_intensity",
    "class",
]
"""What conditions may be about: columns of the table of measurements."""

Comparison = Literal["lt", "le", "gt", "ge"]
"""Below, at most, above, at least."""

SIGNS: dict[Comparison, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
"""How people write the comparisons."""

_WRITTEN = re.compile(
    r"\s*([a-z_]+)(?:-(\d+))?\s*(<=|>=|<|>|\b(?:lt|le|gt|ge)\b)\s*(\S+)\s*"
)


class Condition(Settings):
    """One measurement compared with a number."""

    property: Property = "npixels"
    """What is measured."""
    comparison: Comparison = "lt"
    """lt is below, le at most, gt above, ge at least the value."""
    value: float = setting(30.0, ge=-1e12, le=1e12, step=1)
    """What it is compared with, in the units of the table."""
    channel: int = setting(0, ge=0, le=10_000, step=1, advanced=True)
    """Channel of the image, for intensities."""

    def __str__(self) -> str:
        """Write the condition as people do."""
        channel = f"-{self.channel}" if self.channel else ""
        return f"{self.property}{channel} {SIGNS[self.comparison]} {self.value:g}"


def conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions that must all hold, as people write them.

    Parameters
    ----------
    text : str
        Such as ``npixels > 900 and diameter >= 20``; ``&`` serves as well as ``and``,
        ``lt le gt ge`` as well as the signs. The channel of an image is written behind
        the name: ``mean_intensity-1 < 50``.

    Returns
    -------
    tuple of Condition

    Raises
    ------
    ValueError
        If the text cannot be read or names no measurement.

    Examples
    --------
    >>> [str(condition) for condition in conditions("npixels>900 and diameter ge 20")]
    ['npixels > 900', 'diameter >= 20']
    """
    return tuple(_condition(part) for part in re.split(r"\band\b|&+", text))


def _condition(text: str) -> Condition:
    known: tuple[str, ...] = Property.__args__  # type: ignore[attr-defined]
    found = _WRITTEN.fullmatch(text)
    words = {sign: word for word, sign in SIGNS.items()}
    try:
        name, channel, sign, value = found.groups()  # type: ignore[union-attr]
        number = float(value)
    except (AttributeError, ValueError):
        raise ValueError(
            f"{text.strip()!r} is no condition; write a measurement, a sign and a "
            "number, such as 'npixels < 30'"
        ) from None
    if name not in known:
        raise ValueError(f"nothing is called {name!r}; there are {', '.join(known)}")
    return Condition(
        property=name,
        comparison=words.get(sign, sign),
        value=number,
        channel=int(channel or 0),
    )
