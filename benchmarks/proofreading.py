"""How long a correction of a 512³ volume takes until it is shown.

Run ``python benchmarks/proofreading.py [--side 512]``. One object is cut, two joined,
one is filled and smoothed, each as the panel does it: worked out beside the window,
then written through napari's history into a labels layer of a real window. The least
of several runs counts, in wall and in CPU time; drawing by napari is listed apart.
The last table is of an object of millions of pixels: how long the window waits while it
is deleted, at once and in pieces.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_bioseg.display import has_display, virtual_screen
from napari_bioseg.edit import (
    cut,
    delete,
    fill_holes,
    find_boxes,
    merge,
    smooth,
    trace,
)
from napari_bioseg.samples import touching_cells_3d

LIMIT = 0.1
"""Seconds until a merge or a split of 512³ labels is shown."""


def volume(side: int) -> np.ndarray:
    """Return labels of touching cells, tiled up to the size."""
    _, tile = touching_cells_3d()
    out = np.zeros((side,) * 3, np.int32)
    number = 0
    for corner in np.ndindex(*(-(-side // n) for n in tile.shape)):
        box = tuple(
            slice(i * n, min((i + 1) * n, side))
            for i, n in zip(corner, tile.shape, strict=True)
        )
        part = tile[tuple(slice(0, s.stop - s.start) for s in box)]
        out[box] = np.where(part > 0, part + number, 0)
        number += int(tile.max())
    return out


def least(call: Callable[[], Any], runs: int = 5) -> tuple[float, float, Any]:
    """Return the least wall and CPU seconds of several runs, and the last result."""
    wall, cpu, result = [], [], None
    for _ in range(runs):
        start, used = time.perf_counter(), time.process_time()
        result = call()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return min(wall), min(cpu), result


def main() -> int:
    """Measure, print a table, and return 1 if a correction is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=512, help="pixels per axis")
    side = parser.parse_args().side
    screen = contextlib.nullcontext() if has_display() else virtual_screen()
    with screen:
        return measure(volume(side))


def measure(labels: np.ndarray) -> int:
    """Correct one object in every way and print what it takes."""
    import napari
    from qtpy.QtWidgets import QApplication

    find_boxes(labels[:32])
    wall, _, boxes = least(lambda: find_boxes(labels), 2)
    print(f"{labels.shape}, {len(boxes):,} objects; boxes in {wall:.2f} s, once")
    centre = tuple(side // 2 for side in labels.shape)

    def far(number: int) -> int:
        box = boxes[number]
        return sum(abs(s.start - c) for s, c in zip(box, centre, strict=True))

    a, b = sorted(boxes.ids, key=far)[:2]
    middle = [(s.start + s.stop) // 2 for s in boxes[a]]
    across = [[middle[0], boxes[a][1].start - 1, middle[2]]]
    across.append([middle[0], boxes[a][1].stop, middle[2]])
    line = trace(np.array(across))
    fresh = boxes.largest + 1
    holes = labels[tuple(slice(m - 1, m + 1) for m in middle)]
    holes[:] = 0
    actions = {
        "split": lambda: cut(labels, a, boxes[a], line, fresh),
        "merge": lambda: merge(labels, [a, b], [boxes[a], boxes[b]]),
        "fill": lambda: fill_holes(labels, a, boxes[a]),
        "smooth": lambda: smooth(labels, a, boxes[a], 2),
    }
    viewer = napari.Viewer()
    layer = viewer.add_labels(labels)
    viewer.dims.set_point(0, middle[0])
    QApplication.processEvents()
    slow = []
    head = ("correction", "pixels", "work", "CPU", "write", "draw", "all")
    print(("{:12}" + "{:>10}" * 6).format(*head))
    for name, action in actions.items():
        action()
        wall, cpu, change = least(action)
        write, draw = [], []
        for _ in range(3):
            start = time.perf_counter()
            layer.data_setitem(change.indices, change.new)
            write.append(time.perf_counter() - start)
            start = time.perf_counter()
            QApplication.processEvents()
            draw.append(time.perf_counter() - start)
            layer.undo()
            QApplication.processEvents()
        total = wall + min(write) + min(draw)
        times = (wall, cpu, min(write), min(draw), total)
        words = "".join(f"{1000 * t:7.1f} ms" for t in times)
        print(f"{name:12}{change.size:10,}{words}")
        if total > LIMIT and name in ("split", "merge"):
            slow.append(name)
    large(viewer, layer)
    viewer.close()
    print(f"slower than {1000 * LIMIT:.0f} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def large(viewer: Any, layer: Any) -> None:
    """Delete an object that fills an eighth of the volume, at once and in pieces."""
    from qtpy.QtWidgets import QApplication

    from napari_bioseg.widgets.bridge.writing import Writing

    half = tuple(slice(side // 4, 3 * side // 4) for side in layer.data.shape)
    number = int(layer.data.max()) + 1
    layer.data[half] = number
    viewer.dims.set_point(0, 0)  # drawing the slice is napari's, and listed above
    QApplication.processEvents()
    change = delete(layer.data, number, half)
    start = time.perf_counter()
    layer.data_setitem(change.indices, 0)
    once = time.perf_counter() - start
    start = time.perf_counter()
    layer.undo()
    undo = time.perf_counter() - start
    waits, done = [], []
    writing = Writing()
    begun = start = time.perf_counter()
    writing.write(layer, change, (), done.append)
    while not done:
        waits.append(time.perf_counter() - start)
        start = time.perf_counter()
        QApplication.processEvents()
    waits.append(time.perf_counter() - start)
    total = time.perf_counter() - begun
    layer.undo()
    print(f"{change.size:,} pixels deleted: at once {once:.2f} s without the window;")
    print(
        f"in pieces {total:.2f} s, the longest wait {1000 * max(waits):.0f} ms, the "
        f"95th percentile {1000 * np.percentile(waits, 95):.0f} ms, "
        f"{len(waits)} pieces; napari's undo {undo:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
