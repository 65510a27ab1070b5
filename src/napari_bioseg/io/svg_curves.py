"""Line charts as SVG text, for pages that load nothing from elsewhere."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")
WIDTH, HEIGHT = 460, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 34


def svg_curves(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    title: str,
    x_name: str = "epoch",
    mark: float | None = None,
) -> str:
    """Draw curves over one axis.

    Parameters
    ----------
    x : sequence of float
        Places along the axis, rising.
    curves : mapping of str to sequence of float
        A value per place; NaN leaves a gap.
    title : str
        What the chart shows, for people who cannot see it.
    x_name : str
        Name of the axis.
    mark : float, optional
        Place of a dashed line, such as the best epoch.

    Returns
    -------
    str
        One ``<svg>`` element.
    """
    finite = [v for values in curves.values() for v in values if math.isfinite(v)]
    low, high = _limits(finite)
    first, last = (x[0], x[-1]) if x else (0.0, 1.0)

    def place(at: float, value: float) -> str:
        across = (at - first) / ((last - first) or 1.0)
        up = (value - low) / (high - low)
        left = _LEFT + across * (WIDTH - _LEFT - _RIGHT)
        return f"{left:.1f},{_TOP + (1 - up) * (HEIGHT - _TOP - _BOTTOM):.1f}"

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-label="{html.escape(title, quote=True)}">'
    ]
    for tick in _ticks(low, high):
        left, right = place(first, tick), place(last, tick)
        parts.append(_line(left, right, "#ddd"))
        parts.append(_text(_LEFT - 6, _y(left) + 4, f"{tick:.3g}", "end"))
    if mark is not None and first <= mark <= last:
        parts.append(_line(place(mark, low), place(mark, high), "#999", dashed=True))
    for at in dict.fromkeys((first, last)):
        across = float(place(at, low).split(",")[0])
        parts.append(_text(across, HEIGHT - 16, f"{at:g}", "middle"))
    parts.append(_text((_LEFT + WIDTH) / 2, HEIGHT - 4, x_name, "middle"))
    for colour, (_, values) in zip(_cycle(len(curves)), curves.items(), strict=True):
        for piece in _pieces(x, values):
            points = " ".join(place(at, value) for at, value in piece)
            if len(piece) == 1:
                x1, y1 = points.split(",")
                parts.append(f'<circle cx="{x1}" cy="{y1}" r="3" fill="{colour}"/>')
            else:
                parts.append(
                    f'<polyline points="{points}" fill="none" stroke="{colour}" '
                    'stroke-width="1.8"/>'
                )
    return "\n".join([*parts, "</svg>"]) + _legend(list(curves))


def _limits(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low < high / 2 else low - room), high + room


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers between two."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]


def _pieces(
    x: Sequence[float], values: Sequence[float]
) -> list[list[tuple[float, float]]]:
    """Cut a curve where values are missing."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(x, values, strict=True):
        if math.isfinite(value):
            pieces[-1].append((at, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _cycle(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _legend(names: Sequence[str]) -> str:
    items = [
        f'<span><i style="background:{colour}"></i>{html.escape(name)}</span>'
        for colour, name in zip(_cycle(len(names)), names, strict=True)
    ]
    return f'<p class="legend">{" ".join(items)}</p>'


def _line(start: str, end: str, colour: str, *, dashed: bool = False) -> str:
    (x1, y1), (x2, y2) = start.split(","), end.split(",")
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"{dash}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{html.escape(text)}</text>"
    )


def _y(point: str) -> float:
    return float(point.split(",")[1])
