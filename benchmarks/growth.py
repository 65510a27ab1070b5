"""How time and memory grow with an image, each size in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from timing import milliseconds, peak_memory, timed

SHAPES = (
    *((n, n) for n in (512, 1024, 2048, 4096, 8192)),
    *((n, n, n) for n in (64, 128, 256, 512)),
)
HEAD = ("input", "instances", "ms", "ns/pixel", "peak MiB", "bytes/pixel besides")


def grow(script: str, folder: Path, largest: float) -> list[list[str]]:
    """Return a row for each size, measured by ``script --one SIZE``."""
    rows = []
    for shape in SHAPES:
        if np.prod(shape) > largest:
            continue
        size = "x".join(map(str, shape))
        command = [sys.executable, script, "--folder", str(folder), "--one", size]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(done.stdout.strip().split("\t"))
    return rows


def tiled(base: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    """Repeat the last axes of an array until they have this shape."""
    sides = base.shape[base.ndim - len(shape) :]
    times = tuple(-(-n // m) for n, m in zip(shape, sides, strict=True))
    times = (1,) * (base.ndim - len(shape)) + times
    cut = (..., *(slice(n) for n in shape))
    return np.ascontiguousarray(np.tile(base, times)[cut])


def print_one(shape: tuple[int, ...], call: Callable[[], int], output: int) -> None:
    """Print the row of one size.

    The call returns the number of instances; ``output`` bytes a pixel are its result.
    """
    pixels = int(np.prod(shape))
    counts: list[int] = []
    memory = peak_memory(lambda: counts.append(call()))
    time = timed(call, 3 if pixels < 2e7 else 1, warm=True)
    row = (
        "x".join(map(str, shape)),
        counts[0],
        milliseconds(time.median),
        f"{time.median / pixels * 1e9:.1f}",
        f"{memory / 2**20:.0f}",
        f"{memory / pixels - output:.1f}",
    )
    print(*row, sep="\t")
