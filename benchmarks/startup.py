"""How long users wait before anything starts: napari with the panels, and --help.

Run ``python benchmarks/startup.py [--runs 5]``. Every start is a process of its own and
the kinds take turns, so that other work on the machine hits all of them alike; medians
are printed.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import time

from napari_bioseg.display import has_display, virtual_screen

NAPARI = """
import napari
viewer = napari.Viewer(show=False)
{panels}
viewer.close()
"""
PANEL = "viewer.window.add_plugin_dock_widget('napari-bioseg', {name!r})"
ALL = """
from napari_bioseg.widgets.workbench import open_all_panels
open_all_panels(viewer)
"""
MAIN = "import sys; from napari_bioseg.cli import main; sys.exit(main({words!r}))"

PANELS = ("Train", "Predict", "Tune", "Proofread", "Measure", "Evaluate")

STARTS = {
    "napari alone": NAPARI.format(panels=""),
    "napari, Train open": NAPARI.format(panels=PANEL.format(name="Train")),
    "napari, all side by side": NAPARI.format(panels=ALL),
    "napari, all of them built": NAPARI.format(
        panels="\n".join(PANEL.format(name=name) for name in PANELS)
    ),
    "python alone": "pass",
    "napari-bioseg --help": MAIN.format(words=["--help"]),
    "napari-bioseg train --help": MAIN.format(words=["train", "--help"]),
}
BASES = {"napari": "napari alone", "napari-bioseg": "python alone"}
LIMITS = {
    "napari, Train open": 0.5,
    "napari, all side by side": 0.5,
    "napari-bioseg --help": 0.5,
    "napari-bioseg train --help": 0.5,
}
"""Seconds that a start may take longer than its base (SPEC: 0.5). Side by side, panels
are built once their tabs are looked at; building all at once is shown beside."""


def seconds_of(code: str) -> float:
    """Time one start from an empty process to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def modules_of(code: str) -> set[str]:
    """Return the packages that a start imports."""
    # a copy, as threads of the panels may import more meanwhile
    report = "\nimport sys; print(*{name.split('.')[0] for name in list(sys.modules)})"
    made = subprocess.run(
        [sys.executable, "-c", code + report],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(made.stdout.splitlines()[-1].split())


def main() -> int:
    """Measure, print a table, and return 1 if a start is slower than it may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind")
    runs = parser.parse_args().runs
    screen = contextlib.nullcontext() if has_display() else virtual_screen()
    taken: dict[str, list[float]] = {name: [] for name in STARTS}
    with screen:
        for code in STARTS.values():
            seconds_of(code)  # files into the cache
        for _ in range(runs):
            for name, code in STARTS.items():
                taken[name].append(seconds_of(code))
        added = modules_of(STARTS["napari, all of them built"])
        added -= modules_of(STARTS["napari alone"])
    medians = {name: statistics.median(times) for name, times in taken.items()}
    print(f"{'start':28} {'seconds':>8} {'more than base':>15} {'allowed':>8}")
    slow = []
    for name, median in medians.items():
        base = BASES.get(name.split(",")[0].split()[0])
        base = None if base == name else base
        more = "" if base is None else f"{median - medians[base]:+.2f}"
        limit = LIMITS.get(name)
        print(f"{name:28} {median:8.2f} {more:>15} {limit or '':>8}")
        if base is not None and limit and median - medians[base] > limit:
            slow.append(name)
    print(f"packages that open panels add: {', '.join(sorted(added))}")
    print(f"medians of {runs}; too slow: {', '.join(slow) or 'none'}")
    return 1 if slow or "torch" in added else 0


if __name__ == "__main__":
    sys.exit(main())
