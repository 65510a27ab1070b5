"""Conditions on what was measured, by which objects are taken out."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    joined: Literal["and", "or"] = setting("and", joins=True)
    """How it is joined to the condition before it; *and* binds closer than *or*."""

    def __str__(self) -> str:
        """Write the condition as people do."""
        channel = f"-{self.channel}" if self.channel else ""
        return f"{self.property}{channel} {SIGNS[self.comparison]} {self.value:g}"


def conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions as people write them.

    Parameters
    ----------
    text : str
        Such as ``npixels > 900 and diameter >= 20 or circularity < 0.5``, where *and*
        binds closer. ``&`` serves as well as ``and``, ``|`` as well as ``or``,
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
    return tuple(
        _condition(part, "or" if group and not place else "and")
        for group, one in enumerate(re.split(r"\bor\b|\|+", text))
        for place, part in enumerate(re.split(r"\band\b|&+", one))
    )


def groups_of(conditions: Sequence[Condition]) -> tuple[tuple[Condition, ...], ...]:
    """Divide conditions where one is joined by *or* to what stands before it.

    Parameters
    ----------
    conditions : sequence of Condition
        In order.

    Returns
    -------
    tuple of tuple of Condition
        Within a group all must hold; any group is enough. No conditions, no groups.

    Examples
    --------
    >>> [len(group) for group in groups_of(conditions("npixels<9 or area>2 & area<4"))]
    [1, 2]
    """
    groups: list[list[Condition]] = []
    for condition in conditions:
        if condition.joined == "or" or not groups:
            groups.append([])
        groups[-1].append(condition)
    return tuple(tuple(group) for group in groups)


def written(conditions: Sequence[Condition]) -> str:
    """Write conditions as people do.

    Parameters
    ----------
    conditions : sequence of Condition
        In order.

    Returns
    -------
    str
        What `conditions` reads.

    Examples
    --------
    >>> written(conditions("npixels<9 | area>2 & area<4"))
    'npixels < 9 or area > 2 and area < 4'
    """
    groups = groups_of(conditions)
    return " or ".join(" and ".join(map(str, group)) for group in groups)


def _condition(text: str, joined: Literal["and", "or"]) -> Condition:
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
        joined=joined,
    )
