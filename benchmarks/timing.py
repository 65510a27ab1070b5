"""Wall and processor time, peak memory, and tables."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs of one thing."""

    walls: tuple[float, ...]
    processor: float

    @property
    def median(self) -> float:
        """Half of the runs were faster."""
        return statistics.median(self.walls)

    @property
    def p95(self) -> float:
        """19 of 20 runs were faster."""
        return float(np.percentile(self.walls, 95))


def timed(call: Callable[[], object], runs: int = 5, *, warm: bool = False) -> Timing:
    """Run something several times; once before to warm up, unless it is warm."""
    if not warm:
        call()
    walls, processor = [], []
    for _ in range(runs):
        begun, used = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    return Timing(tuple(walls), min(processor))


def peak_memory(call: Callable[[], object]) -> int:
    """Return by how many bytes a call raised the memory in use, at its highest."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    reset.write_text("5")
    before = _field(status, "VmRSS")
    call()
    return _field(status, "VmHWM") - before


def _field(status: Path, name: str) -> int:
    line = next(x for x in status.read_text().splitlines() if x.startswith(name))
    return int(line.split()[1]) * 1024


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as text in columns."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def write_into(page: Path, name: str, text: str) -> None:
    """Put text between ``<!-- name -->`` and ``<!-- end name -->`` of a page."""
    first, last = f"<!-- {name} -->", f"<!-- end {name} -->"
    before, found, rest = page.read_text("utf-8").partition(first)
    _, closed, after = rest.partition(last)
    if not found or not closed:
        raise ValueError(f"{page} has no place for it between {first} and {last}")
    page.write_text(f"{before}{first}\n{text}\n{last}{after}", "utf-8")


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as a table of a Markdown page, numbers to the right."""
    rule = ("---", "---", *("---:" for _ in head[2:]))
    lines = (head, rule, *rows)
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine() -> str:
    """Return what the figures depend on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.machine()}, {cores or os.cpu_count()} cores, load {load}"


def milliseconds(seconds: float) -> str:
    """Return a time to about three digits."""
    value = 1000 * seconds
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
