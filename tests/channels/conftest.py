"""The drawn toy input: three touching cells, and two in an anisotropic volume."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def _draw(text: str) -> np.ndarray:
    """Turn digits and dots (0) into an array; an empty line begins a new slice."""
    slices = [
        [[0 if mark == "." else int(mark) for mark in row.split()] for row in rows]
        for rows in (part.strip().splitlines() for part in text.strip().split("\n\n"))
    ]
    array = np.array(slices, np.int32)
    return array if len(array) > 1 else array[0]


@pytest.fixture
def draw() -> Callable[[str], np.ndarray]:
    """Turns a drawing into an array."""
    return _draw


@pytest.fixture
def cells() -> np.ndarray:
    """Three cells that touch, one of them at the image's edge."""
    return _draw(
        """
        . . . . . . . . .
        . 1 1 1 1 2 2 2 2
        . 1 1 1 1 2 2 2 2
        . 1 1 1 1 2 2 2 2
        . 1 1 1 1 2 2 2 2
        . 3 3 3 3 3 3 3 .
        . 3 3 3 3 3 3 3 .
        . 3 3 3 3 3 3 3 .
        . . . . . . . . .
        """
    )


@pytest.fixture
def volume() -> np.ndarray:
    """Two cells that touch in a volume whose slices are 2 apart, pixels 1."""
    return _draw(
        """
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .

        . . . . . . .
        . 1 1 1 2 2 .
        . 1 1 1 2 2 .
        . 1 1 1 2 2 .
        . . . . . . .

        . . . . . . .
        . 1 1 1 2 2 .
        . 1 1 1 2 2 .
        . 1 1 1 2 2 .
        . . . . . . .

        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        """
    )
