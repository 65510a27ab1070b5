"""What the tests of the Tune panel draw, open and drag."""

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QComboBox
from scipy import ndimage

from napari_bioseg.channels import encode
from napari_bioseg.widgets.tune.picker import NOTHING


def cells(size=96, pitch=16, radius=9.0, seed=0):
    """Overlapping discs on a shaken grid: most of them touch their neighbours."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.int32)
    nearest = np.full(labels.shape, np.inf)
    grid = np.arange(4, size, pitch)
    y, x = np.mgrid[:size, :size]
    for number, (row, column) in enumerate(
        [(a, b) for a in grid for b in grid], start=1
    ):
        row, column = np.array([row, column]) + rng.uniform(-2, 2, 2)
        far = np.hypot(y - row, x - column)
        closer = (far < radius) & (far < nearest)
        labels[closer], nearest[closer] = number, far[closer]
    return labels


def blurred(labels, channels="BC", noise=0.05, seed=1):
    """What a fair network might predict for some labels."""
    rng = np.random.default_rng(seed)
    clean = encode(labels, channels)
    soft = [ndimage.gaussian_filter(channel, 0.8) for channel in clean]
    return np.clip(soft + rng.normal(0, noise, clean.shape), 0, 1).astype(np.float32)


def notes(channel, channels, **more):
    return {
        "bioseg": {
            "version": 1,
            "role": "prediction",
            "channel": channel,
            "channels": list(channels),
            "source": "cells",
            "run": "first",
            **more,
        }
    }


def add_prediction(viewer, data, channels, **options):
    """Add predicted channels as Predict does: one hidden layer each."""
    more = options.pop("notes", {})
    return [
        viewer.add_image(
            channel,
            name=f"cells {name}",
            visible=False,
            metadata=notes(name, channels, **more),
            **options,
        )
        for name, channel in zip(channels, data, strict=True)
    ]


def settle(qtbot, panel):
    qtbot.wait(80)
    qtbot.waitUntil(lambda: not panel.busy, timeout=30_000)
    qtbot.wait(20)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def drag(qtbot, slider, values, pause=5):
    """Drag a handle with the mouse over some values."""

    def at(value):
        return QPoint(round(slider._x_of(value)), 15)

    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(slider, left, pos=at(values[0]))
    for value in values[1:]:
        qtbot.mouseMove(slider, at(value))
        qtbot.wait(pause)
    qtbot.mouseRelease(slider, left, pos=at(values[-1]))


def boxes(panel):
    return [
        box
        for box in panel.choice.picker.findChildren(QComboBox)
        if box.itemText(0) == NOTHING and box.isVisible()
    ]


def volume():
    """Three balls in one row, anisotropic."""
    labels = np.zeros((12, 60, 130), np.int32)
    z, y, x = np.ogrid[:12, :60, :130]
    for number, centre in enumerate((28, 64, 100), start=1):
        far = np.hypot(np.hypot(2 * (z - 6), y - 30), x - centre)
        labels[far < 18.5] = number
    return labels
