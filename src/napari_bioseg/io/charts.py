"""Charts as PNG pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from napari_bioseg.counted import counted

from .write import replacing

_FINE = 2
"""Drawn so many times larger and shrunk, which smooths slanted lines."""
SIZE = (640 * _FINE, 400 * _FINE)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")
"""Told apart by colour-blind people too."""
_LEFT, _RIGHT, _TOP, _BOTTOM = (side * _FINE for side in (64, 150, 40, 52))
_INK, _GRID = "#222222", "#dddddd"


def write_lines(
    path: str | Path,
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    title: str,
    x_name: str,
    limits: tuple[float, float] = (0.0, 1.0),
) -> Path:
    """Draw curves over one axis.

    Parameters
    ----------
    path : str or Path
        PNG file to write; replaced if it exists.
    x : sequence of float
        Places along the axis, rising.
    curves : mapping of str to sequence of float
        A value per place; NaN leaves a gap.
    title : str
        Written above.
    x_name : str
        Name of the axis.
    limits : tuple of float
        Lowest and highest value shown.

    Returns
    -------
    Path
        The file.
    """
    sheet = _Sheet(title, x_name, (min(x), max(x)), limits)
    for index, (name, values) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [sheet.place(*point) for point in zip(x, values, strict=True)]
        for a, b in pairwise(places):
            if a is not None and b is not None:
                sheet.draw.line([a, b], fill=colour, width=2 * _FINE)
        for place in places:
            if place is not None:
                across, down = place
                dot = 3 * _FINE
                box = (across - dot, down - dot, across + dot, down + dot)
                sheet.draw.ellipse(box, fill=colour)
        sheet.legend(index, name, colour)
    return sheet.save(path)


def write_histogram(
    path: str | Path, values: Sequence[float], *, title: str, x_name: str
) -> Path:
    """Draw how often values occur.

    Parameters
    ----------
    path : str or Path
        PNG file to write; replaced if it exists.
    values : sequence of float
        What to count; values that are not finite are left out.
    title : str
        Written above.
    x_name : str
        Name of the axis, with its unit.

    Returns
    -------
    Path
        The file.
    """
    import numpy as np

    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    bins = int(np.clip(math.sqrt(finite.size), 5, 40))
    counts, edges = np.histogram(finite, bins) if finite.size else ([0], [0.0, 1.0])
    ends = (float(edges[0]), float(edges[-1]))
    highest = 5.0 * max(1, math.ceil(max(counts) / 5))
    sheet = _Sheet(title, x_name, ends, (0.0, highest))
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        corner, foot = sheet.place(low, count), sheet.place(high, 0)
        if count and corner is not None and foot is not None:
            sheet.draw.rectangle([corner, (foot[0] - _FINE, foot[1])], fill=COLOURS[0])
    sheet.legend(0, counted(finite.size, "object"), COLOURS[0])
    return sheet.save(path)


class _Sheet:
    """A picture with axes, a title and room for names at the right."""

    def __init__(
        self,
        title: str,
        x_name: str,
        across: tuple[float, float],
        up: tuple[float, float],
    ) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self.picture = Image.new("RGB", SIZE, "white")
        self.draw = ImageDraw.Draw(self.picture)
        self._font = ImageFont.load_default(13 * _FINE)
        self._across, self._up = _widened(across), _widened(up)
        right, bottom = SIZE[0] - _RIGHT, SIZE[1] - _BOTTOM
        middle = (_LEFT + right) // 2
        self._write((middle, 16 * _FINE), title, "mm")
        self._write((middle, SIZE[1] - 14 * _FINE), x_name, "mm")
        for step in range(6):
            value = self._up[0] + (self._up[1] - self._up[0]) * step / 5
            _, down = self.place(self._across[0], value) or (0, 0)
            self.draw.line([(_LEFT, down), (right, down)], fill=_GRID, width=_FINE)
            self._write((_LEFT - 8 * _FINE, down), f"{value:.3g}", "rm")
            value = self._across[0] + (self._across[1] - self._across[0]) * step / 5
            along, _ = self.place(value, self._up[0]) or (0, 0)
            self._write((along, bottom + 14 * _FINE), f"{value:.3g}", "mm")
        self.draw.line(
            [(_LEFT, _TOP), (_LEFT, bottom), (right, bottom)], fill=_INK, width=_FINE
        )

    def place(self, across: float, up: float) -> tuple[float, float] | None:
        """Return where a point lies in the picture; None for one that is no number."""
        if not (math.isfinite(across) and math.isfinite(up)):
            return None
        (x0, x1), (y0, y1) = self._across, self._up
        return (
            _LEFT + (across - x0) / (x1 - x0) * (SIZE[0] - _LEFT - _RIGHT),
            SIZE[1] - _BOTTOM - (up - y0) / (y1 - y0) * (SIZE[1] - _TOP - _BOTTOM),
        )

    def legend(self, index: int, name: str, colour: str) -> None:
        """Name one curve at the right."""
        left = SIZE[0] - _RIGHT + 12 * _FINE
        middle = _TOP + (10 + 20 * index) * _FINE
        box = (left, middle - 4 * _FINE, left + 12 * _FINE, middle + 4 * _FINE)
        self.draw.rectangle(box, fill=colour)
        self._write((left + 18 * _FINE, middle), name, "lm")

    def save(self, path: str | Path) -> Path:
        """Write the picture."""
        path = Path(path)
        width, height = SIZE
        small = self.picture.resize((width // _FINE, height // _FINE), reducing_gap=3.0)
        with replacing(path) as part:
            small.save(part, "PNG")
        return path

    def _write(self, place: tuple[float, float], text: str, anchor: str) -> None:
        self.draw.text(place, text, fill=_INK, font=self._font, anchor=anchor)


def _widened(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    return (low, high) if high > low else (low - 0.5, low + 0.5)
